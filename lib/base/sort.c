/* Heapsort (Williams 1964, Floyd 1964). */
#include "base/sort.h"

static void swap(uint32_t *a, uint32_t *b) {
    uint32_t old = *a;
    *a = *b;
    *b = old;
}

/* Moves items[root] down the heap items[0..n) until no child of it is greater. */
static void sift_down(uint32_t *items, size_t root, size_t n, ll_less_fn less, const void *context) {
    for (size_t child; (child = 2 * root + 1) < n; root = child) {
        if (child + 1 < n && less(context, items[child], items[child + 1])) child++;
        if (!less(context, items[root], items[child])) return;
        swap(&items[root], &items[child]);
    }
}

void ll_sort_u32(uint32_t *items, size_t n, ll_less_fn less, const void *context) {
    for (size_t i = n / 2; i-- > 0;) sift_down(items, i, n, less, context);
    for (size_t end = n; end-- > 1;) {
        swap(&items[0], &items[end]);
        sift_down(items, 0, end, less, context);
    }
}
