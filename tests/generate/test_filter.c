#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "generate/filter.h"
#include "generate/sampler.h"
#include "support/fail_alloc.h"
#include "support/suite.h"

/* The definition, as slow as it likes: full stable sort ascending, running sums, masks. keep[i]: token i is left;
 * scaled[i]: its score. What ll_filter_scores must agree with. */
typedef struct reference {
    bool keep[4096];
    float scaled[4096];
} reference;

static const float *sort_scores;

static int ascending(const void *x, const void *y) {
    int32_t a = *(const int32_t *)x, b = *(const int32_t *)y;
    if (sort_scores[a] != sort_scores[b]) return sort_scores[a] < sort_scores[b] ? -1 : 1;
    return a < b ? -1 : 1;
}

static void sort_kept(const reference *r, size_t vocab, int32_t *order, size_t *n) {
    *n = 0;
    for (size_t i = 0; i < vocab; i++) {
        if (r->keep[i]) order[(*n)++] = (int32_t)i;
    }
    sort_scores = r->scaled;
    qsort(order, *n, sizeof *order, ascending);
}

static void filter_slowly(const ll_filter *f, const float *scores, size_t vocab, reference *r) {
    static int32_t order[4096];
    size_t n;
    for (size_t i = 0; i < vocab; i++) {
        r->scaled[i] = scores[i] / f->temperature;
        r->keep[i] = r->scaled[i] > -INFINITY;
    }
    sort_kept(r, vocab, order, &n);
    if (f->top_k) {
        size_t k = f->top_k > f->min_keep ? f->top_k : f->min_keep;
        if (k < n) {
            float threshold = r->scaled[order[n - k]];
            for (size_t i = 0; i < vocab; i++) r->keep[i] &= r->scaled[i] >= threshold;
        }
    }
    sort_kept(r, vocab, order, &n);
    double total = 0, max = (double)r->scaled[order[n - 1]];
    for (size_t i = 0; i < n; i++) total += exp((double)r->scaled[order[i]] - max);
    if (f->top_p < 1) {
        double sum = 0;
        for (size_t i = 0; i < n; i++) {
            sum += exp((double)r->scaled[order[i]] - max) / total;
            if (sum <= 1 - (double)f->top_p && n - i > f->min_keep) r->keep[order[i]] = false;
        }
        if (f->top_p == 0) { /* the sum of all is 1 but for rounding */
            for (size_t i = 0; i + f->min_keep < n; i++) r->keep[order[i]] = false;
        }
    }
    sort_kept(r, vocab, order, &n);
    for (size_t i = 0; i < n; i++) {
        if (exp((double)r->scaled[order[i]] - max) < (double)f->min_p && n - i > f->min_keep) r->keep[order[i]] = false;
    }
}

/* Probabilities of the kept tokens, their entropy, and how far each surprise is from it. */
static void measure_kept(const reference *r, const int32_t *order, size_t n, double *p, double *distance,
                         double *entropy) {
    const double max = (double)r->scaled[order[n - 1]];
    double total = 0;
    *entropy = 0;
    for (size_t i = 0; i < n; i++) total += exp((double)r->scaled[order[i]] - max);
    for (size_t i = 0; i < n; i++) {
        const double log_p = (double)r->scaled[order[i]] - max - log(total);
        p[i] = exp(log_p);
        *entropy -= p[i] * log_p;
    }
    for (size_t i = 0; i < n; i++) distance[i] = fabs(-((double)r->scaled[order[i]] - max - log(total)) - *entropy);
}

static const double *sort_distances;

static int nearest_first(const void *x, const void *y) {
    const size_t a = *(const size_t *)x, b = *(const size_t *)y;
    if (sort_distances[a] != sort_distances[b]) return sort_distances[a] < sort_distances[b] ? -1 : 1;
    return a < b ? -1 : 1;
}

/* typical_p, epsilon_cutoff and eta_cutoff on what filter_slowly has left, by their definitions. False: a probability
 * is so near a cutoff that rounding decides. */
