/* The matrix products of training and prediction. Each output is summed in the order of its terms, so the bits depend
 * neither on the number of threads nor on the processor's vector width. */
#ifndef SHOP_CLASSIFIER_KERNELS_H
#define SHOP_CLASSIFIER_KERNELS_H

#include <stddef.h>
#include <stdint.h>

/* Columns of a matrix of weights or scores are padded to a multiple of this. */
enum { SHOP_LANES = 8 };

/* out[stride] += sum over k of values[k] * matrix[rows[k] * stride ...]. stride: a multiple of SHOP_LANES. */
void shop_sum_rows(const float *matrix, size_t stride, const uint32_t *rows, const float *values, size_t n, float *out);

/* out[i][stride] += sum over k of left[i * left_stride + k] * right[k][stride], for n_left rows i and n terms k. */
void shop_product(const float *left, size_t left_stride, size_t n_left, const float *right, size_t n, size_t stride,
                  float *out);

/* sums[n_columns] += sum over k of values[k] * matrix[rows[k] * stride ...]: 8-bit weights, exact integers. stride: a
 * multiple of 16. */
void shop_sum_rows_int8(const int8_t *matrix, size_t stride, const uint32_t *rows, const int16_t *values, size_t n,
                        int32_t *sums);

#endif
