/* Packing without files: a rectangle of a checkpoint's matrix goes to its places in the panels. */
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

/* The largest size of n numbers as its bits, which are ordered as sizes are, infinity and NaN above them. In 32 bits,
 * so that compilers make vector code of it. */
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

/* Whether tensors of this type need not become float32 on their way: Q8_0, Q4_0, float16, bfloat16 to what is like
 * them. */
bool ll_linear_takes_stored(const ll_linear *linear, ll_dtype dtype, ll_weight_layout layout);

/* Puts them, raw as they lie in the file: the same bits as by way of float32, but that a NaN of halves is not quieted
 * and Q4_0's blocks stay as they are. Rectangles of blocks have all columns. False: some number is not finite, of
 * halves only where that is asked for; then nothing is to be believed. */
bool ll_linear_put_stored(ll_linear *linear, const ll_kernels *kernels, ll_weight_layout layout,
                          const ll_rectangle *part, size_t first_out, bool check_finite, const unsigned char *raw);

#endif
