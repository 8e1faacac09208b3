/*
 * Part of a vector kernel set (see kernels_template.h): quantising activations to 8 bits, and their products with 8-bit
 * (Q8) and 4-bit block (Q4) weights, laid out as panels.h says. Integer sums are exact, and the float operations that
 * follow are shared by all kernel sets, so the bits are the same on every processor.
 */
#ifndef LL_KERNELS_VECTOR_INTEGERS_H
#define LL_KERNELS_VECTOR_INTEGERS_H

#include "kernels/vector/floats_template.h"

/* ---- activations */

/* The largest magnitude, or NaN if a value is not finite. Several accumulators break the dependency chain. */
#define MAX_VECTORS 4
static ALWAYS_INLINE void update_max(vf v, vf *max, vf *bad) {
    *max = v_max(*max, v_abs(v));
    *bad = v_fma(v, v_zero(), *bad); /* NaN once v has held a NaN or an infinity */
}

static float max_abs_of(const float *x, size_t n) {
    vf max[MAX_VECTORS], bad[MAX_VECTORS];
    size_t i = 0;
    UNROLL for (size_t j = 0; j < MAX_VECTORS; j++) max[j] = bad[j] = v_zero();
    for (; i + MAX_VECTORS * VL <= n; i += MAX_VECTORS * VL) {
        UNROLL for (size_t j = 0; j < MAX_VECTORS; j++) update_max(v_load(x + i + j * VL), &max[j], &bad[j]);
    }
    for (; i + VL <= n; i += VL) update_max(v_load(x + i), &max[0], &bad[0]);
    if (i < n) update_max(v_load_part(x + i, n - i), &max[0], &bad[0]);
    const vf first = v_max(max[0], max[1]), second = v_max(max[2], max[3]);
    const vf bad_all = v_add(v_add(bad[0], bad[1]), v_add(bad[2], bad[3]));
    return v_reduce_max(v_max(first, second)) + v_reduce_add(bad_all);
}

/* Quantises one block of activations: stores rint(x * inverse). Returns the lane-wise sums of the values, exact as
 * floats. */
static ALWAYS_INLINE vf put_values(const float *x, size_t n, vf inverse, char *to) {
    vf sum = v_zero();
    UNROLL for (size_t i = 0; i < LL_Q_BLOCK; i += VL) {
        const vf v = n >= i + VL ? v_load(x + i) : n > i ? v_load_part(x + i, n - i) : v_zero();
        const vf rounded = v_round(v_mul(v, inverse));
        q_store(to + i * Q_BYTES, rounded);
        sum = v_add(sum, rounded);
    }
    return sum;
}

static void quantize(const float *x, size_t n, bool with_blocks, void *row) {
    const float largest = max_abs_of(x, n);
    const bool finite = largest >= 0.0f;
    const vf inverse = v_set1(largest >= LL_Q_SMALLEST ? 127.0f / largest : 0.0f);
    char *values = (char *)row + LL_Q_HEAD_BYTES;
    int32_t *offsets = (int32_t *)(void *)((char *)row + ll_q_blocks_at(Q_BYTES, n));
    vf sum = v_zero();
    for (size_t i = 0; i < n; i += LL_Q_BLOCK) {
        const bool whole = finite && n - i >= LL_Q_BLOCK;
        const vf block = whole ? put_values(x + i, LL_Q_BLOCK, inverse, values + i * Q_BYTES)
                               : put_values(x + i, finite ? n - i : 0, inverse, values + i * Q_BYTES);
        sum = v_add(sum, block);
        if (with_blocks) offsets[i / LL_Q_BLOCK] = -LL_Q4_ZERO * (int32_t)v_reduce_add(block);
    }
    *(ll_q_row *)row = (ll_q_row){largest / 127.0f, -LL_Q8_ZERO * (int32_t)v_reduce_add(sum)};
}

/* ---- tiles */

#define Q4_BLOCK_BYTES (NR * (2 + LL_Q_BLOCK / 2)) /* of a panel */

