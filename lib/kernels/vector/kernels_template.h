/*
 * The kernels of one vector instruction set. An instruction set's file defines the vector operations below and includes
 * this file, which gives it all kernels as static functions:
 *
 *   vf, VL                    a vector of VL floats
 *   NR                        columns of a panel, a multiple of VL
 *   MATMUL_ROWS               rows of the largest matmul tile, at most 6: its accumulators, MATMUL_ROWS * NR / VL
 *                             vectors, and one step of a panel must fit into registers
 *   ATTEND_ROWS               rows of the largest tile of attention, 6 or 8, and
 *   ATTEND_VECTORS            its vectors of keys or of a value, a multiple of 16 floats: both and a column fit
 *   ONE_ROW_BLOCKS            blocks of keys scored together for one row, and
 *   ONE_ROW_VECTORS           vectors of a value, a multiple of 16 floats
 *   v_zero v_set1 v_load v_store                    unaligned
 *   v_load_part(p, n) v_store_part(p, v, n)         the first n lanes, 0 < n <= VL; the others are read as 0
 *   v_first(v, n, other)                            lanes < n of v, else of other
 *   v_add v_sub v_mul v_div v_fma(a, b, c) = a b + c, v_nfma(a, b, c) = c - a b
 *   v_min(a, b) v_max(a, b)                         b if b is NaN
 *   v_abs v_copy_sign(x, sign) v_round              to nearest, ties to even
 *   v_select_less(a, b, yes, no)                    a < b ? yes : no, lane by lane
 *   v_scale_by_power(v, n)                          v 2^n for integers n in [-151, 129]
 *   v_scale_by_small_power(v, n)                    the same for v in [0.5, 2) and n in [-125, 1]; any n where v is NaN
 *   v_load_f16(p) v_store_f16_part(p, v, n)         binary16; n may be VL
 *   v_transpose(rows)                               VL vectors: lane i of row j becomes lane j of row i
 *   v_reduce_add v_reduce_max                       over the lanes, in a fixed order
 *   v_bits_at_least(a, b)                           bit i: lane i of a >= that of b
 *   v_load_bf16_first(p) v_load_bf16_second(p)      the first, the second of VL pairs of bfloat16
 *
 * and for integers
 *
 *   vi, vi_zero vi_set1 vi_add v_from_int           a vector of VL int32
 *   vi_shift_left vi_shift_right(v, n)              by n bits; the right shift is arithmetic
 *   vi_bits(v)                                      the bits of a vf
 *   vi_store_part(p, v, n)                          the first n lanes, 0 < n <= VL
 *   vi_load_quads(p, stride, q)                     16 bytes each of VL rows: lane r of q[i] has bytes 4 i .. of row r
 *   vb, vb_load(p)                                  VL times four bytes
 *   vb_low_nibbles vb_high_nibbles                    the lower, the upper four bits of each byte
 *   Q_BYTES, q_store(p, v)                          bytes of an activation; stores VL integers of -127..127
 *   q_four, q_load_four(p)                          four activations, to multiply weights by
 *   q_weights, q8_weights(vb) q4_weights(vb)        weights in q_dot's format, from bytes value + 128 or value + 8
 *   Q_UNSIGNED                                      0 if q8_weights subtracts the 128
 *   Q_SUMS, q_dot(vi sum[Q_SUMS], weights, four)    adds the products
 *   q_total(sum)                                    of each lane's four
 *   Q8_ROWS, Q4_ROWS                                as MATMUL_ROWS
 *   Q4_VECTORS(n_rows)                              vectors of columns computed together, a divisor of NR / VL
 *
 * and, where products of four-bit weights can be summed in another way than those of bytes, Q4_BLOCK_SUMS, with
 *
 *   q4_four, q4_load_four(p)                        four activations
 *   q4_column, q4_weights(vb)                       weights in q4_dot's format
 *   q4_start(offset) q4_dot(vi sum[Q_SUMS], weights, four) q4_total(sum, offset)     the sum of one block
 *
 * and, where the processor multiplies small matrices of bytes, Q_PAIRS, with Q_BYTES 1 and Q_UNSIGNED 1
 * (pairs_template.h):
 *
 *   pair_of_rows, load_pair(p, q)                   eight activations of two rows
 *   eight_inputs, zip_steps(vb, vb)                 the weights of two steps, to multiply pairs by
 *   pair_acc, dot_pair(pair_acc *, eight, pair)     vi first, second: adds the products of VL outputs and two rows
 *   sum_of_row(pair_acc, i)                         of the pair's row i: a vi
 */
