/* Off-policy estimates: their values by hand, their intervals over hundreds of logs whose truth is known. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "llmcs_shop.h"
#include "support/fail_alloc.h"
#include "support/random.h"
#include "support/suite.h"

static double uniform(uint64_t *seed) { return (double)(random_next(seed) >> 11) * 0x1p-53; }

static llmcs_shop_off_policy evaluate(const llmcs_shop_logged *log, size_t n, size_t n_actions) {
    llmcs_shop_off_policy found = {.struct_size = sizeof found};
    const llmcs_status status = llmcs_shop_evaluate_policy(log, n, n_actions, NULL, &found);
    ck_assert_msg(!status, "%s", llmcs_error_message());
    return found;
}

/* ---- worlds: contexts, actions, what they earn, and a policy that logged */

enum { CONTEXTS = 3, ACTIONS = 3, ROWS = 400, LOGS = 600 };

typedef struct world {
    const char *name;
    double reward[CONTEXTS][ACTIONS]; /* mean */
    double logging[CONTEXTS][ACTIONS];
    double target[CONTEXTS][ACTIONS];
    int kind; /* 0: yes or no, 1: normal noise, 2: rare and large rewards */
} world;

static const world worlds[] = {
    {"yes or no, mild weights",
     {{0.2, 0.5, 0.7}, {0.6, 0.3, 0.1}, {0.4, 0.4, 0.5}},
     {{0.4, 0.3, 0.3}, {0.3, 0.4, 0.3}, {0.2, 0.4, 0.4}},
     {{0.1, 0.1, 0.8}, {0.8, 0.1, 0.1}, {0.2, 0.2, 0.6}},
     0},
    {"yes or no, weights up to 20",
     {{0.2, 0.5, 0.7}, {0.6, 0.3, 0.1}, {0.4, 0.4, 0.5}},
     {{0.6, 0.35, 0.05}, {0.05, 0.9, 0.05}, {0.45, 0.5, 0.05}},
     {{0, 0, 1}, {1, 0, 0}, {0, 0, 1}},
     0},
    {"normal rewards",
     {{3, -2, 8}, {1, 0, 4}, {-5, 2, 2}},
     {{0.5, 0.4, 0.1}, {0.4, 0.4, 0.2}, {0.3, 0.3, 0.4}},
     {{0.2, 0.2, 0.6}, {0.1, 0.1, 0.8}, {0, 0.5, 0.5}},
     1},
    {"orders: mostly nothing, now and then a lot",
     {{2, 4, 6}, {3, 3, 1}, {5, 2, 2}},
     {{0.4, 0.4, 0.2}, {0.3, 0.3, 0.4}, {0.2, 0.4, 0.4}},
     {{0, 0.2, 0.8}, {0.5, 0.5, 0}, {0.8, 0.1, 0.1}},
     2},
};
enum { WORLDS = sizeof worlds / sizeof *worlds };

static double true_value(const world *w) {
    double value = 0;
    for (int c = 0; c < CONTEXTS; c++)
        for (int a = 0; a < ACTIONS; a++) value += w->target[c][a] * w->reward[c][a] / CONTEXTS;
    return value;
}

static double draw_reward(const world *w, int c, int a, uint64_t *seed) {
    const double mean = w->reward[c][a], u = uniform(seed);
    if (w->kind == 0) return u < mean;
    if (w->kind == 2) return u < 0.15 ? mean / 0.15 * (0.5 + uniform(seed)) : 0;
    double sum = -6; /* of twelve uniforms: nearly normal */
    for (int i = 0; i < 12; i++) sum += uniform(seed);
    return mean + 2 * sum;
}

static void draw_log(const world *w, uint64_t *seed, llmcs_shop_logged *log) {
    static const char *const names[CONTEXTS] = {"en/calm", "zh/angry", "en/new"};
    for (size_t i = 0; i < ROWS; i++) {
        const int c = (int)random_below(seed, CONTEXTS);
        double u = uniform(seed);
        int a = 0;
        while (a + 1 < ACTIONS && u >= w->logging[c][a]) u -= w->logging[c][a++];
        log[i] = (llmcs_shop_logged){names[c], a, w->logging[c][a], draw_reward(w, c, a, seed), w->target[c]};
    }
}

