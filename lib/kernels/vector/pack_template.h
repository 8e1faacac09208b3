/*
 * Part of a vector kernel set (see kernels_template.h): converts GGUF's Q8_0 to panels of Q8. Each lane is one output,
 * so vectors are stored in the panel without shuffling.
 */
#ifndef LL_KERNELS_VECTOR_PACK_H
#define LL_KERNELS_VECTOR_PACK_H

#include "kernels/vector/integers_template.h"

#define SCALE_BLOCKS 16 /* blocks whose scales are collected before they are read as vectors */

/* Requantises the four signed bytes of each lane to value + 128. Adding 1.5 * 2^23 rounds to an integer n and leaves
 * the bits of 1.5 * 2^23, plus n. So the four bytes are combined by adding shifted bits, and `sum` starts with what
 * removes the surplus of all four. */
static ALWAYS_INLINE vi narrow_quad(vi quad, vf scale, vf inverse) {
    const uint32_t bits = 0x4b400000u; /* of 1.5 * 2^23 */
    vi sum = vi_set1((int32_t)(LL_Q8_ZERO * 0x01010101u - bits * 0x01010101u));
    UNROLL for (int i = 0; i < 4; i++) {
        const vf byte = v_from_int(vi_shift_right(vi_shift_left(quad, 24 - 8 * i), 24));
        const vf rounded = v_add(v_mul(v_mul(byte, scale), inverse), v_set1(0x1.8p23f));
        sum = vi_add(sum, vi_shift_left(vi_bits(rounded), 8 * i));
    }
    return sum;
}

/* One block's bytes of VL rows, of which the first n count. */
static ALWAYS_INLINE void pack_bytes(const char *bytes, size_t stride, const uint16_t *scales, vf inverse, size_t n,
                                     char *to) {
    const vf scale = v_load_f16(scales);
    UNROLL for (size_t g = 0; g < LL_Q_BLOCK / 4; g += 4) {
        vi quads[4];
        vi_load_quads(bytes + g * 4, stride, quads);
        UNROLL for (size_t i = 0; i < 4; i++)
            vi_store_part(to + (g + i) * NR * 4, narrow_quad(quads[i], scale, inverse), n);
    }
}

/* The same where fewer than VL rows can be read. */
static void pack_bytes_of_few(const char *bytes, size_t stride, const uint16_t *scales, vf inverse, size_t n,
                              char *to) {
    char copy[VL * LL_Q_BLOCK] = {0};
    for (size_t r = 0; r < n; r++) memcpy(copy + r * LL_Q_BLOCK, bytes + r * stride, LL_Q_BLOCK);
    pack_bytes(copy, LL_Q_BLOCK, scales, inverse, n, to);
}

/* n <= VL rows, row_bytes apart. */
static ALWAYS_INLINE void pack_lanes(const char *rows, size_t row_bytes, size_t n, size_t n_blocks, vf inverse,
                                     char *to) {
    uint16_t scales[SCALE_BLOCKS][VL] = {{0}};
    for (size_t b = 0; b < n_blocks; b += SCALE_BLOCKS) {
        const size_t n_scales = n_blocks - b < SCALE_BLOCKS ? n_blocks - b : SCALE_BLOCKS;
        const char *first = rows + b * LL_Q8_0_BYTES;
        for (size_t r = 0; r < n; r++)
            for (size_t i = 0; i < n_scales; i++)
                memcpy(&scales[i][r], first + r * row_bytes + i * LL_Q8_0_BYTES, sizeof(uint16_t));
        for (size_t i = 0; i < n_scales; i++) {
            const char *bytes = first + i * LL_Q8_0_BYTES + sizeof(uint16_t);
            char *at = to + (b + i) * LL_Q_BLOCK * NR;
            if (n == VL)
                pack_bytes(bytes, row_bytes, scales[i], inverse, VL, at);
            else
                pack_bytes_of_few(bytes, row_bytes, scales[i], inverse, n, at);
        }
    }
}

static void pack_q8_0(const unsigned char *rows, size_t n_rows, size_t n_blocks, const float *inverse, void *to) {
    const size_t row_bytes = n_blocks * LL_Q8_0_BYTES;
    const char *from = (const char *)rows;
    size_t r = 0;
    for (; r + VL <= n_rows; r += VL)
        pack_lanes(from + r * row_bytes, row_bytes, VL, n_blocks, v_load(inverse + r), (char *)to + r * 4);
    if (r < n_rows)
        pack_lanes(from + r * row_bytes, row_bytes, n_rows - r, n_blocks, v_load_part(inverse + r, n_rows - r),
                   (char *)to + r * 4);
}

#endif
