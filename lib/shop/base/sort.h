/* Sorting without recursion, memory or the C library's qsort, which may allocate. Ascending; n log n for any order. */
#ifndef SHOP_BASE_SORT_H
#define SHOP_BASE_SORT_H

#include <stddef.h>
#include <stdint.h>

void shop_sort_doubles(double *x, size_t n); /* finite numbers */
void shop_sort_u64(uint64_t *x, size_t n);

#endif
