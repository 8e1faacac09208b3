/* Metrics of rankings: recall at k, mean reciprocal rank, normalised discounted cumulative gain. */
#include <math.h>
#include <string.h>

#include "shop/metrics/measure.h"

/* The node of an id; nodes of relevant ids have `most`: position + 1. */
static llmcs_status node_of(llmcs_shop_measure *m, const char *id, uint32_t *node) {
    const size_t bytes = strlen(id);
    if (bytes > SHOP_MAX_TEXT) return shop_fail(LLMCS_LIMIT, "id: %lld bytes, at most 16 MiB", (long long)bytes);
    SHOP_TRY(shop_chars_decode(&m->hypothesis, id, bytes));
    SHOP_TRY(shop_grams_reserve(&m->grams, m->hypothesis.n));
    *node = shop_gram_of_chars(&m->grams, SHOP_ROOT_WORDS, m->hypothesis.at, m->hypothesis.n);
    return LLMCS_OK;
}

static double discount(size_t rank) { return 1 / log2((double)rank + 1); }

/* The gain of the ideal order. Sorts the gains in place, largest first. */
static double best_gain(double *gains, size_t n, size_t k) {
    double sum = 0;
    for (size_t gap = n / 2; gap; gap = gap > 2 ? gap * 5 / 11 : gap / 2) /* Shell sort */
        for (size_t i = gap; i < n; i++) {
            const double value = gains[i];
            size_t j = i;
            for (; j >= gap && gains[j - gap] < value; j -= gap) gains[j] = gains[j - gap];
            gains[j] = value;
        }
    for (size_t i = 0; i < n && i < k; i++) sum += gains[i] * discount(i + 1);
    return sum;
}

static llmcs_status load_relevant(llmcs_shop_measure *m, const char *const *relevant, const double *gains, size_t n,
                                  double *loaded, size_t *n_loaded) {
    *n_loaded = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t node;
        const double gain = gains ? gains[i] : 1;
        if (!isfinite(gain) || gain < 0)
            return shop_fail(LLMCS_ARG, "relevant[%lld]: the gain must be 0 or more", (long long)i);
        SHOP_TRY(node_of(m, relevant[i], &node));
        if (m->grams.counts[node].most) continue; /* named twice */
        loaded[*n_loaded] = gain;
        m->grams.counts[node].most = (uint32_t)++ * n_loaded;
    }
    return LLMCS_OK;
}

static llmcs_status walk_ranking(llmcs_shop_measure *m, const char *const *ranked, size_t n_ranked, const double *gains,
                                 double *n_found, size_t *first, double *gain) {
    size_t rank = 0;
    const size_t k = m->order ? (size_t)m->order : SIZE_MAX;
    for (size_t i = 0; i < n_ranked && rank < k; i++) {
        uint32_t node;
        SHOP_TRY(node_of(m, ranked[i], &node));
        shop_gram_counts *c = &m->grams.counts[node];
        if (c->hypothesis++) continue; /* ranked before */
        rank++;
        if (!c->most) continue;
        ++*n_found;
        if (!*first) *first = rank;
        *gain += gains[c->most - 1] * discount(rank);
    }
    return LLMCS_OK;
}

llmcs_status shop_ranking_row(llmcs_shop_measure *m, const char *const *relevant, const double *gains,
                              size_t n_relevant, const char *const *ranked, size_t n_ranked, double *score) {
    double *loaded, n_found = 0, gain = 0;
    size_t n_loaded, first = 0;
    shop_grams_clear(&m->grams);
    SHOP_TRY(shop_alloc(&m->allocator, n_relevant, sizeof *loaded, "relevant", &loaded));
    llmcs_status status = load_relevant(m, relevant, gains, n_relevant, loaded, &n_loaded);
    if (!status) status = walk_ranking(m, ranked, n_ranked, loaded, &n_found, &first, &gain);
    if (!status) {
        const double best = best_gain(loaded, n_loaded, m->order ? (size_t)m->order : SIZE_MAX);
        if (m->metric->name[0] == 'r')
            *score = n_found / (double)n_loaded;
        else if (m->metric->name[0] == 'm')
            *score = first ? 1 / (double)first : 0;
        else
            *score = best > 0 ? gain / best : 0;
    }
    shop_free(&m->allocator, loaded);
    return status;
}
