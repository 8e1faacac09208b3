/* Quantises float32 column by column to the 8- and 4-bit forms that kernels/panels.h describes. All loops run over
 * adjacent columns in 32-bit lanes, so compilers vectorise them. */
#ifndef LL_FORMATS_QUANTIZE_COLUMNS_H
#define LL_FORMATS_QUANTIZE_COLUMNS_H

#include <stddef.h>
#include <stdint.h>

#define LL_QUANTIZE_COLUMNS 64 /* most columns of one call */
#define LL_QUANTIZE_BLOCK 32

/* The scale that maps [-largest, largest] to -127..127, and its inverse; both 0 if `largest` counts as zero. */
float ll_q8_scale(float largest);
float ll_q8_inverse(float scale);

/* Quantises up to four rows of x [n_rows, n] with leading dimension ld to 8 bits: x * inverse[column] rounded to
 * nearest, ties to even, plus 128. out[column] gets the four bytes of a column; missing rows count as zeros.
 * |x * inverse| is at most 127 plus half an ulp. */
void ll_quantize_q8_columns(const float *x, size_t ld, size_t n_rows, size_t n, const float *inverse, uint32_t *out);

/* Quantises up to 32 rows (missing rows count as zeros) to a Q4 block per column: x = d (q - 8) with q of 4 bits; d is
 * the column's value of largest magnitude divided by -8, stored as binary16 (ggml, quantize_row_q4_0). The bytes of
 * out[g * ld_out + column] have the codes of rows 4 g to 4 g + 3 in their lower nibbles, and of rows 16 + 4 g to
 * 16 + 4 g + 3 in their upper ones. */
void ll_quantize_q4_columns(const float *x, size_t ld, size_t n_rows, size_t n, uint16_t *scales, uint32_t *out,
                            size_t ld_out);

#endif