static bool cut_slowly(const ll_filter *f, size_t vocab, reference *r) {
    static int32_t order[4096];
    static size_t by_distance[4096];
    static double p[4096], distance[4096];
    double entropy, sum = 0;
    size_t n, last = 0;
    bool certain = true;
    sort_kept(r, vocab, order, &n);
    measure_kept(r, order, n, p, distance, &entropy);
    if (f->typical_p < 1) {
        for (size_t i = 0; i < n; i++) by_distance[i] = i;
        sort_distances = distance;
        qsort(by_distance, n, sizeof *by_distance, nearest_first);
        for (size_t i = 0; i < n; i++) {
            if (sum < (double)f->typical_p) last = i;
            sum += p[by_distance[i]];
            certain &= fabs(sum - (double)f->typical_p) > 1e-5;
        }
        for (size_t i = f->min_keep; i < n; i++) {
            const double beyond = distance[by_distance[i]] - distance[by_distance[last]];
            certain &= i <= last || beyond > 1e-9 || beyond == 0;
            if (beyond > 0) r->keep[order[by_distance[i]]] = false;
        }
    }
    for (int eta = 0; eta < 2; eta++) {
        double cutoff = (double)(eta ? f->eta_cutoff : f->epsilon_cutoff);
        if (cutoff == 0) continue;
        sort_kept(r, vocab, order, &n);
        measure_kept(r, order, n, p, distance, &entropy);
        if (eta) cutoff = fmin(cutoff, sqrt(cutoff) * exp(-entropy));
        for (size_t i = 0; i < n; i++) {
            certain &= fabs(p[i] / cutoff - 1) > 1e-4;
            if (p[i] < cutoff && r->scaled[order[i]] < r->scaled[order[n < f->min_keep ? 0 : n - f->min_keep]])
                r->keep[order[i]] = false;
        }
    }
    return certain;
}

static llmcs_allocator allocator;
static ll_filter_workspace workspace;
static ll_scores view;
static const ll_filter all_off = {.temperature = 1, .top_k = 0, .top_p = 1, .min_p = 0, .min_keep = 1};

static void start(size_t vocab) {
    allocator = ll_allocator_default();
    ck_assert_int_eq(ll_filter_workspace_init(&workspace, &allocator, vocab), LLMCS_OK);
    ck_assert_int_eq(ll_scores_init(&view, &allocator, vocab), LLMCS_OK);
}

static const ll_scores *of(const float *scores) {
    ll_scores_scan(&view, scores);
    return &view;
}

static size_t run(const ll_filter *f, const float *scores) {
    size_t n;
    ck_assert_int_eq(ll_filter_scores(f, of(scores), 0, &workspace, &n), LLMCS_OK);
    ck_assert_uint_ge(n, 1);
    return n;
}

static void stop(void) {
    ll_filter_workspace_free(&workspace, &allocator);
    ll_scores_free(&view, &allocator);
}

static float random_score(int kind) {
    switch (kind) {
        case 0:
            return (float)(rand() % 20) - 10.0f; /* many ties */
        case 1:
            return (float)rand() / (float)RAND_MAX * 20 - 10.0f; /* none */
        case 2:                                                  /* many forbidden */
            return rand() % 3 ? -INFINITY : (float)(rand() % 1000) / 100.0f;
        case 3: /* most near each other, a few far above or below */
            return rand() % 30 ? (float)(rand() % 1000) * 1e-3f : (float)(rand() % 80 - 40);
        case 4: /* near each other */
            return 1 + (float)(rand() % 50) * FLT_EPSILON;
        default:
            return 0.25f; /* all equal */
    }
}

/* A mass of exactly top_p, as ties in dyadic numbers give it, may fall on either side by rounding in the reference;
 * those are tested apart. */
static const float top_ps[] = {1.0f, 0.9f, 0.37f, 0.003f, 0.0f};

static void compare_once(int round, unsigned seed) {
    static reference r;
    static float scores[4096];
    const bool large = round % 10 == 0; /* many blocks, of which few matter */
    size_t vocab = (size_t)(rand() % (large ? 4000 : 300)) + 1;
    int kind = rand() % 6;
    for (size_t i = 0; i < vocab; i++) scores[i] = random_score(kind);
    scores[(size_t)rand() % vocab] = 1.5f; /* not all -inf */
    ll_filter f = {.temperature = rand() % 3 ? 1.0f : 0.7f,
                   .top_k = rand() % 2 ? (size_t)rand() % (large ? 60 : vocab + 3) : 0,
                   .top_p = top_ps[rand() % 5],
                   .min_p = rand() % 3 ? 0.0f : 0.0731f,
                   .typical_p = rand() % 4 ? 1.0f : (float)(rand() % 99 + 1) / 100,
                   .epsilon_cutoff = rand() % 4 ? 0.0f : (float)(rand() % 99 + 1) / 500,
                   .eta_cutoff = rand() % 4 ? 0.0f : (float)(rand() % 99 + 1) / 500,
                   .min_keep = rand() % 3 ? 1 : 3};
    filter_slowly(&f, scores, vocab, &r);
    if (!cut_slowly(&f, vocab, &r)) return;
    start(vocab);
    size_t n = run(&f, scores);
    bool got[4096] = {false};
    for (size_t i = 0; i < n; i++) {
        int32_t id = workspace.candidates[i].id;
        if (got[id] || workspace.candidates[i].score != r.scaled[id]) ck_abort_msg("candidate %d", id);
        got[id] = true;
    }
    for (size_t i = 0; i < vocab; i++)
        if (got[i] != r.keep[i])
            ck_abort_msg("seed %u round %d: token %zu of %zu (kind %d, k %zu, p %g, min_p %g, keep %zu)", seed, round,
                         i, vocab, kind, f.top_k, (double)f.top_p, (double)f.min_p, f.min_keep);
    stop();
}

