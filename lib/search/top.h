/* The best of many candidates: a heap whose root is the worst one kept. */
#ifndef LL_SEARCH_TOP_H
#define LL_SEARCH_TOP_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct ll_candidate {
    float score; /* higher is better, whatever the metric */
    uint32_t slot;
    uint64_t id;
} ll_candidate;

typedef struct ll_top {
    ll_candidate *items; /* [capacity] */
    size_t n, capacity;
} ll_top;

/* Best score first, equal scores by id: independent of the order of insertion. */
static inline bool ll_is_better(const ll_candidate *a, const ll_candidate *b) {
    return a->score > b->score || (a->score == b->score && a->id < b->id);
}

/* Candidates with a lower score cannot enter. */
static inline float ll_top_least(const ll_top *t) { return t->n < t->capacity ? -INFINITY : t->items[0].score; }

/* Keeps the candidate if it is among the best so far. */
void ll_top_push(ll_top *t, ll_candidate c);
/* Sorts best first; afterwards the items are no longer a heap. */
void ll_top_sort(ll_top *t);

#endif