static bool covers(llmcs_shop_estimate e, double truth) { return e.low <= truth && truth <= e.high; }

/* 95 % intervals hold the truth in at least 93 % of 600 logs, for every estimator and world, and are no wider than they
 * have to be: in at most 98 %. */
START_TEST(intervals_cover_the_truth) {
    const world *w = &worlds[_i];
    const double truth = true_value(w);
    llmcs_shop_logged log[ROWS];
    uint64_t seed = 1000 + (uint64_t)_i;
    int ips = 0, snips = 0, dr = 0;
    double bias[3] = {0}, width[3] = {0};
    for (int i = 0; i < LOGS; i++) {
        draw_log(w, &seed, log);
        const llmcs_shop_off_policy e = evaluate(log, ROWS, ACTIONS);
        ips += covers(e.ips, truth);
        snips += covers(e.snips, truth);
        dr += covers(e.dr, truth);
        const llmcs_shop_estimate all[] = {e.ips, e.snips, e.dr};
        for (int k = 0; k < 3; k++) {
            bias[k] += (all[k].value - truth) / LOGS;
            width[k] += (all[k].high - all[k].low) / LOGS;
        }
    }
    printf("  %-45s truth %.3f  coverage ips %.3f snips %.3f dr %.3f  width %.3f %.3f %.3f\n", w->name, truth,
           (double)ips / LOGS, (double)snips / LOGS, (double)dr / LOGS, width[0], width[1], width[2]);
    const int counts[] = {ips, snips, dr};
    for (int k = 0; k < 3; k++) {
        ck_assert_msg(counts[k] >= 0.93 * LOGS, "%s: estimator %d covers %d of %d", w->name, k, counts[k], LOGS);
        ck_assert_msg(counts[k] <= 0.985 * LOGS, "%s: estimator %d covers %d of %d", w->name, k, counts[k], LOGS);
        ck_assert_double_lt(fabs(bias[k]), 0.1 * width[k]);
    }
    ck_assert_double_lt(width[2], width[0]); /* what the model of rewards is for */
}
END_TEST

/* ---- values */

START_TEST(values_by_hand) {
    static const double target[] = {0.25, 0.75};
    llmcs_shop_logged log[40];
    double weighted = 0, weights = 0;
    for (int i = 0; i < 40; i++) {
        const int a = i % 4 == 0;
        log[i] = (llmcs_shop_logged){i % 3 ? "x" : "y", a, a ? 0.2 : 0.8, (double)(i % 5), target};
        weighted += target[a] / log[i].propensity * log[i].reward;
        weights += target[a] / log[i].propensity;
    }
    const llmcs_shop_off_policy e = evaluate(log, 40, 2);
    ck_assert_uint_eq(e.n, 40);
    ck_assert_double_eq_tol(e.ips.value, weighted / 40, 1e-12);
    ck_assert_double_eq_tol(e.snips.value, weighted / weights, 1e-12);
    ck_assert_double_eq_tol(e.log.value, 2, 1e-12);
    ck_assert_double_eq_tol(e.max_weight, 3.75, 1e-12);
    ck_assert_double_eq_tol(e.effective_n, weights * weights / (10 * 3.75 * 3.75 + 30 * 0.3125 * 0.3125), 1e-9);
    ck_assert(e.ips.low < e.ips.value && e.ips.value < e.ips.high);
}
END_TEST

/* The logging policy's own value is the log's mean, by all estimators. */
START_TEST(same_policy_gives_the_mean_of_the_log) {
    static const double target[] = {0.5, 0.5};
    llmcs_shop_logged log[100];
    for (int i = 0; i < 100; i++) log[i] = (llmcs_shop_logged){"", i % 2, 0.5, (double)(i % 7), target};
    const llmcs_shop_off_policy e = evaluate(log, 100, 2);
    ck_assert_double_eq_tol(e.ips.value, e.log.value, 1e-12);
    ck_assert_double_eq_tol(e.snips.value, e.log.value, 1e-12);
    ck_assert_double_eq_tol(e.ips.low, e.log.low, 1e-12);
    ck_assert_double_eq_tol(e.dr.value, e.log.value, 0.3);
    ck_assert_double_eq_tol(e.effective_n, 100, 1e-9);
}
END_TEST

