/*
 * Part of a vector row (see row.h): kernels element by element, and those over one row of numbers. An element is
 * worked the same in a whole vector and in the cut one at the end.
 */
#ifndef LL_KERNELS_VECTOR_ELEMENTS_H
#define LL_KERNELS_VECTOR_ELEMENTS_H

#include "kernels/vector/functions.h"

/* y[i] = function(x[i]) */
static ALWAYS_INLINE void map(vf (*function)(vf), const float *x, float *y, size_t n) {
    size_t i = 0;
    for (; i + VL <= n; i += VL) v_store(y + i, function(v_load(x + i)));
    if (i < n) v_store_part(y + i, function(v_load_part(x + i, n - i)), n - i);
}

static ALWAYS_INLINE vf gelu_erf_of(vf x) {
    return v_mul(v_mul(v_set1(0.5f), x), v_add(v_set1(1.0f), v_erf(v_mul(x, v_set1(0.70710678f)))));
}

/* 1/2 (1 + tanh u) = 1 / (1 + exp(-2u)): one exponential, and nothing cancels for negative x. */
static ALWAYS_INLINE vf gelu_tanh_of(vf x) {
    const float minus_2_sqrt_2_over_pi = -1.5957691216f;
    const vf minus_2u =
        v_mul(x, v_fma(v_mul(x, x), v_set1(0.044715f * minus_2_sqrt_2_over_pi), v_set1(minus_2_sqrt_2_over_pi)));
    return v_div(x, v_add(v_set1(1.0f), v_exp(minus_2u)));
}

static ALWAYS_INLINE vf relu_of(vf x) { return v_select_less(x, v_zero(), v_zero(), x); }
static ALWAYS_INLINE vf tanh_of(vf x) { return v_tanh(x); }

static void gelu_erf(const float *x, float *y, size_t n) { map(gelu_erf_of, x, y, n); }
static void gelu_tanh(const float *x, float *y, size_t n) { map(gelu_tanh_of, x, y, n); }
static void relu(const float *x, float *y, size_t n) { map(relu_of, x, y, n); }
static void tanh_all(const float *x, float *y, size_t n) { map(tanh_of, x, y, n); }

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

static void layer_norm(const float *x, const float *weight, const float *bias, float eps, float *y, size_t n) {
    const float mean = sum_of(x, n, false, 0.0f) / (float)n;
    const float variance = sum_of(x, n, true, mean) / (float)n;
    const vf center = v_set1(mean), scale = v_set1(1.0f / sqrtf(variance + eps));
    size_t i = 0;
    for (; i + VL <= n; i += VL) {
        const vf d = v_mul(v_sub(v_load(x + i), center), scale);
        v_store(y + i, v_fma(d, v_load(weight + i), v_load(bias + i)));
    }
    if (i < n) {
        const size_t left = n - i;
        const vf d = v_mul(v_sub(v_load_part(x + i, left), center), scale);
        v_store_part(y + i, v_fma(d, v_load_part(weight + i, left), v_load_part(bias + i, left)), left);
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

#endif