START_TEST(filters_agree_with_full_sorting) {
    const unsigned seed = 20240607;
    srand(seed);
    for (int round = 0; round < 3000; round++) compare_once(round, seed);
}
END_TEST

START_TEST(top_k_keeps_everything_equal_to_the_kth) {
    const float scores[] = {1, 3, 2, 2, 2, 0};
    ll_filter f = all_off;
    f.top_k = 2;
    start(6);
    ck_assert_uint_eq(run(&f, scores), 4);
    f.top_k = 1;
    ck_assert_uint_eq(run(&f, scores), 1);
    ck_assert_int_eq(workspace.candidates[0].id, 1);
    f.top_k = 600;
    ck_assert_uint_eq(run(&f, scores), 6);
    stop();
}
END_TEST

START_TEST(top_p_takes_the_higher_id_of_equals_and_at_least_one) {
    const float scores[] = {0, 0, 0, 0};
    ll_filter f = all_off;
    f.top_p = 0.5f;
    start(4);
    ck_assert_uint_eq(run(&f, scores), 2); /* exactly half: two of four, and no third */
    ck_assert_int_eq(workspace.candidates[0].id, 2);
    ck_assert_int_eq(workspace.candidates[1].id, 3);
    f.top_p = 0.0f;
    ck_assert_uint_eq(run(&f, scores), 1);
    ck_assert_int_eq(workspace.candidates[0].id, 3);
    f.min_keep = 3;
    ck_assert_uint_eq(run(&f, scores), 3);
    stop();
}
END_TEST

START_TEST(min_p_one_keeps_the_most_probable) {
    const float scores[] = {0, 2, 1.99f, 2};
    ll_filter f = all_off;
    f.min_p = 1.0f;
    start(4);
    ck_assert_uint_eq(run(&f, scores), 2);
    stop();
}
END_TEST

START_TEST(extreme_temperatures_neither_overflow_nor_lose_the_order) {
    const float scores[] = {-5, 80, 79.99f, 1e30f, -INFINITY};
    ll_filter f = all_off;
    f.temperature = 1e-30f;
    start(5);
    size_t n = run(&f, scores);
    for (int i = 0; i < 20; i++) ck_assert_int_eq(ll_sample_candidate(workspace.candidates, n, i / 20.0), 3);
    const float negative[] = {-1e30f, -2e30f, -3, -4, -5};
    n = run(&f, negative);
    for (int i = 0; i < 20; i++) ck_assert_int_eq(ll_sample_candidate(workspace.candidates, n, i / 20.0), 2);
    f.temperature = 1e30f;
    const float plain[] = {1, 2, 3, -4, 5};
    n = run(&f, plain);
    ck_assert_uint_eq(n, 5);
    for (size_t i = 0; i < n; i++) ck_assert(workspace.candidates[i].weight == 1.0f);
    stop();
}
END_TEST

START_TEST(infinities_and_the_largest_floats) {
    ll_filter f = all_off;
    f.temperature = 0.5f;
    start(4);
    const float infinite[] = {FLT_MAX, INFINITY, 0, INFINITY};
    ck_assert_uint_eq(run(&f, infinite), 1);
    ck_assert_int_eq(workspace.candidates[0].id, 1);
    const float largest[] = {FLT_MAX, -FLT_MAX, FLT_MAX, 0};
    size_t n = run(&f, largest);
    ck_assert_int_eq(ll_sample_candidate(workspace.candidates, n, 0.1), 0);
    ck_assert_int_eq(ll_sample_candidate(workspace.candidates, n, 0.9), 2);
    const float nan[] = {0, NAN, 0, 0}, none[] = {-INFINITY, -INFINITY, -INFINITY, -INFINITY};
    ck_assert_int_eq(ll_filter_scores(&f, of(nan), 3, &workspace, &n), LLMCS_NUMERIC);
    ck_assert_int_eq(ll_filter_scores(&f, of(none), 3, &workspace, &n), LLMCS_NUMERIC);
    stop();
}
END_TEST

START_TEST(a_vocabulary_of_one) {
    const float score = -3;
    ll_filter f = {.temperature = 0.1f, .top_k = 1, .top_p = 0, .min_p = 1, .min_keep = 1};
    start(1);
    ck_assert_uint_eq(run(&f, &score), 1);
    ck_assert_int_eq(ll_sample_candidate(workspace.candidates, 1, 0.999), 0);
    stop();
}
END_TEST

