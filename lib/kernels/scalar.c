/*
 * The definition of every kernel in plain C: products and sums rounded one by one, sums in the order of k. It runs on
 * any processor, and the vector kernel sets are tested against it. Clarity comes before speed. LLMCS_CPU=scalar selects
 * it.
 */
#include <float.h>
#include <math.h>

#include "base/half.h"
#include "kernels/exponential.h"
#include "kernels/kernel_sets.h"
#include "kernels/scalar_attention.h"

#define NR 8

/* Weight of input k and output j of a panel. */
static float float_weight(ll_weight_type type, const void *panel, size_t k, size_t j) {
    if (type == LL_F32) return ((const float *)panel)[k * NR + j];
    const uint16_t *halves = panel;
    return type == LL_F16 ? ll_half_to_float(halves[k * NR + j])
                          : ll_bfloat_to_float(halves[(k / 2 * NR + j) * 2 + k % 2]);
}

/* y[r, j] = result + bias + residual */
static void finish(const ll_product *p, size_t r, size_t j, float result) {
    if (p->bias) result += p->bias[j];
    if (p->residual) result += p->residual[r * p->ldy + j];
    p->y[r * p->ldy + j] = result;
}

static void matmul_floats(ll_weight_type type, const ll_product *p) {
    for (size_t j = 0; j < p->n_out; j++) {
        const char *panel = (const char *)p->w + j / NR * p->panel_bytes;
        for (size_t r = 0; r < p->n_rows; r++) {
            const float *x = (const float *)(const void *)((const char *)p->x + r * p->x_stride);
            float sum = p->acc ? p->acc[r * p->ldy + j] : 0.0f;
            for (size_t k = 0; k < p->n_in; k++) sum += x[k] * float_weight(type, panel, k, j % NR);
            finish(p, r, j, sum);
        }
    }
}

static void matmul_f32(const ll_product *p) { matmul_floats(LL_F32, p); }
static void matmul_f16(const ll_product *p) { matmul_floats(LL_F16, p); }
static void matmul_bf16(const ll_product *p) { matmul_floats(LL_BF16, p); }

static void quantize(const float *x, size_t n, bool with_blocks, void *row) {
    int8_t *values = (int8_t *)row + LL_Q_HEAD_BYTES;
    int32_t *offsets = (int32_t *)(void *)((char *)row + ll_q_blocks_at(1, n));
    float largest = 0.0f;
    int32_t sum = 0;
    for (size_t i = 0; i < n; i++) {
        if (!(fabsf(x[i]) <= largest)) largest = isfinite(x[i]) ? fabsf(x[i]) : NAN;
        if (isnan(largest)) break;
    }
    const float inverse = largest >= LL_Q_SMALLEST ? 127.0f / largest : 0.0f;
    for (size_t i = 0; i < ll_q_round(n); i++) {
        values[i] = (int8_t)(i < n && inverse > 0.0f ? rintf(x[i] * inverse) : 0.0f);
        sum += values[i];
        if (with_blocks && i % LL_Q_BLOCK == 0) offsets[i / LL_Q_BLOCK] = 0;
        if (with_blocks) offsets[i / LL_Q_BLOCK] -= LL_Q4_ZERO * values[i];
    }
    *(ll_q_row *)row = (ll_q_row){largest / 127.0f, -LL_Q8_ZERO * sum};
}

static void pack_q8_0(const unsigned char *rows, size_t n_rows, size_t n_blocks, const float *inverse, void *to) {
    for (size_t r = 0; r < n_rows; r++) {
        for (size_t b = 0; b < n_blocks; b++, rows += LL_Q8_0_BYTES) {
            const float scale = ll_half_to_float((uint16_t)(rows[0] | rows[1] << 8));
            for (size_t i = 0; i < LL_Q_BLOCK; i++) {
                const float product = scale * (float)(int8_t)rows[2 + i];
                const size_t k = b * LL_Q_BLOCK + i;
                ((uint8_t *)to)[(k / 4 * NR + r) * 4 + k % 4] = (uint8_t)(rintf(product * inverse[r]) + LL_Q8_ZERO);
            }
        }
    }
}

static void matmul_q8(const ll_product *p) {
    for (size_t j = 0; j < p->n_out; j++) {
        const char *panel = (const char *)p->w + j / NR * p->panel_bytes;
        const float scale = ((const float *)(const void *)panel)[j % NR];
        const uint8_t *w = (const uint8_t *)panel + NR * sizeof(float) + j % NR * 4;
        for (size_t r = 0; r < p->n_rows; r++) {
            const ll_q_row *x = (const ll_q_row *)(const void *)((const char *)p->x + r * p->x_stride);
            const int8_t *values = (const int8_t *)x + LL_Q_HEAD_BYTES;
            int32_t sum = x->offset;
            for (size_t k = 0; k < p->n_in; k++) sum += w[k / 4 * NR * 4 + k % 4] * values[k];
            finish(p, r, j, (float)sum * x->scale * scale);
        }
    }
}

/* Sum of a block's products, exact. w: the block's bytes of one output, in groups of four that are NR * 4 bytes apart.
 */
static int32_t q4_block(const uint8_t *w, const int8_t *values) {
    int32_t sum = 0;
    for (size_t i = 0; i < LL_Q_BLOCK / 2; i++) {
        const uint8_t both = w[i / 4 * NR * 4 + i % 4];
        sum += (both & 15) * values[i] + (both >> 4) * values[i + LL_Q_BLOCK / 2];
    }
    return sum;
}

