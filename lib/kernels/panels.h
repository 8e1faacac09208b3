/*
 * Memory layout of weights and activations for a product. W [n_out, n_in] is split into panels of nr outputs; the last
 * panel is padded with zeros. A panel holds, by type,
 *
 *   F32    [n_in][nr] float
 *   F16    [n_in][nr] IEEE binary16
 *   BF16   [n_in / 2, rounded up][nr][2] bfloat16: the numbers of two inputs side by side
 *   Q8     [nr] float: the scale of each output; then [n_quads][nr][4] bytes: four inputs side by side, value + 128
 *   Q4     for each 32 inputs: [nr] binary16: the scale of each output; then [4][nr][4] bytes: byte (g, j, i) has input
 *          4 g + i in its low half and 16 + 4 g + i in its high half, value + 8 (the blocks of GGUF's Q4_0)
 *
 * n_quads and the number of blocks come from n_in rounded up to LL_Q_BLOCK; values past n_in are zero.
 *
 * A weight of Q8 is scale * value, with values -127..127; of Q4 scale * value, values -8..7.
 */
#ifndef LL_KERNELS_PANELS_H
#define LL_KERNELS_PANELS_H

#include <stddef.h>
#include <stdint.h>

typedef enum ll_weight_type { LL_F32, LL_F16, LL_BF16, LL_Q8, LL_Q4 } ll_weight_type;
#define LL_N_WEIGHT_TYPES 5

/* Inputs of a Q4 block; rows of quantised activations are padded to a multiple of it. */
#define LL_Q_BLOCK 32
#define LL_Q8_ZERO 128 /* added to values, so that bytes are unsigned */
#define LL_Q4_ZERO 8
/* Bytes of a block of GGUF's Q8_0: a binary16, then a signed byte for each input. */
#define LL_Q8_0_BYTES (2 + LL_Q_BLOCK)
/* With more inputs a 32-bit sum could overflow: each adds up to 255 * 127. */
#define LL_Q_MAX_INPUTS 65536

static inline int ll_is_integer_type(ll_weight_type type) { return type >= LL_Q8; }
static inline size_t ll_q_round(size_t n_in) { return (n_in + LL_Q_BLOCK - 1) / LL_Q_BLOCK * LL_Q_BLOCK; }

/* Bytes of one output of a panel: a panel has nr times as many. */
static inline size_t ll_output_bytes(ll_weight_type type, size_t n_in) {
    switch (type) {
        case LL_F32:
            return n_in * 4;
        case LL_F16:
            return n_in * 2;
        case LL_BF16:
            return (n_in + 1) / 2 * 4;
        case LL_Q8:
            return 4 + ll_q_round(n_in);
        case LL_Q4:
            break;
    }
    return ll_q_round(n_in) / LL_Q_BLOCK * (2 + LL_Q_BLOCK / 2);
}

/* A row of n_in activations in 8 bits: x = scale * value, value -127..127, scale = max |x| / 127. This header, then the
 * values (kernels->q_bytes each, in the kernel set's own order, padded with zeros), then optionally for each block
 * -LL_Q4_ZERO times the sum of its values, as int32. A row with a NaN or an infinity has the scale NaN. */
typedef struct ll_q_row {
    float scale;
    int32_t offset; /* -LL_Q8_ZERO times the sum of the values: cancels the + 128 of the weights */
} ll_q_row;
/* A row with a smaller maximum is quantised to zeros: 127 / max would be infinite. */
#define LL_Q_SMALLEST 1e-36f
#define LL_Q_HEAD_BYTES 64
static inline size_t ll_q_row_bytes(size_t q_bytes, size_t n_in) {
    const size_t n = ll_q_round(n_in), used = LL_Q_HEAD_BYTES + n * q_bytes + n / LL_Q_BLOCK * sizeof(int32_t);
    return (used + 63) / 64 * 64;
}
/* Where in a row its values and its blocks' offsets begin. */
static inline size_t ll_q_blocks_at(size_t q_bytes, size_t n_in) {
    return LL_Q_HEAD_BYTES + ll_q_round(n_in) * q_bytes;
}

#endif
