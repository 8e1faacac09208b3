/* Elements as stored in a file (little-endian, at any alignment) to float32 and back. F64, F32, F16 and BF16 are single
 * elements; the Q types are blocks of elements that share scales (ggml/src/ggml-common.h):
 *
 *     Q8_0   32 elements, 34 bytes   d f16, q s8[32]                          x = d q
 *     Q4_0   32 elements, 18 bytes   d f16, q u4[32]                          x = d (q - 8)
 *     Q4_1   32 elements, 20 bytes   d f16, m f16, q u4[32]                   x = d q + m
 *     Q6_K  256 elements, 210 bytes  low u4[256], high u2[256], s s8[16], d f16   x = d s (q - 32)
 *
 * Nibbles: byte i of q holds element i in its lower and element i + 16 in its upper half. */
#ifndef LL_FORMATS_CONVERT_H
#define LL_FORMATS_CONVERT_H

#include "formats/tensor.h"

/* The smallest unit of a type; zero bytes for LL_DTYPE_OTHER. */
typedef struct ll_dtype_block {
    size_t elements, bytes;
} ll_dtype_block;
ll_dtype_block ll_dtype_block_of(ll_dtype dtype);
#define LL_MAX_BLOCK_ELEMENTS 256
#define LL_MAX_BLOCK_BYTES 256

/* Converts n elements (whole blocks) of `from` to `to`. `from` may be the end of `to` itself, except for F64. */
void ll_convert_to_f32(ll_dtype dtype, const unsigned char *from, size_t n, float *to);

/* The inverse, for F32, F16, BF16, Q8_0 and Q4_0 (quantize_blocks.c). Floats are rounded to nearest, ties to even;
 * blocks are those of ggml's quantize_row_q8_0_ref and _q4_0_ref. False: values[*bad] is not finite or too large for
 * the type. */
bool ll_convert_from_f32(ll_dtype dtype, const float *values, size_t n, unsigned char *to, size_t *bad);

#endif
