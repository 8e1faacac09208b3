/* What an adapter changes about a tensor: the numbers of another tensor in place of its own, and products of two narrow
 * matrices that are added to them (Hu et al. 2021, "LoRA"). ll_tensors_read_f32 gives the changed numbers, so all
 * that read a checkpoint read the adapted one. */
#ifndef LL_FORMATS_TENSORS_CHANGE_H
#define LL_FORMATS_TENSORS_CHANGE_H

#include "formats/tensor.h"

struct ll_tensors; /* tensors.h */

/* values[row, column] += scale * sum over k of left[row, k] * right[k, column] */
typedef struct ll_tensor_product {
    struct ll_tensor_product *next; /* is added after this one */
    float scale;
    size_t rank;
    float *left, *right; /* [shape[0], rank], [rank, shape[1]] of the tensor as it is stored */
} ll_tensor_product;

typedef struct ll_tensor_change {
    /* Of the same shape as the tensor; its numbers as they are stored take the place of the tensor's. NULL: none. */
    const struct ll_tensors *other;
    const ll_tensor *replacement;
    ll_tensor_product *products;
} ll_tensor_change;

/* Adds the products to elements [first, first + n) of a matrix. Each sum runs over k in order, whatever range is read:
 * the same bits for any number of threads. */
void ll_tensor_products_add(const ll_tensor_product *products, uint64_t n_columns, uint64_t first, size_t n,
                            float *values);

#endif
