/*
 * What every kernel means, in plain C: products and sums rounded one by one, sums in the order of k. It runs on any
 * processor, and the vector rows are tested against it. Clear before fast; LLMCS_CPU=scalar asks for it.
 */
#include <math.h>

#include "kernels/rows.h"
#include "kernels/scalar_attention.h"

#define NR 8

static void matmul_f32(const float *x, size_t ldx, size_t n_rows, const float *w, size_t n_in, size_t n_out,
                       const float *bias, const float *residual, float *y, size_t ldy) {
    for (size_t j0 = 0; j0 < n_out; j0 += NR, w += n_in * NR) {
        size_t columns = n_out - j0 < NR ? n_out - j0 : NR;
        for (size_t r = 0; r < n_rows; r++) {
            float sum[NR] = {0};
            for (size_t k = 0; k < n_in; k++) {
                for (size_t j = 0; j < NR; j++) sum[j] += x[r * ldx + k] * w[k * NR + j];
            }
            for (size_t j = 0; j < columns; j++) {
                if (bias) sum[j] += bias[j0 + j];
                if (residual) sum[j] += residual[r * ldy + j0 + j];
                y[r * ldy + j0 + j] = sum[j];
            }
        }
    }
}

/* Hendrycks and Gimpel 2016, "Gaussian Error Linear Units": x times the normal distribution's Phi(x). */
static void gelu_erf(const float *x, float *y, size_t n) {
    const float sqrt_half = 0.70710678f;
    for (size_t i = 0; i < n; i++) y[i] = 0.5f * x[i] * (1.0f + erff(x[i] * sqrt_half));
}

/* The same paper's approximation, as GPT-2 uses it. */
static void gelu_tanh(const float *x, float *y, size_t n) {
    const float sqrt_2_over_pi = 0.79788456f;
    for (size_t i = 0; i < n; i++) {
        float inner = sqrt_2_over_pi * (x[i] + 0.044715f * x[i] * x[i] * x[i]);
        y[i] = 0.5f * x[i] * (1.0f + tanhf(inner));
    }
}

/* NaN stays NaN: a weight gone wrong must show. */
static void relu(const float *x, float *y, size_t n) {
    for (size_t i = 0; i < n; i++) y[i] = x[i] < 0.0f ? 0.0f : x[i];
}

static void tanh_all(const float *x, float *y, size_t n) {
    for (size_t i = 0; i < n; i++) y[i] = tanhf(x[i]);
}

static void add(const float *a, const float *b, float *y, size_t n) {
    for (size_t i = 0; i < n; i++) y[i] = a[i] + b[i];
}

static void layer_norm(const float *x, const float *weight, const float *bias, float eps, float *y, size_t n) {
    float sum = 0.0f, squares = 0.0f;
    for (size_t i = 0; i < n; i++) sum += x[i];
    const float mean = sum / (float)n;
    for (size_t i = 0; i < n; i++) squares += (x[i] - mean) * (x[i] - mean);
    const float scale = 1.0f / sqrtf(squares / (float)n + eps);
    for (size_t i = 0; i < n; i++) y[i] = (x[i] - mean) * scale * weight[i] + bias[i];
}

const ll_kernels ll_kernels_scalar = {
    .name = "scalar",
    .nr = NR,
    .matmul_f32 = matmul_f32,
    .gelu_erf = gelu_erf,
    .gelu_tanh = gelu_tanh,
    .relu = relu,
    .tanh = tanh_all,
    .add = add,
    .layer_norm = layer_norm,
    .attend = ll_scalar_attend,
    .kv_store = ll_scalar_kv_store,
};
