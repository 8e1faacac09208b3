/* Structs that cross the API carry their size, so that either side may be the newer one. The core does the same in a
 * header of its own, which this layer does not see. */
#ifndef SHOP_BASE_OPTIONS_H
#define SHOP_BASE_OPTIONS_H

#include <stddef.h>

#include "shop/base/status.h"

/* Size of a struct up to and including `field`: what an older caller's struct has at least. */
#define SHOP_SIZE_UP_TO(type, field) (offsetof(type, field) + sizeof((type *)0)->field)
/* The same where the field is a pointer: clang-tidy takes the size of a pointer expression for a mistake. */
#define SHOP_SIZE_UP_TO_POINTER(type, field) (offsetof(type, field) + sizeof(void *))

/* Sets a struct of the caller, of `caller_size` bytes, to the defaults `ours`: never writes more than caller_size
 * bytes, zeros what we do not know, and sets struct_size to caller_size. Does nothing for NULL. */
void shop_options_init(void *caller, size_t caller_size, const void *ours, size_t size);

/* Copies the caller's struct `in` over `out`, which holds the defaults and is `size` bytes here. The caller's
 * struct_size may be smaller, down to `oldest_size` (what the struct had when it was first released): the rest stays
 * default. It may be larger if what we do not know is zero. Else ARG. `name` is for the message. */
llmcs_status shop_options_in(void *out, size_t size, size_t oldest_size, const void *in, const char *name);

/* The other direction: fills the caller's struct with as much of ours as fits, zeros what it has more, and leaves its
 * struct_size. ARG as above. */
llmcs_status shop_options_out(void *caller, size_t oldest_size, const void *ours, size_t size, const char *name);

#endif
