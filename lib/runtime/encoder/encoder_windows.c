/* Windows of a text pooled to one row of numbers. */
#include "runtime/encoder/encoder.h"

llmcs_status ll_window_pool_create(const llmcs_allocator *a, size_t n, bool max, ll_window_pool *pool) {
    *pool = (ll_window_pool){.n = n, .max = max};
    LL_TRY(ll_alloc(a, n, sizeof *pool->sums + sizeof *pool->values, "windows", &pool->sums));
    pool->values = (float *)(void *)(pool->sums + n);
    return LLMCS_OK;
}

void ll_window_pool_free(const llmcs_allocator *a, ll_window_pool *pool) {
    ll_free(a, pool->sums);
    *pool = (ll_window_pool){0};
}

/* In double precision: a mean of numbers that are finite is. */
static void add(ll_window_pool *pool, const ll_window *w, const float *x) {
    const double weight = pool->max ? 1.0 : (double)w->n_tokens;
    for (size_t i = 0; i < pool->n; i++) {
        const double value = weight * (double)x[i];
        if (w->first)
            pool->sums[i] = value;
        else if (!pool->max)
            pool->sums[i] += value;
        else if (value > pool->sums[i])
            pool->sums[i] = value;
    }
}

const float *ll_window_pool_add(ll_window_pool *pool, const ll_window *w, const float *x) {
    if (w->first && w->last) return x;
    if (w->first) pool->n_tokens = 0;
    pool->n_tokens += w->n_tokens;
    add(pool, w, x);
    if (!w->last) return NULL;
    const double total = pool->max ? 1.0 : (double)pool->n_tokens;
    for (size_t i = 0; i < pool->n; i++) pool->values[i] = (float)(pool->sums[i] / total);
    return pool->values;
}
