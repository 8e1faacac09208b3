/* llmcs_index_measure: compares a search with the exact one, query by query. */
#include <stdlib.h>
#include <string.h>

#include "base/call.h"
#include "base/clock.h"
#include "base/options.h"
#include "base/sort.h"
#include "search/index.h"

#define MEASUREMENT_OLDEST LL_SIZE_UP_TO(llmcs_index_measurement, lists_probed)

typedef struct measurement {
    llmcs_index *x;
    llmcs_search_params params;
    const float *queries;
    size_t n;
    uint64_t *truth, *ids; /* [k] */
    float *scores;         /* [k] */
    uint64_t *ns;          /* [2, n] of the search, and of the exact one */
    uint32_t *order;       /* [n] */
    uint64_t n_scored, n_lists;
    double recall, worst;
} measurement;

static llmcs_status allocate_measurement(measurement *m) {
    const llmcs_allocator *a = &m->x->allocator;
    const size_t k = m->params.k;
    LL_TRY(ll_alloc(a, k, sizeof *m->truth, "measurement", &m->truth));
    LL_TRY(ll_alloc(a, k, sizeof *m->ids, "measurement", &m->ids));
    LL_TRY(ll_alloc(a, k, sizeof *m->scores, "measurement", &m->scores));
    LL_TRY(ll_alloc(a, 2 * m->n, sizeof *m->ns, "measurement", &m->ns));
    return ll_alloc(a, m->n, sizeof *m->order, "measurement", &m->order);
}

static void free_measurement(measurement *m) {
    const llmcs_allocator *a = &m->x->allocator;
    ll_free(a, m->truth);
    ll_free(a, m->ids);
    ll_free(a, m->scores);
    ll_free(a, m->ns);
    ll_free(a, m->order);
}

/* The share of the true ids that were found. */
static double recall_of(const measurement *m, size_t n_true, size_t n_found) {
    size_t hits = 0;
    for (size_t i = 0; i < n_true; i++)
        for (size_t j = 0; j < n_found; j++) hits += m->truth[i] == m->ids[j];
    return n_true ? (double)hits / (double)n_true : 1;
}

static llmcs_status measure_query(measurement *m, size_t i) {
    const float *q = m->queries + i * m->x->format.dim;
    llmcs_search_params exact = m->params, params = m->params;
    llmcs_search_stats stats = {.struct_size = sizeof stats};
    size_t n_true, n_found;
    exact.exact = 1;
    params.stats = exact.stats = &stats;
    LL_TRY(ll_index_search(m->x, q, 1, &exact, true, m->truth, m->scores, &n_true));
    LL_TRY(ll_index_search(m->x, q, 1, &exact, false, m->ids, m->scores, &n_found));
    m->ns[m->n + i] = stats.ns;
    LL_TRY(ll_index_search(m->x, q, 1, &params, false, m->ids, m->scores, &n_found));
    m->ns[i] = stats.ns;
    m->n_scored += stats.n_scored;
    m->n_lists += stats.n_lists;
    const double recall = recall_of(m, n_true, n_found);
    m->recall += recall;
    if (recall < m->worst) m->worst = recall;
    return LLMCS_OK;
}

static bool is_shorter(const void *context, uint32_t a, uint32_t b) {
    const uint64_t *ns = context;
    return ns[a] < ns[b];
}

/* The q-quantile of n times, in milliseconds. */
static double quantile_ms(measurement *m, const uint64_t *ns, double q) {
    for (size_t i = 0; i < m->n; i++) m->order[i] = (uint32_t)i;
    ll_sort_u32(m->order, m->n, is_shorter, ns);
    return (double)ns[m->order[(size_t)(q * (double)(m->n - 1) + 0.5)]] * 1e-6;
}

static llmcs_status measure_queries(measurement *m, llmcs_index_measurement *out) {
    LL_TRY(allocate_measurement(m));
    for (size_t i = 0; i < m->n; i++) LL_TRY(measure_query(m, i));
    const double n = (double)m->n;
    const llmcs_index_measurement ours = {.struct_size = sizeof ours,
                                          .recall = m->recall / n,
                                          .worst_recall = m->worst,
                                          .ms = quantile_ms(m, m->ns, 0.5),
                                          .p99_ms = quantile_ms(m, m->ns, 0.99),
                                          .exact_ms = quantile_ms(m, m->ns + m->n, 0.5),
                                          .vectors_scored = (double)m->n_scored / n,
                                          .lists_probed = (double)m->n_lists / n};
    return ll_options_out(out, MEASUREMENT_OLDEST, &ours, sizeof ours, "llmcs_index_measurement");
}

llmcs_status llmcs_index_measure(llmcs_index *x, const float *queries, size_t n, const llmcs_search_params *params,
                                 llmcs_index_measurement *out) {
    LL_PUBLIC_CALL;
    measurement m = {.x = x, .queries = queries, .n = n, .worst = 1};
    LL_TRY(ll_index_check(x));
    LL_TRY(ll_search_read_params(params, &m.params));
    if (!queries || !out) return ll_fail(LLMCS_ARG, "%s: is NULL", queries ? "measurement" : "queries");
    if (n == 0 || n > UINT32_MAX) return ll_fail(LLMCS_ARG, "n: %zu is not valid (1 to 2^32 - 1)", n);
    LL_TRY(ll_options_check(out, MEASUREMENT_OLDEST, "llmcs_index_measurement"));
    const llmcs_status st = measure_queries(&m, out);
    free_measurement(&m);
    return st;
}
