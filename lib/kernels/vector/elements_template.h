/*
 * Part of a vector kernel set (see kernels_template.h): element-wise kernels, and reductions over one row. An element's
 * result is the same in a whole vector and in the partial one at the end.
 */
#ifndef LL_KERNELS_VECTOR_ELEMENTS_H
#define LL_KERNELS_VECTOR_ELEMENTS_H

#include "kernels/vector/functions_template.h"

/* y[i] = function(x[i]) */
static ALWAYS_INLINE void map(vf (*function)(vf), const float *x, float *y, size_t n) {
    size_t i = 0;
    for (; i + 4 * VL <= n; i += 4 * VL) { /* four independent dependency chains */
        vf v[4];
        UNROLL for (size_t j = 0; j < 4; j++) v[j] = function(v_load(x + i + j * VL));
        UNROLL for (size_t j = 0; j < 4; j++) v_store(y + i + j * VL, v[j]);
    }
    for (; i + VL <= n; i += VL) v_store(y + i, function(v_load(x + i)));
    if (i < n) v_store_part(y + i, function(v_load_part(x + i, n - i)), n - i);
}

/* Both kinds of GELU are max(x, 0) - a P(a) with a = |x|, where P(a) is the tail probability beyond a. From about a = 5
 * (`end`) a P(a) is below float precision. P is a polynomial in b = 2 a / end - 1, without exponential or division: its
 * coefficients minimise the error of a P (Remez), the last one makes P(end) = 0. Largest absolute error of the whole
 * functions over all floats: 7.3e-7 (tanh), 9.9e-7 (erf), half of it the rounding of the result; relative error for
 * results below 1 at most 1.1e-5. NaN stays NaN. */
static ALWAYS_INLINE vf gelu_of(vf x, const float end, const float two_by_end, const float *p, const size_t degree) {
    const vf a = v_min(v_set1(end), v_abs(x)), b = v_fma(a, v_set1(two_by_end), v_set1(-1.0f));
    vf tail = v_set1(p[0]);
    UNROLL for (size_t i = 1; i <= degree; i++) tail = v_fma(tail, b, v_set1(p[i]));
    return v_nfma(a, tail, v_max(v_zero(), x));
}

/* P(a) = (1 - erf(a / sqrt 2)) / 2 */
static ALWAYS_INLINE vf gelu_erf_of(vf x) {
    const float p[15] = {0x1.2a3e64p-9f,  0x1.f152f6p-8f,  -0x1.ea607ap-6f, -0x1.578f4cp-7f, 0x1.a2ada4p-4f,
                         -0x1.0c51b6p-4f, -0x1.e9fbb0p-4f, 0x1.b71528p-3f,  -0x1.451c5ep-4f, -0x1.3378f4p-3f,
                         0x1.10a432p-2f,  -0x1.bc309ap-3f, 0x1.ac5e9ap-4f,  -0x1.da97f8p-6f, 0x1.d7ce00p-9f};
    return gelu_of(x, 5.375f, 0x1.7d05f4p-2f, p, 14);
}

/* P(a) = (1 - tanh(sqrt(2/pi) (a + 0.044715 a^3))) / 2 */
static ALWAYS_INLINE vf gelu_tanh_of(vf x) {
    const float p[14] = {0x1.e0d80ap-8f,  -0x1.01543ep-6f, -0x1.d2d2e6p-7f, 0x1.12e206p-4f,  -0x1.706deap-5f,
                         -0x1.394676p-4f, 0x1.5d3e0ep-3f,  -0x1.923670p-4f, -0x1.b1ffc0p-4f, 0x1.01e9d6p-2f,
                         -0x1.d5b1acp-3f, 0x1.e046bap-4f,  -0x1.112e16p-5f, 0x1.103b50p-8f};
    return gelu_of(x, 5.25f, 0x1.861862p-2f, p, 13);
}

static ALWAYS_INLINE vf relu_of(vf x) { return v_select_less(x, v_zero(), v_zero(), x); }
static ALWAYS_INLINE vf tanh_of(vf x) { return v_tanh(x); }

static void gelu_erf(const float *x, float *y, size_t n) { map(gelu_erf_of, x, y, n); }
static void gelu_tanh(const float *x, float *y, size_t n) { map(gelu_tanh_of, x, y, n); }
static void relu(const float *x, float *y, size_t n) { map(relu_of, x, y, n); }
static void tanh_all(const float *x, float *y, size_t n) { map(tanh_of, x, y, n); }

