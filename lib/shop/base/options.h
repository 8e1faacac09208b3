/* Structs that cross the API carry their size, so that the caller or the library may be the newer one. The core has a
 * header like this, but this layer includes public headers only. */
#ifndef SHOP_BASE_OPTIONS_H
#define SHOP_BASE_OPTIONS_H

#include <stddef.h>

#include "shop/base/status.h"

/* Size of a struct up to and including `field`: the minimum struct_size that is accepted. */
#define SHOP_SIZE_UP_TO(type, field) (offsetof(type, field) + sizeof((type *)0)->field)
/* The same for a pointer field: clang-tidy warns about sizeof of a pointer expression. */
#define SHOP_SIZE_UP_TO_POINTER(type, field) (offsetof(type, field) + sizeof(void *))

/* Sets the caller's struct of `caller_size` bytes to the defaults `ours`: writes at most caller_size bytes, zeros
 * fields that this version does not know, and sets struct_size to caller_size. Does nothing for NULL. */
void shop_options_init(void *caller, size_t caller_size, const void *ours, size_t size);

/* Copies the caller's struct `in` over `out`, which has `size` bytes and holds the defaults. The caller's struct_size
 * may be smaller, down to `oldest_size` (the struct's size when it was first released): the other fields keep their
 * defaults. It may be larger if all unknown fields are zero. Else ARG. `name` is for the message. */
llmcs_status shop_options_in(void *out, size_t size, size_t oldest_size, const void *in, const char *name);

/* The other direction: fills the caller's struct with as much of `ours` as fits, zeros fields that this version does
 * not know, and leaves struct_size alone. ARG as above. */
llmcs_status shop_options_out(void *caller, size_t oldest_size, const void *ours, size_t size, const char *name);

#endif
