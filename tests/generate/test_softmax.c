#include <float.h>
#include <math.h>
#include <string.h>

#include "generate/softmax.h"
#include "support/suite.h"

START_TEST(exp_is_within_two_units_of_the_last_place) {
    double worst = 0;
    for (double x = -87.0; x <= 0; x += 0.00037) {
        double exact = exp((double)(float)x), got = (double)ll_exp((float)x);
        double error = fabs(got - exact) / exact;
        if (error > worst) worst = error;
    }
    ck_assert_double_lt(worst, 2 * (double)FLT_EPSILON);
    ck_assert(ll_exp(0.0f) == 1.0f);
    ck_assert(ll_exp(-0.0f) == 1.0f);
    ck_assert(ll_exp(-88.0f) == 0.0f);
    ck_assert(ll_exp(-FLT_MAX) == 0.0f);
    ck_assert(ll_exp(-INFINITY) == 0.0f);
    float x[300], e[300];
    for (int i = 0; i < 300; i++) x[i] = 3.0f - (float)i * 0.37f;
    ll_exp_row(x, 300, 3.0f, e);
    for (int i = 0; i < 300; i++) ck_assert(e[i] == ll_exp(x[i] - 3.0f));
}
END_TEST

START_TEST(the_maximum_is_found_wherever_it_stands) {
    float row[67];
    for (size_t n = 1; n <= 67; n++) {
        for (size_t at = 0; at < n; at++) {
            for (size_t i = 0; i < n; i++) row[i] = -1.0f - (float)i;
            row[at] = 3.0f;
            float max;
            ck_assert_int_eq(ll_row_max(row, n, 0, &max), LLMCS_OK);
            ck_assert(max == 3.0f);
        }
    }
}
END_TEST

START_TEST(nan_and_nothing_left_are_numeric_errors_that_name_the_step) {
    float row[35];
    float max;
    for (size_t at = 0; at < 35; at++) {
        for (size_t i = 0; i < 35; i++) row[i] = (float)i;
        row[at] = NAN;
        ck_assert_int_eq(ll_row_max(row, 35, 7, &max), LLMCS_NUMERIC);
        ck_assert_ptr_nonnull(strstr(llmcs_error_message(), "new token 7"));
    }
    for (size_t i = 0; i < 35; i++) row[i] = -INFINITY;
    ck_assert_int_eq(ll_row_max(row, 35, 8, &max), LLMCS_NUMERIC);
    ck_assert_ptr_nonnull(strstr(llmcs_error_message(), "every token is forbidden"));
    ck_assert_ptr_nonnull(strstr(llmcs_error_message(), "new token 8"));
    row[3] = NAN; /* a NaN among -inf is still a NaN */
    ck_assert_int_eq(ll_row_max(row, 35, 8, &max), LLMCS_NUMERIC);
    ck_assert_ptr_nonnull(strstr(llmcs_error_message(), "NaN"));
}
END_TEST

static double naive_log_sum(const float *row, size_t n) {
    double max = -INFINITY, sum = 0;
    for (size_t i = 0; i < n; i++) max = fmax(max, (double)row[i]);
    for (size_t i = 0; i < n; i++) sum += exp((double)row[i] - max);
    return max + log(sum);
}

START_TEST(log_probabilities_agree_with_the_definition) {
    float row[1000];
    for (size_t n = 1; n <= 1000; n += 37) {
        for (size_t i = 0; i < n; i++) row[i] = (float)((i * 7919) % 1000) / 50.0f - 10.0f;
        double log_sum;
        ck_assert_int_eq(ll_log_normaliser(row, n, 0, &log_sum), LLMCS_OK);
        ck_assert_double_lt(fabs(log_sum - naive_log_sum(row, n)), 1e-6);
    }
}
END_TEST

START_TEST(extreme_rows_stay_finite) {
    double log_sum;
    float one = -FLT_MAX;
    ck_assert_int_eq(ll_log_normaliser(&one, 1, 0, &log_sum), LLMCS_OK); /* a vocabulary of one token */
    ck_assert(ll_log_probability(one, log_sum) == 0.0f);
    float mixed[4] = {FLT_MAX, -FLT_MAX, 1e-44f, -INFINITY};
    ck_assert_int_eq(ll_log_normaliser(mixed, 4, 0, &log_sum), LLMCS_OK);
    ck_assert(ll_log_probability(mixed[0], log_sum) == 0.0f);
    ck_assert(isinf(ll_log_probability(mixed[3], log_sum)));
    float equal[3] = {1e-44f, 1e-44f, 1e-44f};
    ck_assert_int_eq(ll_log_normaliser(equal, 3, 0, &log_sum), LLMCS_OK);
    ck_assert_double_lt(fabs((double)ll_log_probability(equal[1], log_sum) + log(3)), 1e-6);
    float infinite[3] = {0, INFINITY, 5};
    ck_assert_int_eq(ll_log_normaliser(infinite, 3, 0, &log_sum), LLMCS_OK);
    ck_assert(ll_log_probability(infinite[1], log_sum) == 0.0f);
    ck_assert(ll_log_probability(infinite[0], log_sum) == -INFINITY);
}
END_TEST

static void add(TCase *t) {
    tcase_add_test(t, exp_is_within_two_units_of_the_last_place);
    tcase_add_test(t, the_maximum_is_found_wherever_it_stands);
    tcase_add_test(t, nan_and_nothing_left_are_numeric_errors_that_name_the_step);
    tcase_add_test(t, log_probabilities_agree_with_the_definition);
    tcase_add_test(t, extreme_rows_stay_finite);
}

SUITE_MAIN("generate/softmax", add)
