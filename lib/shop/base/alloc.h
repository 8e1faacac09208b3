/* All memory of the shop layer except SQLite's comes from the caller's llmcs_allocator. */
#ifndef SHOP_BASE_ALLOC_H
#define SHOP_BASE_ALLOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shop/base/status.h"

/* Checked arithmetic on sizes from a file or a caller: false if the result overflows. */
static inline bool shop_mul(size_t a, size_t b, size_t *out) { return !__builtin_mul_overflow(a, b, out); }
static inline bool shop_add(size_t a, size_t b, size_t *out) { return !__builtin_add_overflow(a, b, out); }
static inline size_t shop_min(size_t a, size_t b) { return a < b ? a : b; }
static inline size_t shop_max(size_t a, size_t b) { return a > b ? a : b; }

/* A copy of *a, or the C library's allocator if a is NULL. */
llmcs_allocator shop_allocator_or_default(const llmcs_allocator *a);

/* Sets *out to count * size bytes aligned to 64, not initialised; at least one byte, so *out is never NULL on success.
 * On failure *out is NULL and the message names `what` and the number of bytes. */
llmcs_status shop_alloc(const llmcs_allocator *a, size_t count, size_t size, const char *what, void *out);

/* The same, zeroed. */
llmcs_status shop_alloc_zero(const llmcs_allocator *a, size_t count, size_t size, const char *what, void *out);

/* p may be NULL. */
void shop_free(const llmcs_allocator *a, void *p);

/* Grows an array to at least `need` elements and keeps the first `used`. `array` is the address of a pointer. On
 * success the pointer is not NULL even if need is 0, because NULL + 0 and memset(NULL, 0, 0) are undefined. The
 * capacity doubles, so n appends cost O(n). On failure the array is unchanged. */
llmcs_status shop_grow(const llmcs_allocator *a, void *array, size_t used, size_t *capacity, size_t need, size_t size,
                       const char *what);

/* A NUL-terminated copy of len bytes. */
llmcs_status shop_copy_text(const llmcs_allocator *a, const char *text, size_t len, const char *what, char **out);

#endif
