/*
 * Confidence intervals and paired tests by bootstrap (Efron 1979; Koehn 2004).
 *
 * A bootstrap sample has as many rows as the data, sampled with replacement. The generator is Philox4x32-10 (Salmon et
 * al. 2011), whose counter is made of sample and position: sample i is the same for every metric and system.
 */
#include <math.h>
#include <string.h>

#include "shop/base/call.h"
#include "shop/base/options.h"
#include "shop/base/sort.h"
#include "shop/metrics/measure.h"

enum { MAX_SAMPLES = 1000000 };

static const llmcs_shop_bootstrap default_bootstrap = {
    .struct_size = sizeof default_bootstrap, .seed = 12345, .n_samples = 1000};

void llmcs_shop_bootstrap_init_sized(llmcs_shop_bootstrap *bootstrap, size_t struct_size) {
    shop_options_init(bootstrap, struct_size, &default_bootstrap, sizeof default_bootstrap);
}

static llmcs_status read_bootstrap(const llmcs_shop_bootstrap *in, llmcs_shop_bootstrap *out) {
    *out = default_bootstrap;
    if (in)
        SHOP_TRY(shop_options_in(out, sizeof *out, SHOP_SIZE_UP_TO(llmcs_shop_bootstrap, n_samples), in,
                                 "llmcs_shop_bootstrap"));
    if (out->n_samples < 1 || out->n_samples > MAX_SAMPLES)
        return shop_fail(LLMCS_ARG, "n_samples: %d is not valid (1 to %d)", out->n_samples, MAX_SAMPLES);
    return LLMCS_OK;
}

static void philox(uint32_t draws[4], uint64_t seed) {
    uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);
    for (int round = 0; round < 10; round++) {
        const uint64_t p0 = 0xd2511f53ull * draws[0], p1 = 0xcd9e8d57ull * draws[2];
        draws[0] = (uint32_t)(p1 >> 32) ^ draws[1] ^ k0;
        draws[2] = (uint32_t)(p0 >> 32) ^ draws[3] ^ k1;
        draws[1] = (uint32_t)p1;
        draws[3] = (uint32_t)p0;
        k0 += 0x9e3779b9u;
        k1 += 0xbb67ae85u;
    }
}

/* weights [n_rows]: how often sample `sample` contains each row. */
static void draw_sample(const llmcs_shop_bootstrap *b, uint32_t sample, size_t n_rows, uint32_t *weights) {
    memset(weights, 0, n_rows * sizeof *weights);
    for (size_t i = 0; i < n_rows; i += 4) {
        uint32_t draws[4] = {(uint32_t)(i / 4), sample, 0, 0};
        philox(draws, b->seed);
        for (size_t j = 0; j < shop_min(4, n_rows - i); j++) weights[(uint64_t)draws[j] * n_rows >> 32]++;
    }
}

/* The 95 % interval: leaves out 2.5 % at each end, rounded as in sacreBLEU. */
static void find_interval(double *scores, size_t n, double *low, double *high, double *mean) {
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += scores[i];
    shop_sort_doubles(scores, n);
    *low = scores[n / 40];
    *high = scores[n - n / 40 - 1];
    *mean = sum / (double)n;
}

/* Scores of all samples, for one measure or for two on the same samples. Samples without a score are left out. */
static llmcs_status score_samples(const llmcs_shop_measure *a, const llmcs_shop_measure *b,
                                  const llmcs_shop_bootstrap *bootstrap, double *scores_a, double *scores_b,
                                  size_t *n_scores) {
    uint32_t *weights;
    llmcs_status status = shop_alloc(&a->allocator, a->n_rows, sizeof *weights, "samples", &weights);
    *n_scores = 0;
    for (int32_t s = 0; s < bootstrap->n_samples && !status; s++) {
        double found_a = 0, found_b = 0;
        draw_sample(bootstrap, (uint32_t)s, a->n_rows, weights);
        status = shop_view_score(a, weights, &found_a);
        if (!status && b) status = shop_view_score(b, weights, &found_b);
        if (status || !isfinite(found_a) || !isfinite(found_b)) continue;
        if (b) scores_b[*n_scores] = found_b;
        scores_a[(*n_scores)++] = found_a;
    }
    shop_free(&a->allocator, weights);
    if (!status && !*n_scores) status = shop_fail(LLMCS_NUMERIC, "%s: not defined for any sample", a->name);
    return status;
}