#ifndef LL_KERNELS_VECTOR_KERNELS_TEMPLATE_H
#define LL_KERNELS_VECTOR_KERNELS_TEMPLATE_H

#include "kernels/exponential.h"
#include "kernels/vector/attention_masked_template.h"
#include "kernels/vector/attention_template.h"
#include "kernels/vector/base.h"
#include "kernels/vector/elements_template.h"
#include "kernels/vector/floats_template.h"
#include "kernels/vector/functions_template.h"
#include "kernels/vector/integers_template.h"
#include "kernels/vector/pack_template.h"
#include "kernels/vector/similarity_template.h"
#ifdef Q_PAIRS
#include "kernels/vector/pairs_template.h"
#define Q8_TILE(n_r, t) ((n_r) == 1 ? q8_tile(n_r, PANEL_VECTORS, t) : q8_pairs(n_r, PANEL_VECTORS, t))
#define Q4_TILE(n_r, t) ((n_r) == 1 ? q4_tile(n_r, Q4_VECTORS(n_r), t) : q4_pairs(n_r, PANEL_VECTORS, t))
#else
#define Q8_TILE(n_r, t) q8_tile(n_r, PANEL_VECTORS, t)
#define Q4_TILE(n_r, t) q4_tile(n_r, Q4_VECTORS(n_r), t)
#endif

TILES(q8_tiles, Q8_TILE, Q8_ROWS);
TILES(q4_tiles, Q4_TILE, Q4_ROWS);
static void matmul_q8(const ll_product *p) { product(&q8_tiles, LL_Q8, ll_q_round(p->n_in) / 4, p); }
static void matmul_q4(const ll_product *p) { product(&q4_tiles, LL_Q4, ll_q_round(p->n_in) / 8, p); }

static void attend(const ll_attend *a) {
    if (ll_attend_has_window(a) || a->distance)
        attend_masked(a);
    else
        attend_plain(a);
}

/* matmul_of_bf16, matmul_of_q8: matmul_bf16, matmul_q8, or a replacement of this kernel set's own. */
#define LL_KERNELS_VECTOR_SET(row_name, matmul_of_bf16, matmul_of_q8, prepare_for)                                \
    {                                                                                                             \
        .name = row_name, .nr = NR, .prepare = prepare_for,                                                       \
        .matmul = {matmul_f32, matmul_f16, matmul_of_bf16, matmul_of_q8, matmul_q4}, .q_bytes = Q_BYTES,          \
        .quantize = quantize, .pack_q8_0 = pack_q8_0, .gelu_erf = gelu_erf, .gelu_tanh = gelu_tanh, .relu = relu, \
        .tanh = tanh_all, .silu = silu, .quick_gelu = quick_gelu, .add = add, .multiply = multiply, .rope = rope, \
        .rms_norm = rms_norm, .layer_norm = layer_norm, .block_max = block_max, .exp_sum = exp_sum,               \
        .sum_of_exps = ll_sum_of_exps, .dot_f32 = dot_f32, .dot_f16 = dot_f16, .distance_f32 = distance_f32,      \
        .distance_f16 = distance_f16, .at_least = at_least, .attend = attend, .kv_store = kv_store                \
    }

#endif
