/* Centroids and the search for the nearest ones. */
#include "search/lists.h"

#include <string.h>

#include "search/index.h"

/* ---- centroids */

static size_t q8_panel_bytes(const llmcs_index *x) { return x->format.nr * ll_output_bytes(LL_Q8, x->format.dim); }

uint64_t ll_centroids_bytes(const llmcs_index *x, size_t n) {
    const size_t n_blocks = (n + LL_SCORES - 1) / LL_SCORES;
    return n * x->format.row * sizeof(float) +
           n_blocks * LL_SCORES * (sizeof(float) + ll_output_bytes(LL_Q8, x->format.dim));
}

llmcs_status ll_centroids_create(const llmcs_index *x, size_t n, ll_centroids **centroids) {
    const llmcs_allocator *a = &x->allocator;
    ll_centroids *c;
    *centroids = NULL;
    LL_TRY(ll_alloc_zero(a, 1, sizeof *c, "centroids", &c));
    c->n = n;
    c->n_blocks = (n + LL_SCORES - 1) / LL_SCORES;
    c->panel_bytes = q8_panel_bytes(x);
    c->panels_bytes = LL_SCORES / x->format.nr * c->panel_bytes;
    llmcs_status st = ll_alloc_zero(a, n, x->format.row * sizeof(float), "centroids", &c->rows);
    if (!st) st = ll_alloc_zero(a, c->n_blocks, c->panels_bytes, "centroids", &c->panels);
    if (!st) st = ll_alloc(a, c->n_blocks, LL_SCORES * sizeof(float), "centroids", &c->bias);
    if (st) {
        ll_centroids_free(a, c);
        return st;
    }
    for (size_t i = 0; i < c->n_blocks * LL_SCORES; i++) c->bias[i] = i < n ? 0.0f : -INFINITY;
    *centroids = c;
    return LLMCS_OK;
}

void ll_centroids_free(const llmcs_allocator *a, ll_centroids *c) {
    if (!c) return;
    ll_free(a, c->rows);
    ll_free(a, c->panels);
    ll_free(a, c->bias);
    ll_free(a, c);
}

void ll_centroids_set(const llmcs_index *x, ll_centroids *c, size_t i, const float *row) {
    const ll_vector_format *f = &x->format;
    char *panel = c->panels + i / f->nr * c->panel_bytes;
    memcpy(c->rows + i * f->row, row, f->row * sizeof *row);
    ll_panel_put_q8(panel, f->nr, i % f->nr, f->dim, row);
    c->bias[i] = -0.5f * x->kernels->dot_f32(row, row, f->row);
}

/* ---- the nearest */

llmcs_status ll_nearest_create(const llmcs_index *x, size_t max_rows, ll_nearest *w) {
    const llmcs_allocator *a = &x->allocator;
    *w = (ll_nearest){.max_rows = max_rows, .stride = ll_q_row_bytes(x->kernels->q_bytes, x->format.dim)};
    llmcs_status st = ll_alloc(a, max_rows, w->stride, "centroid scores", &w->quantized);
    if (!st) st = ll_alloc(a, max_rows, LL_SCORES * sizeof(float), "centroid scores", &w->scores);
    if (!st) st = ll_alloc(a, max_rows, sizeof *w->best, "centroid scores", &w->best);
    if (!st) st = ll_alloc(a, max_rows, sizeof *w->bits, "centroid scores", &w->bits);
    if (st) ll_nearest_free(x, w);
    return st;
}

void ll_nearest_free(const llmcs_index *x, ll_nearest *w) {
    ll_free(&x->allocator, w->quantized);
    ll_free(&x->allocator, w->scores);
    ll_free(&x->allocator, w->best);
    ll_free(&x->allocator, w->bits);
    *w = (ll_nearest){0};
}

static void quantize_rows(const llmcs_index *x, ll_nearest *w, const float *rows, size_t n) {
    for (size_t r = 0; r < n; r++)
        x->kernels->quantize(rows + r * x->format.row, x->format.dim, false, w->quantized + r * w->stride);
}

/* Scores of n rows with one block of centroids. */
static void score_centroids(const llmcs_index *x, const ll_centroids *c, ll_nearest *w, size_t block, size_t n,
                            bool with_bias) {
    const char *panels = c->panels + block * c->panels_bytes;
    const ll_product p = {.x = w->quantized,
                          .x_stride = w->stride,
                          .n_rows = n,
                          .w = panels,
                          .panel_bytes = c->panel_bytes,
                          .n_in = x->format.dim,
                          .n_out = LL_SCORES,
                          .bias = with_bias ? c->bias + block * LL_SCORES : NULL,
                          .y = w->scores,
                          .ldy = LL_SCORES,
                          .next = block + 1 < c->n_blocks ? panels + c->panels_bytes : NULL};
    x->kernels->matmul[LL_Q8](&p);
}

void ll_nearest_lists(const llmcs_index *x, const ll_centroids *c, ll_nearest *w, const float *rows, size_t n,
                      uint32_t *lists) {
    quantize_rows(x, w, rows, n);
    for (size_t r = 0; r < n; r++) {
        w->best[r] = -INFINITY;
        lists[r] = 0;
    }
    for (size_t block = 0; block < c->n_blocks; block++) {
        score_centroids(x, c, w, block, n, true);
        x->kernels->at_least(w->scores, n, w->best, w->bits);
        for (size_t r = 0; r < n; r++) {
            const float *scores = w->scores + r * LL_SCORES;
            for (uint64_t bits = w->bits[r]; bits; bits &= bits - 1) {
                const size_t i = (size_t)__builtin_ctzll(bits);
                if (!(scores[i] > w->best[r])) continue;
                w->best[r] = scores[i];
                lists[r] = (uint32_t)(block * LL_SCORES + i);
            }
        }
    }
}

void ll_nearest_probes(const llmcs_index *x, const ll_centroids *c, ll_nearest *w, const float *query, ll_top *top) {
    quantize_rows(x, w, query, 1);
    for (size_t block = 0; block < c->n_blocks; block++) {
        const size_t first = block * LL_SCORES;
        score_centroids(x, c, w, block, 1, x->format.metric != LLMCS_METRIC_DOT);
        const float least = ll_top_least(top);
        x->kernels->at_least(w->scores, 1, &least, w->bits);
        for (uint64_t bits = w->bits[0]; bits; bits &= bits - 1) {
            const size_t i = first + (size_t)__builtin_ctzll(bits);
            if (i < c->n) ll_top_push(top, (ll_candidate){w->scores[i - first], (uint32_t)i, i});
        }
    }
    ll_top_sort(top);
}
