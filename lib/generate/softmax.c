/* Maximum, exponential and log-sum-exp over a row. */
#include "generate/softmax.h"

#include <float.h>
#include <math.h>

#include "kernels/exponential.h"

#define LANES 16 /* independent partial results in a fixed order, so that compilers vectorise */

bool ll_row_scan(const float *scores, size_t n, float *max) {
    float lane[LANES];
    int nans[LANES] = {0};
    for (size_t l = 0; l < LANES; l++) lane[l] = -INFINITY;
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        for (size_t l = 0; l < LANES; l++) {
            float x = scores[i + l];
            lane[l] = x > lane[l] ? x : lane[l];
            nans[l] |= x != x;
        }
    }
    int nan = 0;
    float top = -INFINITY;
    for (size_t l = 0; l < LANES; l++) {
        top = lane[l] > top ? lane[l] : top;
        nan |= nans[l];
    }
    for (; i < n; i++) {
        top = scores[i] > top ? scores[i] : top;
        nan |= scores[i] != scores[i];
    }
    *max = top;
    return !nan;
}

llmcs_status ll_max_check(bool is_number, float max, size_t step) {
    if (!is_number) return ll_fail(LLMCS_NUMERIC, "new token %zu: NaN among the scores of the vocabulary", step);
    if (max < -FLT_MAX) return ll_fail(LLMCS_NUMERIC, "new token %zu: every token is forbidden", step);
    return LLMCS_OK;
}

llmcs_status ll_row_max(const float *scores, size_t n, size_t step, float *max) {
    const bool is_number = ll_row_scan(scores, n, max);
    return ll_max_check(is_number, *max, step);
}

float ll_exp(float x) { return ll_exp_not_positive(x); }

void ll_exp_row(const float *x, size_t n, float max, float *out) {
    for (size_t i = 0; i < n; i++) out[i] = ll_exp_not_positive(x[i] - max);
}

double ll_log_sum_exp(const float *scores, size_t n, float max) {
    return (double)max + log(ll_sum_of_exps(scores, n, max));
}

llmcs_status ll_log_normaliser(const float *scores, size_t n, size_t step, double *log_sum) {
    float max;
    LL_TRY(ll_row_max(scores, n, step, &max));
    *log_sum = max > FLT_MAX ? (double)INFINITY : ll_log_sum_exp(scores, n, max);
    return LLMCS_OK;
}

float ll_log_probability(float score, double log_sum) {
    if (log_sum > DBL_MAX) return score > FLT_MAX ? 0.0f : -INFINITY;
    return (float)((double)score - log_sum);
}

void ll_log_probabilities(const float *scores, size_t n, double log_sum, float *out) {
    if (log_sum > DBL_MAX) {
        for (size_t i = 0; i < n; i++) out[i] = ll_log_probability(scores[i], log_sum);
    } else {
        for (size_t i = 0; i < n; i++) out[i] = (float)((double)scores[i] - log_sum);
    }
}
