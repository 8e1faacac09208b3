/* A binary heap; sorting repeatedly removes the worst item. */
#include "search/top.h"

/* Moves the item at i down until none of its children is worse. */
static void sift_down(ll_candidate *items, size_t n, size_t i) {
    const ll_candidate moved = items[i];
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= n) break;
        if (child + 1 < n && ll_is_better(&items[child], &items[child + 1])) child++;
        if (!ll_is_better(&moved, &items[child])) break;
        items[i] = items[child];
        i = child;
    }
    items[i] = moved;
}

void ll_top_push(ll_top *t, ll_candidate c) {
    if (t->n == t->capacity) {
        if (t->n == 0 || !ll_is_better(&c, &t->items[0])) return;
        t->items[0] = c;
        sift_down(t->items, t->n, 0);
        return;
    }
    size_t i = t->n++;
    for (size_t parent; i > 0 && ll_is_better(&t->items[parent = (i - 1) / 2], &c); i = parent)
        t->items[i] = t->items[parent];
    t->items[i] = c;
}

void ll_top_sort(ll_top *t) {
    for (size_t n = t->n; n > 1; n--) {
        const ll_candidate worst = t->items[0];
        t->items[0] = t->items[n - 1];
        t->items[n - 1] = worst;
        sift_down(t->items, n - 1, 0);
    }
}
