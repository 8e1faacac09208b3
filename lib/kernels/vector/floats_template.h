/*
 * Part of a vector kernel set (see kernels_template.h): products by weights stored as float32, binary16 or bfloat16,
 * which are widened to float32 in registers. Every sum runs over the inputs in order with fused multiply-adds, in any
 * tile and for any type. So an output's bits do not depend on the tile, nor on the storage type if it holds the weights
 * exactly.
 */
#ifndef LL_KERNELS_VECTOR_FLOATS_H
#define LL_KERNELS_VECTOR_FLOATS_H

#include "kernels/vector/product_template.h"

typedef vf float_acc[MAX_TILE_SUMS]; /* [n_r][n_v] */

static ALWAYS_INLINE void clear_acc(const size_t n_r, const size_t n_v, float_acc acc) {
    vf zero = v_zero();
    UNKNOWN(zero);
    UNROLL for (size_t i = 0; i < n_r * n_v; i++) acc[i] = zero;
}

/* Accumulators start from 0, or from the stored sums over earlier inputs; storing a float32 does not change it. */
static ALWAYS_INLINE void init_or_load_acc(const size_t n_r, const size_t n_v, const tile_work *t, float_acc acc) {
    clear_acc(n_r, n_v, acc);
    if (!t->acc) return;
    UNROLL for (size_t r = 0; r < n_r; r++) {
        UNROLL for (size_t v = 0; v < n_v; v++) acc[r * n_v + v] = v_load(t->acc + r * t->ldy + v * VL);
    }
}

/* Bytes of a vector's weights, for one input (of BF16: for two). */
static ALWAYS_INLINE size_t float_vector_bytes(const ll_weight_type type) { return type == LL_F16 ? VL * 2 : VL * 4; }

/* A vector of weights; of BF16 those of the second of two inputs if `second`. */
static ALWAYS_INLINE vf float_weights(const ll_weight_type type, const bool second, const char *at) {
    if (type == LL_F32) return v_load((const float *)(const void *)at);
    if (type == LL_F16) return v_load_f16((const uint16_t *)(const void *)at);
    return second ? v_load_bf16_second(at) : v_load_bf16_first(at);
}

/* One input for tiles wider than high: registers for n_r numbers of x and one column. */
static ALWAYS_INLINE void step_by_columns(const ll_weight_type type, const bool second, const size_t n_r,
                                          const size_t n_v, const float *x, size_t ldx, const char *w, float_acc acc) {
    const size_t vector_bytes = float_vector_bytes(type);
    vf row[MAX_TILE_ROWS];
    UNROLL for (size_t r = 0; r < n_r; r++) row[r] = v_set1(x[r * ldx]);
    UNROLL for (size_t v = 0; v < n_v; v++) {
        const char *at = w + v * vector_bytes;
        const vf column = float_weights(type, second, at);
        UNROLL for (size_t r = 0; r < n_r; r++) acc[r * n_v + v] = v_fma(row[r], column, acc[r * n_v + v]);
    }
}

/* One input for the others: registers for n_v columns and one number of x. */
static ALWAYS_INLINE void step_by_rows(const ll_weight_type type, const bool second, const size_t n_r, const size_t n_v,
                                       const float *x, size_t ldx, const char *w, float_acc acc) {
    const size_t vector_bytes = float_vector_bytes(type);
    vf column[MAX_TILE_VECTORS];
    UNROLL for (size_t v = 0; v < n_v; v++) {
        const char *at = w + v * vector_bytes;
        column[v] = float_weights(type, second, at);
    }
    UNROLL for (size_t r = 0; r < n_r; r++) {
        const vf row = v_set1(x[r * ldx]);
        UNROLL for (size_t v = 0; v < n_v; v++) acc[r * n_v + v] = v_fma(row, column[v], acc[r * n_v + v]);
    }
}

static ALWAYS_INLINE void float_step(const ll_weight_type type, const bool second, const size_t n_r, const size_t n_v,
                                     const float *x, size_t ldx, const char *w, float_acc acc) {
    if (n_r < n_v)
        step_by_columns(type, second, n_r, n_v, x, ldx, w, acc);
    else
        step_by_rows(type, second, n_r, n_v, x, ldx, w, acc);
}

/* Called with constant type, n_r and n_v only. */
static ALWAYS_INLINE void float_tile(const ll_weight_type type, const size_t n_r, const size_t n_v,
                                     const tile_work *work) {
    const tile_work t = *work;
    const float *x = (const float *)(const void *)t.x;
    const char *w = t.w;
    const size_t ldx = t.x_stride / sizeof *x;
    const size_t n_inputs = type == LL_BF16 ? 2 : 1, n_whole = t.n_in / n_inputs * n_inputs;
    const size_t step_bytes = PANEL_VECTORS * float_vector_bytes(type);
    float_acc acc;
    prefetching prefetch = start_prefetching(&t);
    init_or_load_acc(n_r, n_v, &t, acc);
    for (size_t k = 0; k < n_whole; k += n_inputs, w += step_bytes) {
        prefetch_line(&t, &prefetch);
        float_step(type, false, n_r, n_v, x + k, ldx, w, acc);
        if (n_inputs == 2) float_step(type, true, n_r, n_v, x + k + 1, ldx, w, acc);
    }
    if (n_whole < t.n_in) float_step(type, false, n_r, n_v, x + n_whole, ldx, w, acc);
    UNROLL for (size_t r = 0; r < n_r; r++) {
        UNROLL for (size_t v = 0; v < n_v; v++) finish(&t, r, v, acc[r * n_v + v]);
    }
}

#define F32_TILE(n_r, t) float_tile(LL_F32, n_r, PANEL_VECTORS, t)
#define F16_TILE(n_r, t) float_tile(LL_F16, n_r, PANEL_VECTORS, t)
#define BF16_TILE(n_r, t) float_tile(LL_BF16, n_r, PANEL_VECTORS, t)
TILES(f32_tiles, F32_TILE, MATMUL_ROWS);
TILES(f16_tiles, F16_TILE, MATMUL_ROWS);
TILES(bf16_tiles, BF16_TILE, MATMUL_ROWS);

static void matmul_f32(const ll_product *p) { product(&f32_tiles, LL_F32, p->n_in, p); }
static void matmul_f16(const ll_product *p) { product(&f16_tiles, LL_F16, p->n_in, p); }
static void matmul_bf16(const ll_product *p) { product(&bf16_tiles, LL_BF16, p->n_in / 2, p); }

#endif
