/* Packing without files: a rectangle of a checkpoint's matrix goes to its places in the panels. */
#ifndef LL_NN_PACK_H
#define LL_NN_PACK_H

#include "nn/nn.h"

/* Rows [row, row + n_rows) and columns [column, column + n_columns) of a matrix. */
typedef struct ll_rectangle {
    size_t row, column, n_rows, n_columns;
} ll_rectangle;

/* values is [n_rows, n_columns]; for LL_OUT_IN a row is an output, for LL_IN_OUT an input. The matrix's first output
 * is the linear's output first_out. The inputs of a rectangle begin at a multiple of LL_Q_BLOCK, and end at one or with
 * the matrix. Of Q8 all inputs must have been measured. */
void ll_linear_put(ll_linear *linear, ll_weight_layout layout, const ll_rectangle *part, size_t first_out,
                   const float *values);

/* Q8 only: makes the outputs' scales large enough for these values. */
void ll_linear_measure(ll_linear *linear, ll_weight_layout layout, const ll_rectangle *part, size_t first_out,
                       const float *values);

#endif