typedef vi int_acc[MAX_TILE_SUMS][Q_SUMS]; /* [n_r][n_v] */

static ALWAYS_INLINE void clear_int_acc(const size_t n_r, const size_t n_v, int_acc sum) {
    vi zero = vi_zero();
    UNKNOWN(zero);
    UNROLL for (size_t i = 0; i < n_r * n_v; i++) { UNROLL for (size_t s = 0; s < Q_SUMS; s++) sum[i][s] = zero; }
}

/* One step of four inputs: by columns in tiles that are wider than high, by rows in the others. */
static ALWAYS_INLINE void q8_by_columns(const size_t n_r, const size_t n_v, const char *x, size_t x_stride,
                                        const char *w, int_acc sum) {
    q_four row[MAX_TILE_ROWS];
    UNROLL for (size_t r = 0; r < n_r; r++) row[r] = q_load_four(x + r * x_stride);
    UNROLL for (size_t v = 0; v < n_v; v++) {
        const char *at = w + v * (VL * 4);
        const q_weights column = q8_weights(vb_load(at));
        UNROLL for (size_t r = 0; r < n_r; r++) q_dot(sum[r * n_v + v], column, row[r]);
    }
}

static ALWAYS_INLINE void q8_by_rows(const size_t n_r, const size_t n_v, const char *x, size_t x_stride, const char *w,
                                     int_acc sum) {
    q_weights column[MAX_TILE_VECTORS];
    UNROLL for (size_t v = 0; v < n_v; v++) {
        const char *at = w + v * (VL * 4);
        column[v] = q8_weights(vb_load(at));
    }
    UNROLL for (size_t r = 0; r < n_r; r++) {
        const q_four row = q_load_four(x + r * x_stride);
        UNROLL for (size_t v = 0; v < n_v; v++) q_dot(sum[r * n_v + v], column[v], row);
    }
}

/* Called with constant n_r and n_v only. */
static ALWAYS_INLINE void q8_tile(const size_t n_r, const size_t n_v, const tile_work *work) {
    const tile_work t = *work;
    const char *x = t.x + LL_Q_HEAD_BYTES, *w = t.w + NR * sizeof(float);
    const size_t x_stride = t.x_stride, n = ll_q_round(t.n_in);
    int_acc sum;
    prefetching prefetch = start_prefetching(&t);
    clear_int_acc(n_r, n_v, sum);
    for (size_t k = 0; k < n; k += 4, w += NR * 4, x += 4 * Q_BYTES) {
        prefetch_line(&t, &prefetch);
        if (n_r < n_v)
            q8_by_columns(n_r, n_v, x, x_stride, w, sum);
        else
            q8_by_rows(n_r, n_v, x, x_stride, w, sum);
    }
    UNROLL for (size_t r = 0; r < n_r; r++) {
        const ll_q_row head = *q_head(&t, r);
        UNROLL for (size_t v = 0; v < n_v; v++) q8_finish(&t, r, v, q_total(sum[r * n_v + v]), head);
    }
}

#ifndef Q4_BLOCK_SUMS
/* A block of Q4 is summed as Q8 is, beginning with its offset. A lane's total adds Q_SUMS accumulators, so each begins
 * with one Q_SUMS-th. */
typedef q_weights q4_column;
typedef q_four q4_four;
static ALWAYS_INLINE q4_four q4_load_four(const char *p) { return q_load_four(p); }
static ALWAYS_INLINE void q4_dot(vi sum[Q_SUMS], q_weights w, q4_four x) { q_dot(sum, w, x); }
static ALWAYS_INLINE vi q4_start(int32_t offset) { return vi_set1(offset / Q_SUMS); }
static ALWAYS_INLINE vi q4_total(const vi sum[Q_SUMS], int32_t offset) {
    (void)offset;
    return q_total(sum);
}
#endif

static ALWAYS_INLINE int32_t block_offset(const char *offsets) {
    int32_t offset;
    memcpy(&offset, offsets, sizeof offset);
    return offset;
}