llmcs_status llmcs_shop_measure_interval(const llmcs_shop_measure *m, const llmcs_shop_bootstrap *bootstrap,
                                         llmcs_shop_interval *interval) {
    SHOP_PUBLIC_CALL;
    llmcs_shop_bootstrap b;
    llmcs_shop_measure view;
    llmcs_shop_interval found = {.struct_size = sizeof found};
    double *scores;
    size_t n;
    if (!m || !interval) return shop_fail(LLMCS_ARG, "measure, interval: NULL is not valid");
    SHOP_TRY(read_bootstrap(bootstrap, &b));
    SHOP_TRY(shop_view_make(&view, m));
    llmcs_status status = shop_alloc(&m->allocator, (size_t)b.n_samples, sizeof *scores, "samples", &scores);
    if (!status) status = score_samples(&view, NULL, &b, scores, NULL, &n);
    if (!status) {
        find_interval(scores, n, &found.low, &found.high, &found.mean);
        status = shop_options_out(interval, SHOP_SIZE_UP_TO(llmcs_shop_interval, mean), &found, sizeof found,
                                  "llmcs_shop_interval");
    }
    shop_free(&m->allocator, scores);
    shop_view_free(&view);
    return status;
}

/* sacreBLEU's test: how often a sample's difference deviates from the samples' mean difference by more than the real
 * difference. For equal scores p is 1, where sacreBLEU has 1 / (n + 1). */
static double p_value(const double *a, const double *b, size_t n, double difference) {
    double mean = 0;
    if (!(difference < 0) && !(difference > 0)) return 1;
    size_t n_beyond = 0;
    for (size_t i = 0; i < n; i++) mean += fabs(b[i] - a[i]);
    mean /= (double)n;
    for (size_t i = 0; i < n; i++) n_beyond += fabs(b[i] - a[i]) - mean > fabs(difference);
    return (double)(n_beyond + 1) / (double)(n + 1);
}

static llmcs_status compare_views(const llmcs_shop_measure *a, const llmcs_shop_measure *b,
                                  const llmcs_shop_bootstrap *bootstrap, double *scores, llmcs_shop_comparison *found) {
    double *scores_b = scores + bootstrap->n_samples, mean;
    size_t n;
    SHOP_TRY(shop_view_score(a, NULL, &found->score_a));
    SHOP_TRY(shop_view_score(b, NULL, &found->score_b));
    if (!isfinite(found->score_a) || !isfinite(found->score_b))
        return shop_fail(LLMCS_NUMERIC, "%s: not defined for these rows (one class only?)", a->name);
    SHOP_TRY(score_samples(a, b, bootstrap, scores, scores_b, &n));
    found->difference = found->score_b - found->score_a;
    found->p = p_value(scores, scores_b, n, found->difference);
    for (size_t i = 0; i < n; i++) scores[i] = scores_b[i] - scores[i];
    find_interval(scores, n, &found->low, &found->high, &mean);
    return LLMCS_OK;
}

llmcs_status llmcs_shop_measure_compare(const llmcs_shop_measure *a, const llmcs_shop_measure *b,
                                        const llmcs_shop_bootstrap *bootstrap, llmcs_shop_comparison *comparison) {
    SHOP_PUBLIC_CALL;
    llmcs_shop_bootstrap settings;
    llmcs_shop_comparison found = {.struct_size = sizeof found};
    llmcs_shop_measure view_a, view_b;
    double *scores;
    if (!a || !b || !comparison) return shop_fail(LLMCS_ARG, "a, b, comparison: NULL is not valid");
    if (strcmp(a->name, b->name) != 0 || a->n_rows != b->n_rows)
        return shop_fail(LLMCS_ARG, "compare: %s of %lld rows and %s of %lld, expected the same metric and rows",
                         a->name, (long long)a->n_rows, b->name, (long long)b->n_rows);
    SHOP_TRY(read_bootstrap(bootstrap, &settings));
    SHOP_TRY(shop_view_make(&view_a, a));
    llmcs_status status = shop_view_make(&view_b, b);
    if (status) {
        shop_view_free(&view_a);
        return status;
    }
    status = shop_alloc(&a->allocator, 2 * (size_t)settings.n_samples, sizeof *scores, "samples", &scores);
    if (!status) status = compare_views(&view_a, &view_b, &settings, scores, &found);
    if (!status)
        status = shop_options_out(comparison, SHOP_SIZE_UP_TO(llmcs_shop_comparison, p), &found, sizeof found,
                                  "llmcs_shop_comparison");
    shop_free(&a->allocator, scores);
    shop_view_free(&view_a);
    shop_view_free(&view_b);
    return status;
}
