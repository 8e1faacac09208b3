/* The exponential function used in sampling: the same bits on every processor, in plain C that compilers vectorise.
 * softmax.c uses it, and every kernel set compiles ll_sum_of_exps for its own instructions. */
#ifndef LL_KERNELS_EXPONENTIAL_H
#define LL_KERNELS_EXPONENTIAL_H

#include <stddef.h>
#include <stdint.h>

#include "base/half.h"

/* e^x = 2^k e^r with r = x - k ln 2 in [-ln2/2, ln2/2], ln 2 in two parts so that k times the first is exact (Cody
 * and Waite, Software Manual for the Elementary Functions, 1980); e^r by its series to r^7/7!, whose remainder is
 * below 6e-9 there. Below log(FLT_MIN) the result is 0. The comparison is made on the bits (of negative floats, larger
 * bits are larger magnitudes), because with a float comparison gcc does not vectorise the callers' loops (50,257
 * values: 85 us instead of 270). */
static inline float ll_exp_not_positive(float x) {
    const int32_t lowest = -0x3D5153B1; /* -87.33654f */
    const float log2_e = 1.44269504f, ln2_high = 0.693359375f, ln2_low = -2.12194440e-4f;
    const float round_magic = 12582912.0f;                /* 1.5 * 2^23: adding it rounds to an integer */
    int32_t bits = (int32_t)ll_float_bits(x) | INT32_MIN; /* +0 becomes -0 */
    int32_t inside = -(int32_t)(bits < lowest);
    float y = ll_float_from_bits((uint32_t)((bits & inside) | (lowest & ~inside)));
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
    float two_to_k = ll_float_from_bits((uint32_t)((int32_t)k + 127) << 23);
    return ll_float_from_bits(ll_float_bits(p * two_to_k) & (uint32_t)inside);
}

/* The sum of e^(x[i] - max), no x above max. 16 accumulators in double: a fixed order that fills whole vectors. */
static inline double ll_sum_of_exps(const float *x, size_t n, float max) {
    enum { BLOCK = 256, LANES = 16 };
    float e[BLOCK];
    double lane[LANES] = {0};
    for (size_t begin = 0; begin < n; begin += BLOCK) {
        const size_t m = n - begin < BLOCK ? n - begin : BLOCK;
        size_t i = 0;
        for (size_t k = 0; k < m; k++) e[k] = ll_exp_not_positive(x[begin + k] - max);
        for (; i + LANES <= m; i += LANES) {
            for (size_t l = 0; l < LANES; l++) lane[l] += (double)e[i + l];
        }
        for (size_t l = 0; i < m; i++, l++) lane[l] += (double)e[i];
    }
    double sum = 0;
    for (size_t l = 0; l < LANES; l++) sum += lane[l];
    return sum;
}

#endif