/* Where v_exp(-x) is infinity, the result x / infinity is -0, as it should be. */
static ALWAYS_INLINE vf silu_of(vf x) { return v_div(x, v_add(v_set1(1.0f), v_exp(v_sub(v_zero(), x)))); }
static ALWAYS_INLINE vf quick_gelu_of(vf x) { return v_div(x, v_add(v_set1(1.0f), v_exp(v_mul(v_set1(-1.702f), x)))); }
static void silu(const float *x, float *y, size_t n) { map(silu_of, x, y, n); }
static void quick_gelu(const float *x, float *y, size_t n) { map(quick_gelu_of, x, y, n); }

static void multiply(const float *a, const float *b, float *y, size_t n) {
    size_t i = 0;
    for (; i + VL <= n; i += VL) v_store(y + i, v_mul(v_load(a + i), v_load(b + i)));
    if (i < n) v_store_part(y + i, v_mul(v_load_part(a + i, n - i), v_load_part(b + i, n - i)), n - i);
}

static void rope(float *x, const float *rotation, size_t n_dims) {
    const size_t half = n_dims / 2;
    for (size_t i = 0, n; i < half; i += n) {
        n = half - i < VL ? half - i : VL;
        const vf a = v_load_part(x + i, n), b = v_load_part(x + half + i, n);
        const vf c = v_load_part(rotation + i, n), s = v_load_part(rotation + half + i, n);
        v_store_part(x + i, v_sub(v_mul(a, c), v_mul(b, s)), n);
        v_store_part(x + half + i, v_add(v_mul(b, c), v_mul(a, s)), n);
    }
}

static void add(const float *a, const float *b, float *y, size_t n) {
    size_t i = 0;
    for (; i + VL <= n; i += VL) v_store(y + i, v_add(v_load(a + i), v_load(b + i)));
    if (i < n) v_store_part(y + i, v_add(v_load_part(a + i, n - i), v_load_part(b + i, n - i)), n - i);
}

/* Sum of x[i], or of (x[i] - mean)^2: four vectors of sums, added in a fixed order. */
static ALWAYS_INLINE float sum_of(const float *x, size_t n, const bool squares, float mean) {
    const vf center = v_set1(mean);
    vf sum[4] = {v_zero(), v_zero(), v_zero(), v_zero()};
    size_t i = 0;
    for (; i + 4 * VL <= n; i += 4 * VL) {
        UNROLL for (size_t j = 0; j < 4; j++) {
            const vf d = v_sub(v_load(x + i + j * VL), center);
            sum[j] = squares ? v_fma(d, d, sum[j]) : v_add(sum[j], d);
        }
    }
    for (size_t left; i < n; i += VL) {
        left = n - i < VL ? n - i : VL;
        const vf d = v_first(v_sub(v_load_part(x + i, left), center), left, v_zero());
        sum[0] = squares ? v_fma(d, d, sum[0]) : v_add(sum[0], d);
    }
    return v_reduce_add(v_add(v_add(sum[0], sum[1]), v_add(sum[2], sum[3])));
}

static void rms_norm(const float *x, const float *weight, float eps, float *y, size_t n) {
    const vf scale = v_set1(1.0f / sqrtf(sum_of(x, n, true, 0.0f) / (float)n + eps));
    size_t i = 0;
    for (; i + VL <= n; i += VL) v_store(y + i, v_mul(v_mul(v_load(x + i), scale), v_load(weight + i)));
    if (i < n) {
        const size_t left = n - i;
        v_store_part(y + i, v_mul(v_mul(v_load_part(x + i, left), scale), v_load_part(weight + i, left)), left);
    }
}

static void layer_norm(const float *x, const float *weight, const float *bias, float eps, float *y, size_t n) {
    const float mean = sum_of(x, n, false, 0.0f) / (float)n;
    const float variance = sum_of(x, n, true, mean) / (float)n;
    const vf center = v_set1(mean), scale = v_set1(1.0f / sqrtf(variance + eps));
    size_t i = 0;
    for (; i + VL <= n; i += VL) {
        const vf d = v_mul(v_sub(v_load(x + i), center), scale);
        v_store(y + i, v_fma(d, v_load(weight + i), bias ? v_load(bias + i) : v_zero()));
    }
    if (i < n) {
        const size_t left = n - i;
        const vf d = v_mul(v_sub(v_load_part(x + i, left), center), scale);
        const vf add = bias ? v_load_part(bias + i, left) : v_zero();
        v_store_part(y + i, v_fma(d, v_load_part(weight + i, left), add), left);
    }
}