START_TEST(draws_at_the_edges_stay_inside) {
    const ll_candidate c[] = {{4, 0, 0.0f}, {5, 0, 0.3f}, {6, 0, 0.3f}, {7, 0, 0.0f}};
    const double almost_one = 1 - 0x1p-53;
    ck_assert_int_eq(ll_sample_candidate(c, 4, 0.0), 5); /* not the token of weight 0 before it */
    ck_assert_int_eq(ll_sample_candidate(c, 4, 0.4999), 5);
    ck_assert_int_eq(ll_sample_candidate(c, 4, 0.5001), 6);
    ck_assert_int_eq(ll_sample_candidate(c, 4, almost_one), 6); /* nor the one behind */
    ck_assert_int_eq(ll_sample_candidate(c, 4, 1.0), 6);        /* a sum that rounding never lets pass */
}
END_TEST

/* Pearson's chi-square of 200,000 draws against the distribution the sampler itself announces, which
 * filters_agree_with_full_sorting and the golden cases pin down. */
START_TEST(draws_follow_the_distribution) {
    enum { VOCAB = 30, N = 200000 };
    const uint64_t seed = 77;
    float scores[VOCAB], probabilities[VOCAB];
    int count[VOCAB] = {0};
    for (int i = 0; i < VOCAB; i++) scores[i] = (float)((i * 17) % 11) / 3.0f;
    ll_sampler sampler = {.filter = {.temperature = 1.3f, .top_k = 20, .top_p = 0.9f, .min_p = 0.02f, .min_keep = 1},
                          .seed = seed};
    start(VOCAB);
    sampler.workspace = workspace;
    ck_assert_int_eq(ll_sampler_distribution(&sampler, of(scores), probabilities), LLMCS_OK);
    for (size_t step = 0; step < N; step++) {
        int32_t id;
        if (ll_sampler_sample(&sampler, &view, 3, step, &id)) ck_abort_msg("step %zu", step);
        count[id]++;
    }
    double chi2 = 0, sum = 0;
    int degrees = -1;
    for (int i = 0; i < VOCAB; i++) {
        sum += (double)probabilities[i];
        if (probabilities[i] == 0) {
            ck_assert_int_eq(count[i], 0);
            continue;
        }
        double expect = N * (double)probabilities[i], d = count[i] - expect;
        chi2 += d * d / expect;
        degrees++;
    }
    printf("generate/filter: seed %llu, chi-square %.1f with %d degrees of freedom\n", (unsigned long long)seed, chi2,
           degrees);
    ck_assert_double_lt(fabs(sum - 1), 1e-6);
    ck_assert_int_gt(degrees, 5);
    ck_assert_double_lt(chi2, degrees + 4 * sqrt(2.0 * degrees));
    stop();
}
END_TEST

START_TEST(greedy_is_certain) {
    const float scores[] = {1, 5, 2, 5};
    float probabilities[4];
    ll_sampler sampler = {.greedy = true};
    int32_t id;
    start(4);
    ck_assert_int_eq(ll_sampler_sample(&sampler, of(scores), 0, 0, &id), LLMCS_OK);
    ck_assert_int_eq(id, 1);
    ck_assert_int_eq(ll_sampler_distribution(&sampler, of(scores), probabilities), LLMCS_OK);
    for (int i = 0; i < 4; i++) ck_assert(probabilities[i] == (i == 1 ? 1.0f : 0.0f));
    stop();
}
END_TEST

START_TEST(a_failed_allocation_leaves_nothing) {
    for (long n = 0; n < 3; n++) {
        fail_alloc f;
        fail_alloc_init(&f);
        f.fail_at = n;
        llmcs_allocator a = fail_alloc_get(&f);
        llmcs_status status = ll_filter_workspace_init(&workspace, &a, 10);
        ck_assert_int_eq(status, n < 2 ? LLMCS_NOMEM : LLMCS_OK);
        ll_filter_workspace_free(&workspace, &a);
        ck_assert_int_eq(f.live, 0);
    }
}
END_TEST

static void add(TCase *t) {
    tcase_add_test(t, filters_agree_with_full_sorting);
    tcase_add_test(t, top_k_keeps_everything_equal_to_the_kth);
    tcase_add_test(t, top_p_takes_the_higher_id_of_equals_and_at_least_one);
    tcase_add_test(t, min_p_one_keeps_the_most_probable);
    tcase_add_test(t, extreme_temperatures_neither_overflow_nor_lose_the_order);
    tcase_add_test(t, infinities_and_the_largest_floats);
    tcase_add_test(t, a_vocabulary_of_one);
    tcase_add_test(t, draws_at_the_edges_stay_inside);
    tcase_add_test(t, draws_follow_the_distribution);
    tcase_add_test(t, greedy_is_certain);
    tcase_add_test(t, a_failed_allocation_leaves_nothing);
}

SUITE_MAIN("generate/filter", add)