START_TEST(equal_rewards_leave_no_doubt) {
    static const double target[] = {1};
    llmcs_shop_logged log[20];
    for (int i = 0; i < 20; i++) log[i] = (llmcs_shop_logged){"", 0, 1, 3, target};
    const llmcs_shop_off_policy e = evaluate(log, 20, 1);
    ck_assert(e.ips.low >= 3 && e.ips.high <= 3 && e.dr.low >= 3 && e.dr.high <= 3);
}
END_TEST

/* ---- refusals */

START_TEST(bad_rows_are_named) {
    static const double target[] = {0.5, 0.5}, short_target[] = {0.5, 0.4}, negative[] = {-0.5, 1.5};
    const struct {
        llmcs_shop_logged row;
        const char *words;
    } cases[] = {
        {{NULL, 0, 1, 0, target}, "log[7]: context"},
        {{"", 0, 1, 0, NULL}, "log[7]: context or target"},
        {{"", 2, 1, 0, target}, "log[7].action: 2 is not valid (0 to 1)"},
        {{"", -1, 1, 0, target}, "log[7].action: -1"},
        {{"", 0, 0, 0, target}, "log[7].propensity: 0"},
        {{"", 0, 1.5, 0, target}, "log[7].propensity: 1.5"},
        {{"", 0, NAN, 0, target}, "log[7].propensity"},
        {{"", 0, 1, NAN, target}, "log[7].reward"},
        {{"", 0, 1, INFINITY, target}, "log[7].reward"},
        {{"", 0, 1, 0, short_target}, "add up to 0.9"},
        {{"", 0, 1, 0, negative}, "log[7].target[0]: -0.5"},
    };
    llmcs_shop_off_policy found = {.struct_size = sizeof found};
    llmcs_shop_logged log[30];
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        for (int i = 0; i < 30; i++) log[i] = (llmcs_shop_logged){"", 0, 1, 0, target};
        log[7] = cases[k].row;
        ck_assert_int_eq(llmcs_shop_evaluate_policy(log, 30, 2, NULL, &found), LLMCS_ARG);
        ck_assert_msg(strstr(llmcs_error_message(), cases[k].words) != NULL, "%s", llmcs_error_message());
    }
    ck_assert_int_eq(llmcs_shop_evaluate_policy(log, 19, 2, NULL, &found), LLMCS_STATE);
    ck_assert_int_eq(llmcs_shop_evaluate_policy(log, 30, 0, NULL, &found), LLMCS_ARG);
    ck_assert_int_eq(llmcs_shop_evaluate_policy(NULL, 30, 2, NULL, &found), LLMCS_ARG);
    ck_assert_int_eq(llmcs_shop_evaluate_policy(log, 30, 2, NULL, NULL), LLMCS_ARG);
}
END_TEST

START_TEST(each_allocation_can_fail) {
    static const double target[] = {0.5, 0.5};
    llmcs_shop_logged log[30];
    llmcs_shop_off_policy found = {.struct_size = sizeof found};
    for (int i = 0; i < 30; i++) log[i] = (llmcs_shop_logged){"", i % 2, 0.5, i, target};
    llmcs_status status = LLMCS_NOMEM;
    for (long n = 0; status; n++) {
        fail_alloc counter;
        fail_alloc_init(&counter);
        const llmcs_allocator a = fail_alloc_get(&counter);
        counter.fail_at = n;
        status = llmcs_shop_evaluate_policy(log, 30, 2, &a, &found);
        ck_assert(!status || status == LLMCS_NOMEM);
        ck_assert_int_eq(counter.live, 0);
        ck_assert_int_lt(n, 50);
    }
}
END_TEST

static void add(TCase *t) {
    printf("shop/strategy/off_policy: seeds 1000 to %d\n", 999 + WORLDS);
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, intervals_cover_the_truth, 0, WORLDS);
    tcase_add_test(t, values_by_hand);
    tcase_add_test(t, same_policy_gives_the_mean_of_the_log);
    tcase_add_test(t, equal_rewards_leave_no_doubt);
    tcase_add_test(t, bad_rows_are_named);
    tcase_add_test(t, each_allocation_can_fail);
}

SUITE_MAIN("shop/strategy/off_policy", add)
