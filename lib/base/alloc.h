/* All memory of the library comes from here, so that a host can supply its own allocator and a test can fail the n-th
 * allocation. Objects keep a copy of their llmcs_allocator. */
#ifndef LL_BASE_ALLOC_H
#define LL_BASE_ALLOC_H

#include "base/size.h"
#include "base/status.h"

/* The C library's, aligned to 64 bytes. */
llmcs_allocator ll_allocator_default(void);

/* A copy of *a, or the default if a is NULL. */
llmcs_allocator ll_allocator_or_default(const llmcs_allocator *a);

/* Sets *out to count * size bytes aligned to 64, not initialised; at least one byte, so *out is never NULL on success.
 * On failure *out is NULL and the message names `what` and the number of bytes. */
llmcs_status ll_alloc(const llmcs_allocator *a, size_t count, size_t size, const char *what, void *out);

/* The same, zeroed. */
llmcs_status ll_alloc_zero(const llmcs_allocator *a, size_t count, size_t size, const char *what, void *out);

/* p may be NULL. */
void ll_free(const llmcs_allocator *a, void *p);

/* Grows an array to at least `need` elements, preserving the first `used`. `array` is the address of a pointer. The
 * capacity doubles, so n appends cost O(n). On failure the array is unchanged. */
llmcs_status ll_grow(const llmcs_allocator *a, void *array, size_t used, size_t *capacity, size_t need, size_t size,
                     const char *what);

/* A NUL-terminated copy of len bytes. */
llmcs_status ll_copy_text(const llmcs_allocator *a, const char *text, size_t len, const char *what, char **out);

#endif
