/* Heap sort of numbers. */
#include "shop/base/sort.h"

/* Builds a max-heap, then repeatedly moves its largest value behind its end. */
#define HEAP_SORT(type, x, n)                                            \
    for (size_t built = (n) / 2, end = (n); end > 1;) {                  \
        type value;                                                      \
        if (built) {                                                     \
            value = (x)[--built];                                        \
        } else {                                                         \
            value = (x)[--end];                                          \
            (x)[end] = (x)[0];                                           \
        }                                                                \
        size_t at = built;                                               \
        for (size_t child; (child = 2 * at + 1) < end; at = child) {     \
            if (child + 1 < end && (x)[child + 1] > (x)[child]) child++; \
            if (!((x)[child] > value)) break;                            \
            (x)[at] = (x)[child];                                        \
        }                                                                \
        (x)[at] = value;                                                 \
    }

void shop_sort_doubles(double *x, size_t n) { HEAP_SORT(double, x, n) }

void shop_sort_u64(uint64_t *x, size_t n) { HEAP_SORT(uint64_t, x, n) }
