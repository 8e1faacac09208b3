/*
 * Part of a vector kernel set (see kernels_template.h) for instructions that multiply small integer matrices: one
 * instruction computes two rows x two outputs over eight inputs. Its weight operand is two steps of a panel zipped
 * together; its activation operand is eight consecutive activations of each row. A last row without a partner is paired
 * with itself. A single row is limited by memory and uses the tile of integers_template.h. The integer sums are the
 * same, so the bits are the same.
 */
#ifndef LL_KERNELS_VECTOR_PAIRS_H
#define LL_KERNELS_VECTOR_PAIRS_H

#include "kernels/vector/integers_template.h"

#define MAX_TILE_PAIRS ((MAX_TILE_ROWS + 1) / 2)

typedef pair_acc pair_accs[MAX_TILE_SUMS]; /* [pairs of rows][n_v] */

/* The row that is paired with an even row r, or r itself. */
static ALWAYS_INLINE size_t partner(const size_t n_r, size_t r) { return r + 1 < n_r ? r + 1 : r; }

static ALWAYS_INLINE void clear_pair_accs(const size_t n_r, const size_t n_v, pair_accs sum) {
    vi zero = vi_zero();
    UNKNOWN(zero);
    UNROLL for (size_t i = 0; i < (n_r + 1) / 2 * n_v; i++) { sum[i].first = sum[i].second = zero; }
}

static ALWAYS_INLINE void load_pairs(const size_t n_r, const char *x, size_t x_stride, pair_of_rows pairs[]) {
    UNROLL for (size_t r = 0; r < n_r; r += 2) {
        pairs[r / 2] = load_pair(x + r * x_stride, x + partner(n_r, r) * x_stride);
    }
}

/* Row r of a tile's sums, for the vector v of columns. */
static ALWAYS_INLINE vi pair_total(const size_t n_v, const pair_accs sum, size_t r, size_t v) {
    return sum_of_row(sum[r / 2 * n_v + v], r % 2);
}

/* Two steps of a panel of Q8. Called with constant n_r and n_v only, as all of these. */
static ALWAYS_INLINE void q8_pairs_step(const size_t n_r, const size_t n_v, const char *x, size_t x_stride,
                                        const char *w, pair_accs sum) {
    pair_of_rows pairs[MAX_TILE_PAIRS];
    load_pairs(n_r, x, x_stride, pairs);
    UNROLL for (size_t v = 0; v < n_v; v++) {
        const char *at = w + v * (VL * 4);
        const eight_inputs column = zip_steps(vb_load(at), vb_load(at + NR * 4));
        UNROLL for (size_t p = 0; p < (n_r + 1) / 2; p++) dot_pair(&sum[p * n_v + v], column, pairs[p]);
    }
}

static ALWAYS_INLINE void q8_pairs(const size_t n_r, const size_t n_v, const tile_work *work) {
    const tile_work t = *work;
    const char *x = t.x + LL_Q_HEAD_BYTES, *w = t.w + NR * sizeof(float);
    const size_t x_stride = t.x_stride, n = ll_q_round(t.n_in);
    pair_accs sum;
    prefetching prefetch = start_prefetching(&t);
    clear_pair_accs(n_r, n_v, sum);
    for (size_t k = 0; k < n; k += 8, w += NR * 8, x += 8) {
        prefetch_line(&t, &prefetch);
        prefetch_line(&t, &prefetch);
        q8_pairs_step(n_r, n_v, x, x_stride, w, sum);
    }
    UNROLL for (size_t r = 0; r < n_r; r++) {
        const ll_q_row head = *q_head(&t, r);
        UNROLL for (size_t v = 0; v < n_v; v++) q8_finish(&t, r, v, pair_total(n_v, sum, r, v), head);
    }
}

/* Two steps of a block of Q4: eight inputs and the eight 16 inputs further. */
static ALWAYS_INLINE void q4_pairs_step(const size_t n_r, const size_t n_v, const char *x, size_t x_stride,
                                        const char *w, pair_accs sum) {
    pair_of_rows first[MAX_TILE_PAIRS], second[MAX_TILE_PAIRS];
    load_pairs(n_r, x, x_stride, first);
    load_pairs(n_r, x + LL_Q_BLOCK / 2, x_stride, second);
    UNROLL for (size_t v = 0; v < n_v; v++) {
        const char *at = w + v * (VL * 4);
        const vb one = vb_load(at), other = vb_load(at + NR * 4);
        const eight_inputs low = zip_steps(vb_low_nibbles(one), vb_low_nibbles(other));
        const eight_inputs high = zip_steps(vb_high_nibbles(one), vb_high_nibbles(other));
        UNROLL for (size_t p = 0; p < (n_r + 1) / 2; p++) {
            dot_pair(&sum[p * n_v + v], low, first[p]);
            dot_pair(&sum[p * n_v + v], high, second[p]);
        }
    }
}

/* The float operations on a block's sum: the same as in q4_columns. */
static ALWAYS_INLINE vf q4_add_block(vi total, int32_t offset, const char *scales, vf acc) {
    const vf whole = v_from_int(vi_add(total, vi_set1(offset)));
    return v_fma(whole, v_load_f16((const uint16_t *)(const void *)scales), acc);
}

static ALWAYS_INLINE void q4_pairs(const size_t n_r, const size_t n_v, const tile_work *work) {
    const tile_work t = *work;
    const char *x = t.x + LL_Q_HEAD_BYTES, *w = t.w;
    const char *offsets = t.x + ll_q_blocks_at(Q_BYTES, t.n_in);
    const size_t x_stride = t.x_stride, n_blocks = ll_q_round(t.n_in) / LL_Q_BLOCK;
    float_acc sum;
    prefetching prefetch = start_prefetching(&t);
    clear_acc(n_r, n_v, sum);
    for (size_t b = 0; b < n_blocks; b++, w += Q4_BLOCK_BYTES, x += LL_Q_BLOCK, offsets += sizeof(int32_t)) {
        pair_accs block;
        clear_pair_accs(n_r, n_v, block);
        for (size_t g = 0; g < 4; g += 2) {
            prefetch_line(&t, &prefetch);
            prefetch_line(&t, &prefetch);
            q4_pairs_step(n_r, n_v, x + g * 4, x_stride, w + NR * 2 + g * NR * 4, block);
        }
        UNROLL for (size_t r = 0; r < n_r; r++) {
            int32_t offset;
            memcpy(&offset, offsets + r * x_stride, sizeof offset);
            UNROLL for (size_t v = 0; v < n_v; v++) {
                const char *scales = w + v * (VL * 2);
                sum[r * n_v + v] = q4_add_block(pair_total(n_v, block, r, v), offset, scales, sum[r * n_v + v]);
            }
        }
    }
    UNROLL for (size_t r = 0; r < n_r; r++) {
        const vf x_scale = v_set1(q_head(&t, r)->scale);
        UNROLL for (size_t v = 0; v < n_v; v++) finish(&t, r, v, v_mul(sum[r * n_v + v], x_scale));
    }
}

#endif
