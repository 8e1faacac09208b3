/* Public structs carry their size, so that either the caller or the library may be the newer one. */
#ifndef LL_BASE_OPTIONS_H
#define LL_BASE_OPTIONS_H

#include <stddef.h>

#include "base/status.h"

/* Size of a struct up to and including `field`: the least that an older caller's struct has. */
#define LL_SIZE_UP_TO(type, field) (offsetof(type, field) + sizeof((type *)0)->field)
/* The same where the field is a pointer: clang-tidy takes the size of a pointer expression for a mistake. */
#define LL_SIZE_UP_TO_POINTER(type, field) (offsetof(type, field) + sizeof(void *))

/* Sets a struct of the caller, of `caller_size` bytes, to the defaults `ours`: never writes more than caller_size
 * bytes, zeroes fields that the library does not know, and sets struct_size to caller_size. Does nothing for NULL. */
void ll_options_init(void *caller, size_t caller_size, const void *ours, size_t size);

/* ARG unless the struct_size that `in` begins with is plausible: oldest_size or more. */
llmcs_status ll_options_check(const void *in, size_t oldest_size, const char *name);

/* Copies the caller's struct `in` over `out`, which holds the defaults and is `size` bytes here. The caller's
 * struct_size may be smaller, down to `oldest_size` (that of the first release): the other fields keep their defaults.
 * It may be larger if all further bytes are zero. Otherwise ARG. `name` is for the message. */
llmcs_status ll_options_in(void *out, size_t size, size_t oldest_size, const void *in, const char *name);

/* The other direction: copies as much of `ours` as fits into the caller's struct, zeroes its further bytes, and keeps
 * its struct_size. ARG as above. */
llmcs_status ll_options_out(void *caller, size_t oldest_size, const void *ours, size_t size, const char *name);

#endif
