/* Posteriors and propensities against closed forms, against sampling, and at their limits. */
#include <math.h>
#include <stdio.h>

#include "shop/strategy/arms.h"
#include "support/fail_alloc.h"
#include "support/random.h"
#include "support/suite.h"

static llmcs_allocator heap(void) { return shop_allocator_or_default(NULL); }

static double uniform(uint64_t *seed) { return ((double)(random_next(seed) >> 11) + 0.5) * 0x1p-53; }

static double normal(uint64_t *seed) { return sqrt(-2 * log(uniform(seed))) * cos(6.283185307179586 * uniform(seed)); }

/* Marsaglia and Tsang 2000, for shapes of at least 1; below by one more uniform. */
static double gamma_sample(uint64_t *seed, double shape) {
    if (shape < 1) return gamma_sample(seed, shape + 1) * pow(uniform(seed), 1 / shape);
    const double d = shape - 1.0 / 3, c = 1 / sqrt(9 * d);
    for (;;) {
        const double x = normal(seed), v = pow(1 + c * x, 3);
        if (v > 0 && log(uniform(seed)) < 0.5 * x * x + d - d * v + d * log(v)) return d * v;
    }
}

static double sample(uint64_t *seed, const shop_posterior *p) {
    if (!p->beta) return p->a + p->b * normal(seed);
    const double x = gamma_sample(seed, p->a), y = gamma_sample(seed, p->b);
    return x / (x + y);
}

/* I_x(a, b) of integers is a binomial sum (DLMF 8.17.5). */
START_TEST(beta_distribution_is_the_binomial_sum) {
    for (int a = 1; a < 9; a++)
        for (int b = 1; b < 9; b++)
            for (double x = 0; x <= 1.0001; x += 0.05) {
                double sum = 0;
                for (int j = a; j <= a + b - 1; j++)
                    sum +=
                        exp(lgamma(a + b) - lgamma(j + 1) - lgamma(a + b - j)) * pow(x, j) * pow(1 - x, a + b - 1 - j);
                const shop_posterior p = {true, a, b};
                ck_assert_double_eq_tol(shop_posterior_cdf(&p, x), x >= 1 ? 1 : sum, 1e-10);
            }
    const shop_posterior narrow = {true, 3e5, 7e5}; /* a million rows */
    ck_assert_double_eq_tol(shop_posterior_cdf(&narrow, 0.3), 0.5, 1e-3);
    ck_assert_double_eq_tol(shop_posterior_cdf(&narrow, 0.3 + 1.96 * shop_posterior_deviation(&narrow)), 0.975, 1e-3);
    const shop_posterior arcsine = {true, 0.5, 0.5};
    for (double x = 0.01; x < 1; x += 0.07)
        ck_assert_double_eq_tol(shop_posterior_cdf(&arcsine, x), 2 / 3.141592653589793 * asin(sqrt(x)), 1e-9);
}
END_TEST

START_TEST(two_normal_arms_have_a_closed_form) {
    const llmcs_allocator a = heap();
    const double means[] = {0, 0.1, 1, 5, -3}, deviations[] = {0.01, 0.3, 1, 10};
    for (size_t i = 0; i < 5; i++)
        for (size_t j = 0; j < 4; j++)
            for (size_t k = 0; k < 4; k++) {
                const shop_posterior arms[] = {{false, 0, deviations[j]}, {false, means[i], deviations[k]}};
                double p[2];
                ck_assert_int_eq(shop_thompson(&a, arms, 2, p), LLMCS_OK);
                const double expected =
                    0.5 * erfc(means[i] / sqrt(2 * (deviations[j] * deviations[j] + deviations[k] * deviations[k])));
                ck_assert_double_eq_tol(p[0], expected, 2e-3);
                ck_assert_double_eq_tol(p[0] + p[1], 1, 1e-12);
            }
}
END_TEST

START_TEST(propensities_are_those_of_sampling) {
    static const shop_posterior cases[][4] = {
        {{true, 1, 1}, {true, 3, 2}, {true, 20, 30}, {true, 0.5, 0.5}},
        {{true, 400, 600}, {true, 41, 59}, {true, 2, 3}, {true, 1, 9}},
        {{false, 0, 1}, {false, 0.5, 0.2}, {false, -1, 3}, {false, 0.55, 0.1}},
    };
    const llmcs_allocator a = heap();
    uint64_t seed = 20261128;
    enum { SAMPLES = 40000 };
    for (size_t c = 0; c < 3; c++) {
        double p[4], n[4] = {0};
        ck_assert_int_eq(shop_thompson(&a, cases[c], 4, p), LLMCS_OK);
        for (int s = 0; s < SAMPLES; s++) {
            size_t best = 0;
            double most = -INFINITY;
            for (size_t i = 0; i < 4; i++) {
                const double x = sample(&seed, &cases[c][i]);
                if (x > most) most = x, best = i;
            }
            n[best]++;
        }
        for (size_t i = 0; i < 4; i++) ck_assert_double_eq_tol(p[i], n[i] / SAMPLES, 0.012);
    }
}
END_TEST

