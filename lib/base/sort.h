/* Sorting without allocation, recursion or a quadratic case. Written by hand because glibc's qsort_r (2.36) allocates a
 * copy of a large array with malloc. */
#ifndef LL_BASE_SORT_H
#define LL_BASE_SORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* True if item a sorts before item b. Items are indices that only `context` can interpret. */
typedef bool (*ll_less_fn)(const void *context, uint32_t a, uint32_t b);

/* Sorts n indices in O(n log n). Not stable. */
void ll_sort_u32(uint32_t *items, size_t n, ll_less_fn less, const void *context);

#endif