/* Four inputs of a Q4 block from the low nibbles; high: the four that are 16 inputs further, from the high nibbles. */
static ALWAYS_INLINE void q4_step(const size_t n_r, const size_t n_v, const bool high, const char *x, size_t x_stride,
                                  const char *w, int_acc sum) {
    q4_column column[MAX_TILE_VECTORS];
    UNROLL for (size_t v = 0; v < n_v; v++) {
        const vb both = vb_load(w + v * (VL * 4));
        column[v] = q4_weights(high ? vb_high_nibbles(both) : vb_low_nibbles(both));
    }
    UNROLL for (size_t r = 0; r < n_r; r++) {
        const q4_four row = q4_load_four(x + r * x_stride + (high ? LL_Q_BLOCK / 2 * Q_BYTES : 0));
        UNROLL for (size_t v = 0; v < n_v; v++) q4_dot(sum[r * n_v + v], column[v], row);
    }
}

static ALWAYS_INLINE void start_block(const size_t n_r, const size_t n_v, const char *offsets, size_t x_stride,
                                      int_acc sum) {
    UNROLL for (size_t r = 0; r < n_r; r++) {
        const vi start = q4_start(block_offset(offsets + r * x_stride));
        UNROLL for (size_t v = 0; v < n_v; v++) {
            UNROLL for (size_t s = 0; s < Q_SUMS; s++) sum[r * n_v + v][s] = start;
        }
    }
}

/* Vectors [first, first + n_v) of the panel's columns. */
static ALWAYS_INLINE void q4_columns(const size_t n_r, const size_t n_v, const tile_work *t, size_t first,
                                     prefetching *prefetch) {
    const char *x = t->x + LL_Q_HEAD_BYTES, *w = t->w;
    const char *offsets = t->x + ll_q_blocks_at(Q_BYTES, t->n_in);
    const size_t x_stride = t->x_stride, n_blocks = ll_q_round(t->n_in) / LL_Q_BLOCK;
    float_acc sum;
    clear_acc(n_r, n_v, sum);
    for (size_t b = 0; b < n_blocks; b++, w += Q4_BLOCK_BYTES, x += LL_Q_BLOCK * Q_BYTES, offsets += sizeof(int32_t)) {
        const char *scales = w + first * (VL * 2), *values = w + NR * 2 + first * (VL * 4);
        int_acc block;
        start_block(n_r, n_v, offsets, x_stride, block);
        for (size_t g = 0; g < 4; g++, values += NR * 4) {
            prefetch_line(t, prefetch);
            q4_step(n_r, n_v, false, x + g * 4 * Q_BYTES, x_stride, values, block);
            q4_step(n_r, n_v, true, x + g * 4 * Q_BYTES, x_stride, values, block);
        }
        UNROLL for (size_t v = 0; v < n_v; v++) {
            const vf scale = v_load_f16((const uint16_t *)(const void *)(scales + v * (VL * 2)));
            UNROLL for (size_t r = 0; r < n_r; r++) {
                const vi total = q4_total(block[r * n_v + v], block_offset(offsets + r * x_stride));
                sum[r * n_v + v] = v_fma(v_from_int(total), scale, sum[r * n_v + v]);
            }
        }
    }
    UNROLL for (size_t r = 0; r < n_r; r++) {
        const vf x_scale = v_set1(q_head(t, r)->scale);
        UNROLL for (size_t v = 0; v < n_v; v++) finish(t, r, first + v, v_mul(sum[r * n_v + v], x_scale));
    }
}

/* Called with constant n_r and n_v only; n_v vectors at a time, since registers hold a block's accumulators and the
 * panel's. */
static ALWAYS_INLINE void q4_tile(const size_t n_r, const size_t n_v, const tile_work *work) {
    tile_work t = *work;
    if (t.ahead) t.ahead_steps *= PANEL_VECTORS / n_v;
    prefetching prefetch = start_prefetching(&t);
    for (size_t v = 0; v < PANEL_VECTORS; v += n_v) q4_columns(n_r, n_v, &t, v, &prefetch);
}

#endif
