/* Heap sort, ascending: O(n log n) in any case, no recursion and no allocation. qsort may allocate. */
#ifndef SHOP_BASE_SORT_H
#define SHOP_BASE_SORT_H

#include <stddef.h>
#include <stdint.h>

void shop_sort_doubles(double *x, size_t n); /* no NaN */
void shop_sort_u64(uint64_t *x, size_t n);

#endif
