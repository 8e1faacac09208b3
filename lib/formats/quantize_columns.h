/* Quantises float32 column by column to the 8- and 4-bit forms that kernels/panels.h describes. All loops run over
 * adjacent columns in 32-bit lanes, so compilers vectorise them. */
#ifndef LL_FORMATS_QUANTIZE_COLUMNS_H
#define LL_FORMATS_QUANTIZE_COLUMNS_H

#include <stddef.h>
#include <stdint.h>

#define LL_QUANTIZE_COLUMNS 64 /* at most, of one call */
#define LL_QUANTIZE_BLOCK 32

/* The scale that maps magnitudes up to `size` to -127..127, and its inverse: 0 for a magnitude that counts as zero. */
float ll_q8_scale(float size);
float ll_q8_inverse(float scale);

/* Four rows of x [n_rows, n of ld] as 8 bits: x * inverse[column] to nearest, ties to even, plus 128; four bytes for
 * each column, in out[column]. Fewer rows than four: the others are zeros. |x * inverse| is at most 127 and half an
 * ulp. */
void ll_quantize_q8_columns(const float *x, size_t ld, size_t n_rows, size_t n, const float *inverse, uint32_t *out);

/* Up to 32 rows, the others zeros, as a block of Q4 for each column: x = d (q - 8), q of 4 bits; d is the column's
 * value of the largest magnitude over -8, kept as binary16 (ggml, quantize_row_q4_0). out[g * ld_out + column] has the
 * codes of rows 4 g to 4 g + 3 in the lower nibbles of its bytes, and of rows 16 further in the upper ones. */
void ll_quantize_q4_columns(const float *x, size_t ld, size_t n_rows, size_t n, uint16_t *scales, uint32_t *out,
                            size_t ld_out);

#endif