static float max_of(const float *x, size_t n) {
    const vf lowest = v_set1(-INFINITY);
    vf max = lowest;
    size_t i = 0;
    for (; i + VL <= n; i += VL) max = v_max(max, v_load(x + i));
    if (i < n) max = v_max(max, v_first(v_load_part(x + i, n - i), n - i, lowest));
    return v_reduce_max(max);
}

/* Lane-wise maximum of n <= LL_ROW_BLOCK scores. *nan becomes NaN if a score is infinite or NaN, because 0 * x is then
 * NaN. */
static ALWAYS_INLINE vf max_of_block(const float *x, size_t n, vf *nan) {
    const vf lowest = v_set1(-INFINITY);
    vf largest = lowest;
    for (size_t i = 0; i < n; i += VL) {
        const size_t left = n - i < VL ? n - i : VL;
        const vf v = v_load_part(x + i, left);
        largest = v_max(v_first(v, left, lowest), largest);
        *nan = v_fma(v, v_zero(), *nan);
    }
    return largest;
}

/* The maxima of VL whole blocks. The VL vectors of lane-wise maxima are transposed, so that one lane-wise maximum over
 * them gives all VL results. nan: [4], as above. */
static ALWAYS_INLINE vf max_of_blocks(const float *x, vf *nan) {
    vf largest[VL];
    UNROLL for (size_t b = 0; b < VL; b++, x += LL_ROW_BLOCK) {
        vf v = v_load(x);
        largest[b] = v;
        nan[0] = v_fma(v, v_zero(), nan[0]);
        UNROLL for (size_t i = 1; i < LL_ROW_BLOCK / VL; i++) {
            v = v_load(x + i * VL);
            largest[b] = v_max(v, largest[b]);
            nan[i % 4] = v_fma(v, v_zero(), nan[i % 4]);
        }
    }
    v_transpose(largest);
    UNROLL for (size_t step = VL / 2; step > 0; step /= 2) {
        UNROLL for (size_t b = 0; b < step; b++) largest[b] = v_max(largest[b], largest[b + step]);
    }
    return largest[0];
}

static bool block_max(const float *x, size_t n, float *max) {
    vf nan[4] = {v_zero(), v_zero(), v_zero(), v_zero()};
    size_t i = 0;
    for (; i + VL * LL_ROW_BLOCK <= n; i += VL * LL_ROW_BLOCK, max += VL) v_store(max, max_of_blocks(x + i, nan));
    for (; i < n; i += LL_ROW_BLOCK)
        *max++ = v_reduce_max(max_of_block(x + i, n - i < LL_ROW_BLOCK ? n - i : LL_ROW_BLOCK, &nan[0]));
    return v_reduce_add(v_add(v_add(nan[0], nan[1]), v_add(nan[2], nan[3]))) == 0.0f;
}

static double exp_sum(const float *x, size_t n, float max) {
    enum { BLOCK = 1024 };
    const vf center = v_set1(max);
    double total = 0;
    for (size_t begin = 0; begin < n; begin += BLOCK) {
        const size_t end = n - begin < BLOCK ? n : begin + BLOCK;
        vf sum[4] = {v_zero(), v_zero(), v_zero(), v_zero()};
        size_t i = begin;
        for (; i + 4 * VL <= end; i += 4 * VL) {
            UNROLL for (size_t j = 0; j < 4; j++) sum[j] = v_add(sum[j], v_exp(v_sub(v_load(x + i + j * VL), center)));
        }
        for (size_t left; i < end; i += VL) {
            left = end - i < VL ? end - i : VL;
            sum[0] = v_add(sum[0], v_first(v_exp(v_sub(v_load_part(x + i, left), center)), left, v_zero()));
        }
        total += (double)v_reduce_add(v_add(v_add(sum[0], sum[1]), v_add(sum[2], sum[3])));
    }
    return total;
}

#endif
