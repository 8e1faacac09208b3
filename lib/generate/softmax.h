/*
 * Softmax over one row of scores. All sums are in one fixed order and in double; the exponential is our own, because a
 * C library that selects its own by processor would change what is sampled.
 */
#ifndef LL_GENERATE_SOFTMAX_H
#define LL_GENERATE_SOFTMAX_H

#include "base/size.h"
#include "base/status.h"

/* The largest of n >= 1 scores, -inf included; false if one is a NaN. */
bool ll_row_scan(const float *scores, size_t n, float *max);

/* The same as a status: NUMERIC if a score is NaN ("step" says where in the message) or all are -inf. */
llmcs_status ll_max_check(bool is_number, float max, size_t step);
/* Both. */
llmcs_status ll_row_max(const float *scores, size_t n, size_t step, float *max);

/* e^x for x <= 0, not NaN, to about one unit in the last place; 0 below -87.3, where e^x is not a normal
 * float. */
float ll_exp(float x);

/* out[i] = e^(x[i] - max) for rows without NaN whose largest is max, finite. */
void ll_exp_row(const float *x, size_t n, float max, float *out);

/* log(sum of e^score) over a row whose largest score is `max`, finite. */
double ll_log_sum_exp(const float *scores, size_t n, float max);

/* The logarithm of the sum that turns scores into log-probabilities: log p(i) = scores[i] - *log_sum. A row with
 * +inf gives *log_sum = +inf, to be used through ll_log_probability. Errors: as ll_row_max. */
llmcs_status ll_log_normaliser(const float *scores, size_t n, size_t step, double *log_sum);

/* scores[i] - log_sum, with p = 1 where both are +inf. */
float ll_log_probability(float score, double log_sum);
void ll_log_probabilities(const float *scores, size_t n, double log_sum, float *out);

#endif