START_TEST(equal_arms_are_equally_likely) {
    const llmcs_allocator a = heap();
    shop_posterior arms[SHOP_MAX_ARMS];
    double p[SHOP_MAX_ARMS];
    for (size_t n = 1; n <= SHOP_MAX_ARMS; n++) {
        for (size_t i = 0; i < n; i++) arms[i] = (shop_posterior){true, 2, 2};
        ck_assert_int_eq(shop_thompson(&a, arms, n, p), LLMCS_OK);
        for (size_t i = 0; i < n; i++) ck_assert_double_eq_tol(p[i], 1.0 / (double)n, 1e-9);
        shop_greedy(arms, n, p);
        shop_explore(0.3, n, p);
        for (size_t i = 0; i < n; i++) ck_assert_double_eq_tol(p[i], 1.0 / (double)n, 1e-12);
    }
}
END_TEST

START_TEST(exploration_bounds_propensities) {
    const llmcs_allocator a = heap();
    const shop_posterior arms[] = {{true, 1000, 10}, {true, 10, 1000}, {true, 5, 1000}};
    double p[3];
    ck_assert_int_eq(shop_thompson(&a, arms, 3, p), LLMCS_OK);
    shop_explore(0.06, 3, p);
    ck_assert_double_eq_tol(p[0], 0.96, 1e-6);
    for (size_t i = 0; i < 3; i++) ck_assert_double_ge(p[i], 0.02);
    shop_greedy(arms, 3, p);
    ck_assert(p[0] >= 1 && p[1] <= 0 && p[2] <= 0);
}
END_TEST

START_TEST(a_new_context_starts_from_the_others) {
    const shop_sums here[2] = {{.n = 0}}, all[] = {{.n = 100, .r = 80, .rr = 80}, {.n = 100, .r = 20, .rr = 20}};
    shop_posterior p[2];
    for (int beta = 0; beta < 2; beta++) {
        ck_assert_int_eq(shop_posteriors_make(here, all, NULL, 2, beta, 4, p), LLMCS_OK);
        ck_assert_double_eq_tol(shop_posterior_mean(&p[0]), (80 + 4 * 0.5) / 104, 1e-12);
        ck_assert_double_eq_tol(shop_posterior_mean(&p[1]), (20 + 4 * 0.5) / 104, 1e-12);
    }
    /* And with rows of its own it follows those. */
    const shop_sums own[] = {{.n = 1000, .r = 100, .rr = 100}, {.n = 1000, .r = 900, .rr = 900}};
    const shop_sums both[] = {{.n = 1100, .r = 180, .rr = 180}, {.n = 1100, .r = 920, .rr = 920}};
    ck_assert_int_eq(shop_posteriors_make(own, both, NULL, 2, true, 4, p), LLMCS_OK);
    ck_assert_double_lt(shop_posterior_mean(&p[0]), 0.11);
    ck_assert_double_gt(shop_posterior_mean(&p[1]), 0.89);
}
END_TEST

START_TEST(rewards_outside_the_unit_interval_need_normal_arms) {
    const shop_sums sums[] = {{.n = 3, .r = 30, .rr = 400}, {.n = 3, .r = -5, .rr = 40}};
    shop_posterior p[2];
    ck_assert_int_eq(shop_posteriors_make(sums, sums, NULL, 2, true, 4, p), LLMCS_ARG);
    ck_assert_int_eq(shop_posteriors_make(sums, sums, NULL, 2, false, 4, p), LLMCS_OK);
    ck_assert_double_gt(p[0].a, p[1].a);
    ck_assert_double_gt(p[0].b, 0);
}
END_TEST

/* The reward's slope on the feature is found, and a feature that says nothing gets next to none. */
START_TEST(feature_weight_is_the_slope) {
    uint64_t seed = 7;
    for (int informative = 0; informative < 2; informative++) {
        shop_sums all[3] = {{.n = 0}};
        for (int i = 0; i < 6000; i++) {
            const double z = normal(&seed), mean = (double)(i % 3);
            const double r = mean + (informative ? 0.4 * z : 0) + 0.5 * normal(&seed);
            shop_sums *s = &all[i % 3];
            s->n++, s->r += r, s->rr += r * r, s->z += z, s->zz += z * z, s->zr += z * r;
        }
        ck_assert_double_eq_tol(shop_feature_weight(all, 3), informative ? 0.4 : 0, 0.03);
    }
    const shop_sums none[2] = {{.n = 0}};
    ck_assert_double_le(fabs(shop_feature_weight(none, 2)), 0);
}
END_TEST

START_TEST(memory_can_fail) {
    fail_alloc counter;
    fail_alloc_init(&counter);
    const llmcs_allocator a = fail_alloc_get(&counter);
    const shop_posterior arms[] = {{true, 1, 1}, {true, 1, 1}};
    double p[2];
    counter.fail_at = 0;
    ck_assert_int_eq(shop_thompson(&a, arms, 2, p), LLMCS_NOMEM);
    ck_assert_int_eq(counter.live, 0);
}
END_TEST

static void add(TCase *t) {
    printf("shop/strategy/arms: seeds 20261128, 7\n");
    tcase_add_test(t, beta_distribution_is_the_binomial_sum);
    tcase_add_test(t, two_normal_arms_have_a_closed_form);
    tcase_add_test(t, propensities_are_those_of_sampling);
    tcase_add_test(t, equal_arms_are_equally_likely);
    tcase_add_test(t, exploration_bounds_propensities);
    tcase_add_test(t, a_new_context_starts_from_the_others);
    tcase_add_test(t, rewards_outside_the_unit_interval_need_normal_arms);
    tcase_add_test(t, feature_weight_is_the_slope);
    tcase_add_test(t, memory_can_fail);
}

SUITE_MAIN("shop/strategy/arms", add)
