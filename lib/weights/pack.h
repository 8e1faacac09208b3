/* Packs a rectangle of a matrix into the panels of a linear. */
#ifndef LL_WEIGHTS_PACK_H
#define LL_WEIGHTS_PACK_H

#include "base/half.h"
#include "weights/weights.h"

/* Rows [row, row + n_rows) and columns [column, column + n_columns) of a matrix. */
typedef struct ll_rectangle {
    size_t row, column, n_rows, n_columns;
} ll_rectangle;

/* Packs a rectangle. values: [n_rows, n_columns]; for LL_OUT_IN a row is an output, for LL_IN_OUT an input. The
 * matrix's first output becomes output first_out of the linear. The inputs of a rectangle begin at a multiple of
 * LL_Q_BLOCK and end at one or with the matrix. Q8: ll_linear_measure must have seen all inputs before. */
void ll_linear_put(ll_linear *linear, ll_weight_layout layout, const ll_rectangle *part, size_t first_out,
                   const float *values);

/* The bits of the largest magnitude of n floats. Bits are ordered like magnitudes, with infinity and NaN at the top.
 * Computed on 32-bit integers, so that compilers vectorise it. */
static inline uint32_t ll_largest_bits(const float *values, size_t n) {
    int32_t largest = 0;
    for (size_t i = 0; i < n; i++) {
        const int32_t size = (int32_t)(ll_float_bits(values[i]) & 0x7fffffffu);
        largest = size > largest ? size : largest;
    }
    return (uint32_t)largest;
}

/* Q8 only: raises the outputs' scales to fit these values. The rectangle with the first inputs must come first. */
void ll_linear_measure(ll_linear *linear, ll_weight_layout layout, const ll_rectangle *part, size_t first_out,
                       const float *values);

/* True if tensors of this type are packed without conversion to float32: Q8_0 as Q8, Q4_0 as Q4, float16, bfloat16. */
bool ll_linear_takes_stored(const ll_linear *linear, ll_dtype dtype, ll_weight_layout layout);

/* Packs raw bytes of the file. The result is the same as with conversion to float32, except that a signalling NaN is
 * kept and Q4_0 blocks are stored unchanged. A rectangle of blocks has all columns. False: a value is not finite
 * (float16 and bfloat16: only with check_finite), and the packed rectangle must not be used. */
bool ll_linear_put_stored(ll_linear *linear, const ll_kernels *kernels, ll_weight_layout layout,
                          const ll_rectangle *part, size_t first_out, bool check_finite, const unsigned char *raw);

#endif
