/*
 * Softmax over one row of scores. All sums are in one fixed order and in double. The exponential is our own, because C
 * libraries select theirs by processor, which would change what is sampled.
 */
#ifndef LL_GENERATE_SOFTMAX_H
#define LL_GENERATE_SOFTMAX_H

#include "base/size.h"
#include "base/status.h"

/* The largest of n >= 1 scores; may be -inf. False if one is NaN. */
bool ll_row_scan(const float *scores, size_t n, float *max);

/* Its result as a status: NUMERIC if a score is NaN or all are -inf. The message names new token `step`. */
llmcs_status ll_max_check(bool is_number, float max, size_t step);
/* ll_row_scan and ll_max_check. */
llmcs_status ll_row_max(const float *scores, size_t n, size_t step, float *max);

/* e^x for x <= 0, not NaN, to about one unit in the last place; 0 below -87.3, where e^x is subnormal. */
float ll_exp(float x);

/* out[i] = e^(x[i] - max) for rows without NaN whose largest is max, finite. */
void ll_exp_row(const float *x, size_t n, float max, float *out);

/* log(sum of e^score) over a row whose largest score is `max`, finite. */
double ll_log_sum_exp(const float *scores, size_t n, float max);

/* The log-sum-exp of a row: log p(i) = scores[i] - *log_sum. A row with +inf gives *log_sum = +inf, which
 * ll_log_probability handles. Errors: as ll_row_max. */
llmcs_status ll_log_normaliser(const float *scores, size_t n, size_t step, double *log_sum);

/* scores[i] - log_sum, with p = 1 where both are +inf. */
float ll_log_probability(float score, double log_sum);
void ll_log_probabilities(const float *scores, size_t n, double log_sum, float *out);

#endif
