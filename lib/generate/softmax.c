/* Maximum, exponential and log-sum-exp over a row. */
#include "generate/softmax.h"

#include <float.h>
#include <math.h>
#include <string.h>

#define LANES 16 /* independent partial results: what lets the compiler use whole vectors, in a fixed order */

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

static inline int32_t bits_of(float x) {
    int32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline float float_of(int32_t bits) {
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* e^x = 2^k e^r with r = x - k ln 2 in [-ln2/2, ln2/2], ln 2 in two parts so that k times the first is exact (Cody
 * and Waite, Software Manual for the Elementary Functions, 1980); e^r by its series to r^7/7!, whose remainder is
 * below 6e-9 there. Below log(FLT_MIN) the result is 0. That choice is made on the bits, where negative floats are
 * ordered by magnitude: a choice between floats would keep gcc from making vector code of the loops that call this
 * (50257 of them: 85 us instead of 270). */
static inline float exp_not_positive(float x) {
    const int32_t lowest = -0x3D5153B1; /* -87.33654f */
    const float log2_e = 1.44269504f, ln2_high = 0.693359375f, ln2_low = -2.12194440e-4f;
    const float round_magic = 12582912.0f; /* 1.5 * 2^23: adding it rounds to an integer */
    int32_t bits = bits_of(x) | INT32_MIN; /* +0 becomes -0 */
    int32_t inside = -(int32_t)(bits < lowest);
    float y = float_of((bits & inside) | (lowest & ~inside));
    float k = (y * log2_e + round_magic) - round_magic;
    float r = (y - k * ln2_high) - k * ln2_low;
    float p = 1.0f / 5040.0f;
    p = p * r + 1.0f / 720.0f;
    p = p * r + 1.0f / 120.0f;
    p = p * r + 1.0f / 24.0f;
    p = p * r + 1.0f / 6.0f;
    p = p * r + 0.5f;
    p = p * r + 1.0f;
    p = p * r + 1.0f;
    float two_to_k = float_of(((int32_t)k + 127) << 23);
    return float_of(bits_of(p * two_to_k) & inside);
}

float ll_exp(float x) { return exp_not_positive(x); }

void ll_exp_row(const float *x, size_t n, float max, float *out) {
    for (size_t i = 0; i < n; i++) out[i] = exp_not_positive(x[i] - max);
}

double ll_log_sum_exp(const float *scores, size_t n, float max) {
    enum { BLOCK = 256 };
    float e[BLOCK];
    double lane[LANES] = {0};
    for (size_t begin = 0; begin < n; begin += BLOCK) {
        size_t m = ll_min(BLOCK, n - begin), i = 0;
        ll_exp_row(scores + begin, m, max, e);
        for (; i + LANES <= m; i += LANES) {
            for (size_t l = 0; l < LANES; l++) lane[l] += (double)e[i + l];
        }
        for (size_t l = 0; i < m; i++, l++) lane[l] += (double)e[i];
    }
    double sum = 0;
    for (size_t l = 0; l < LANES; l++) sum += lane[l];
    return (double)max + log(sum);
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