static void matmul_q4(const ll_product *p) {
    const size_t block_bytes = NR * (2 + LL_Q_BLOCK / 2);
    for (size_t j = 0; j < p->n_out; j++) {
        const char *panel = (const char *)p->w + j / NR * p->panel_bytes;
        for (size_t r = 0; r < p->n_rows; r++) {
            const ll_q_row *x = (const ll_q_row *)(const void *)((const char *)p->x + r * p->x_stride);
            const int32_t *offsets = (const int32_t *)(const void *)((const char *)x + ll_q_blocks_at(1, p->n_in));
            float sum = 0.0f;
            for (size_t b = 0; b < ll_q_round(p->n_in) / LL_Q_BLOCK; b++) {
                const char *block = panel + b * block_bytes;
                const float scale = ll_half_to_float(((const uint16_t *)(const void *)block)[j % NR]);
                const int32_t products = q4_block((const uint8_t *)block + NR * 2 + j % NR * 4,
                                                  (const int8_t *)x + LL_Q_HEAD_BYTES + b * LL_Q_BLOCK);
                sum = fmaf((float)(products + offsets[b]), scale, sum);
            }
            finish(p, r, j, sum * x->scale);
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

/* NaN stays NaN, so that a broken weight shows in the output. */
static void relu(const float *x, float *y, size_t n) {
    for (size_t i = 0; i < n; i++) y[i] = x[i] < 0.0f ? 0.0f : x[i];
}

static void tanh_all(const float *x, float *y, size_t n) {
    for (size_t i = 0; i < n; i++) y[i] = tanhf(x[i]);
}

static void sigmoid_gate(float factor, const float *x, float *y, size_t n) {
    for (size_t i = 0; i < n; i++) y[i] = x[i] / (1.0f + expf(-factor * x[i]));
}
static void silu(const float *x, float *y, size_t n) { sigmoid_gate(1.0f, x, y, n); }
static void quick_gelu(const float *x, float *y, size_t n) { sigmoid_gate(1.702f, x, y, n); }

static void multiply(const float *a, const float *b, float *y, size_t n) {
    for (size_t i = 0; i < n; i++) y[i] = a[i] * b[i];
}

static void rope(float *x, const float *rotation, size_t n_dims) {
    const size_t half = n_dims / 2;
    for (size_t i = 0; i < half; i++) {
        const float a = x[i], b = x[half + i], c = rotation[i], s = rotation[half + i];
        x[i] = a * c - b * s;
        x[half + i] = b * c + a * s;
    }
}

static void rms_norm(const float *x, const float *weight, float eps, float *y, size_t n) {
    float squares = 0.0f;
    for (size_t i = 0; i < n; i++) squares += x[i] * x[i];
    const float scale = 1.0f / sqrtf(squares / (float)n + eps);
    for (size_t i = 0; i < n; i++) y[i] = x[i] * scale * weight[i];
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
    for (size_t i = 0; i < n; i++) y[i] = (x[i] - mean) * scale * weight[i] + (bias ? bias[i] : 0.0f);
}

static bool block_max(const float *x, size_t n, float *max) {
    bool finite = true;
    for (size_t i = 0; i < n; i++) {
        float *largest = &max[i / LL_ROW_BLOCK];
        finite &= fabsf(x[i]) <= FLT_MAX;
        if (i % LL_ROW_BLOCK == 0 || x[i] > *largest) *largest = x[i];
    }
    return finite;
}

static double exp_sum(const float *x, size_t n, float max) {
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += (double)expf(x[i] - max);
    return sum;
}

static float similarity(bool is_half, bool is_distance, const float *x, const void *row, size_t n) {
    float lanes[LL_LANES] = {0};
    for (size_t i = 0; i < n; i++) {
        const float y = is_half ? ll_half_to_float(((const uint16_t *)row)[i]) : ((const float *)row)[i];
        const float a = is_distance ? x[i] - y : x[i], b = is_distance ? a : y;
        lanes[i % LL_LANES] = fmaf(a, b, lanes[i % LL_LANES]);
    }
    return ll_add_lanes(lanes);
}

static float dot_f32(const float *x, const void *row, size_t n) { return similarity(false, false, x, row, n); }
static float dot_f16(const float *x, const void *row, size_t n) { return similarity(true, false, x, row, n); }
static float distance_f32(const float *x, const void *row, size_t n) { return similarity(false, true, x, row, n); }
static float distance_f16(const float *x, const void *row, size_t n) { return similarity(true, true, x, row, n); }

static void at_least(const float *y, size_t n_rows, const float *least, uint64_t *bits) {
    for (size_t r = 0; r < n_rows; r++) {
        bits[r] = 0;
        for (size_t i = 0; i < LL_SCORES; i++) bits[r] |= (uint64_t)(y[r * LL_SCORES + i] >= least[r]) << i;
    }
}

const ll_kernels ll_kernels_scalar = {
    .name = "scalar",
    .nr = NR,
    .matmul = {matmul_f32, matmul_f16, matmul_bf16, matmul_q8, matmul_q4},
    .q_bytes = 1,
    .quantize = quantize,
    .pack_q8_0 = pack_q8_0,
    .gelu_erf = gelu_erf,
    .gelu_tanh = gelu_tanh,
    .relu = relu,
    .tanh = tanh_all,
    .silu = silu,
    .quick_gelu = quick_gelu,
    .add = add,
    .multiply = multiply,
    .rope = rope,
    .rms_norm = rms_norm,
    .layer_norm = layer_norm,
    .block_max = block_max,
    .exp_sum = exp_sum,
    .sum_of_exps = ll_sum_of_exps,
    .dot_f32 = dot_f32,
    .dot_f16 = dot_f16,
    .distance_f32 = distance_f32,
    .distance_f16 = distance_f16,
    .at_least = at_least,
    .attend = ll_scalar_attend,
    .kv_store = ll_scalar_kv_store,
};
