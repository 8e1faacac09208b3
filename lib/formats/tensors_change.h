/* An adapter's change of a tensor: another tensor's elements in place of its own, plus products of two low-rank
 * matrices (Hu et al. 2021, "LoRA"). ll_tensors_read_f32 returns the changed elements, so all readers of a checkpoint
 * see the adapted one. */
#ifndef LL_FORMATS_TENSORS_CHANGE_H
#define LL_FORMATS_TENSORS_CHANGE_H

#include "formats/tensor.h"

struct ll_tensors; /* tensors.h */

/* values[row, column] += scale * sum over k of left[row, k] * right[k, column] */
typedef struct ll_tensor_product {
    struct ll_tensor_product *next; /* added after this one */
    float scale;
    size_t rank;
    float *left, *right; /* [shape[0], rank], [rank, shape[1]] of the tensor as it is stored */
} ll_tensor_product;

typedef struct ll_tensor_change {
    /* A tensor of the same shape whose stored elements replace this tensor's. NULL: none. */
    const struct ll_tensors *other;
    const ll_tensor *replacement;
    ll_tensor_product *products;
} ll_tensor_change;

/* Adds the products to elements [first, first + n) of a matrix. Each sum runs over k in ascending order, so the result
 * has the same bits for any range and any number of threads. */
void ll_tensor_products_add(const ll_tensor_product *products, uint64_t n_columns, uint64_t first, size_t n,
                            float *values);

#endif
