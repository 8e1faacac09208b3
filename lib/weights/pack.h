/* Packing: a rectangle of a matrix into the panels of a linear. Knows no files. */
#ifndef LL_WEIGHTS_PACK_H
#define LL_WEIGHTS_PACK_H

#include "base/half.h"
#include "weights/weights.h"

/* Rows [row, row + n_rows) and columns [column, column + n_columns) of a matrix. */
typedef struct ll_rectangle {
    size_t row, column, n_rows, n_columns;
} ll_rectangle;

/* values is [n_rows, n_columns]; for LL_OUT_IN a row is an output, for LL_IN_OUT an input. The matrix's first output
 * is the linear's output first_out. The inputs of a rectangle begin at a multiple of LL_Q_BLOCK, and end at one or with
 * the matrix. Of Q8 all inputs must have been measured. */
void ll_linear_put(ll_linear *linear, ll_weight_layout layout, const ll_rectangle *part, size_t first_out,
                   const float *values);

/* The largest magnitude of n numbers as its bits, which are ordered as magnitudes are, with infinity and NaN at the
 * top. In 32 bits, so that compilers vectorise it. */
static inline uint32_t ll_largest_bits(const float *values, size_t n) {
    int32_t largest = 0;
    for (size_t i = 0; i < n; i++) {
        const int32_t size = (int32_t)(ll_float_bits(values[i]) & 0x7fffffffu);
        largest = size > largest ? size : largest;
    }
    return (uint32_t)largest;
}

/* Q8 only: makes the outputs' scales large enough for these values, of which those of the first input come first. */
void ll_linear_measure(ll_linear *linear, ll_weight_layout layout, const ll_rectangle *part, size_t first_out,
                       const float *values);

/* Whether tensors of this type are packed without becoming float32: Q8_0 as Q8, Q4_0 as Q4, float16, bfloat16. */
bool ll_linear_takes_stored(const ll_linear *linear, ll_dtype dtype, ll_weight_layout layout);

/* Packs raw bytes of the file. Same bits as by way of float32, except that a signalling NaN stays one and blocks of
 * Q4_0 are stored as they are. A rectangle of blocks has all columns. False: a number is not finite (float16 and
 * bfloat16: only if check_finite), and what was packed must not be used. */
bool ll_linear_put_stored(ll_linear *linear, const ll_kernels *kernels, ll_weight_layout layout,
                          const ll_rectangle *part, size_t first_out, bool check_finite, const unsigned char *raw);

#endif
