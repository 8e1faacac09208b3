#include <float.h>
#include <math.h>
#include <string.h>

#include "generate/workspace.h"
#include "support/fail_alloc.h"
#include "support/suite.h"

static llmcs_allocator allocator;
static ll_scores s;

static void start(size_t vocab) {
    allocator = ll_allocator_default();
    ck_assert_int_eq(ll_scores_init(&s, &allocator, vocab), LLMCS_OK);
}

static void stop(void) { ll_scores_free(&s, &allocator); }

START_TEST(keys_are_in_the_order_of_floats) {
    const float order[] = {-INFINITY, -FLT_MAX, -2,      -1, -FLT_MIN, -1e-44f, -0.0f,
                           0.0f,      1e-44f,   FLT_MIN, 1,  2,        FLT_MAX, INFINITY};
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        const float back = ll_float_of_key(ll_float_key(order[i]));
        ck_assert(!memcmp(&back, &order[i], sizeof back));
        ck_assert(i == 0 || ll_float_key(order[i - 1]) < ll_float_key(order[i]));
    }
    ck_assert_int_gt(ll_float_key(NAN), ll_float_key(INFINITY));
    ck_assert_int_lt(ll_float_key(-NAN), ll_float_key(-INFINITY));
}
END_TEST

START_TEST(the_largest_is_found_wherever_it_stands) {
    float row[131];
    for (size_t n = 1; n <= 131; n++) {
        start(n);
        for (size_t at = 0; at < n; at++) {
            for (size_t i = 0; i < n; i++) row[i] = -1.0f - (float)i;
            row[at] = 3.0f;
            ll_scores_scan(&s, row);
            ck_assert(s.max == 3.0f && !s.nan);
            ck_assert_int_eq(ll_scores_check(&s, 0), LLMCS_OK);
            ck_assert_int_eq(ll_scores_argmax(&s), (int)at);
        }
        stop();
    }
}
END_TEST

START_TEST(of_equals_the_lowest_id_is_taken) {
    float row[90];
    for (size_t i = 0; i < 90; i++) row[i] = 1.0f;
    start(90);
    ll_scores_scan(&s, row);
    ck_assert_int_eq(ll_scores_argmax(&s), 0);
    row[71] = row[67] = INFINITY;
    ll_scores_scan(&s, row);
    ck_assert_int_eq(ll_scores_argmax(&s), 67);
    for (size_t i = 0; i < 90; i++) row[i] = i < 50 ? -0.0f : 0.0f; /* equal */
    ll_scores_scan(&s, row);
    ck_assert_int_eq(ll_scores_argmax(&s), 0);
    stop();
}
END_TEST

START_TEST(what_was_touched_counts_and_the_row_stays) {
    float row[100];
    for (size_t i = 0; i < 100; i++) row[i] = (float)i;
    start(100);
    ll_scores_scan(&s, row);
    ll_scores_touch(&s, 99);
    ll_scores_touch(&s, 3);
    ll_scores_touch(&s, 99); /* again: what was changed stays */
    s.copy[99] = -INFINITY;
    ll_scores_touch(&s, 98);
    s.copy[3] = 98.0f;
    ll_scores_finalize(&s);
    ck_assert(s.max == 98.0f && row[99] == 99.0f && row[3] == 3.0f);
    ck_assert_int_eq(ll_scores_argmax(&s), 3);
    s.copy[3] = NAN;
    ll_scores_finalize(&s);
    ck_assert_int_eq(ll_scores_check(&s, 4), LLMCS_NUMERIC);
    ll_scores_scan(&s, row); /* nothing is left of it */
    ck_assert_int_eq(ll_scores_argmax(&s), 99);
    stop();
}
END_TEST

START_TEST(nan_and_nothing_left_are_numeric_errors_that_name_the_step) {
    float row[135];
    start(135);
    for (size_t at = 0; at < 135; at++) {
        for (size_t i = 0; i < 135; i++) row[i] = (float)i;
        row[at] = at % 2 ? NAN : -NAN;
        ll_scores_scan(&s, row);
        ck_assert_int_eq(ll_scores_check(&s, 7), LLMCS_NUMERIC);
        ck_assert_ptr_nonnull(strstr(llmcs_error_message(), "new token 7: NaN"));
    }
    for (size_t i = 0; i < 135; i++) row[i] = -INFINITY;
    ll_scores_scan(&s, row);
    ck_assert_int_eq(ll_scores_check(&s, 8), LLMCS_NUMERIC);
    ck_assert_ptr_nonnull(strstr(llmcs_error_message(), "new token 8: every token is forbidden"));
    row[3] = -FLT_MAX;
    ll_scores_scan(&s, row);
    ck_assert_int_eq(ll_scores_check(&s, 8), LLMCS_OK);
    stop();
}
END_TEST

/* Blocks that are allowed as a whole stay, those that are not at all have a maximum of -inf, others are copied. */
START_TEST(only_allowed_tokens_are_left) {
    enum { N = 100 };
    static float row[N];
    llmcs_allocator a = ll_allocator_default();
    ll_scores r;
    uint64_t allowed[2] = {UINT64_C(0xffffffff), (uint64_t)1 << 33}; /* tokens 0..31 and 97 */
    for (size_t i = 0; i < N; i++) row[i] = (float)i;
    ck_assert_int_eq(ll_scores_init(&r, &a, N), LLMCS_OK);
    ll_scores_scan(&r, row);
    ll_scores_restrict(&r, allowed);
    ck_assert(r.block_max[0] == 31 && r.block_max[1] < -FLT_MAX && r.block_max[2] < -FLT_MAX && r.block_max[3] == 97);
    ck_assert(r.max == 97 && ll_scores_argmax(&r) == 97);
    ck_assert(!r.changed[0] && r.changed[3] && r.copy[96] < -FLT_MAX && r.copy[97] == 97 && row[96] == 96);
    allowed[0] = allowed[1] = 0;
    ll_scores_restrict(&r, allowed);
    ck_assert_int_eq(ll_scores_check(&r, 0), LLMCS_NUMERIC);
    ll_scores_free(&r, &a);
}
END_TEST

START_TEST(a_workspace_takes_what_it_says_and_a_failed_allocation_leaves_nothing) {
    for (long n = 0; n < 8; n++) {
        fail_alloc f;
        ll_sampler_workspace workspace;
        fail_alloc_init(&f);
        f.fail_at = n;
        llmcs_allocator a = fail_alloc_get(&f);
        ck_assert_int_eq(ll_sampler_workspace_init(&workspace, &a, 1000, true), n < 7 ? LLMCS_NOMEM : LLMCS_OK);
        if (n == 7) ck_assert_uint_eq((uint64_t)f.live_bytes, ll_sampler_workspace_bytes(1000));
        ll_sampler_workspace_free(&workspace, &a);
        ck_assert_int_eq(f.live, 0);
    }
}
END_TEST

static void add(TCase *t) {
    tcase_add_test(t, keys_are_in_the_order_of_floats);
    tcase_add_test(t, the_largest_is_found_wherever_it_stands);
    tcase_add_test(t, of_equals_the_lowest_id_is_taken);
    tcase_add_test(t, what_was_touched_counts_and_the_row_stays);
    tcase_add_test(t, nan_and_nothing_left_are_numeric_errors_that_name_the_step);
    tcase_add_test(t, only_allowed_tokens_are_left);
    tcase_add_test(t, a_workspace_takes_what_it_says_and_a_failed_allocation_leaves_nothing);
}

SUITE_MAIN("generate/scores", add)
