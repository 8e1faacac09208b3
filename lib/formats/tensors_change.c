/* Adds an adapter's products to elements that were read. */
#include "formats/tensors_change.h"

#include <string.h>

#define COLUMNS_AT_ONCE 512

/* sums[j] = sum over k of left[k] * right[k, j] */
static void multiply_row(const float *left, const float *right, size_t rank, size_t n_columns, size_t n, float *sums) {
    memset(sums, 0, n * sizeof *sums);
    for (size_t k = 0; k < rank; k++)
        for (size_t j = 0; j < n; j++) sums[j] += left[k] * right[k * n_columns + j];
}

/* A range of columns of one row. */
static void add_to_row(const ll_tensor_product *p, size_t row, size_t n_columns, size_t column, size_t n,
                       float *values) {
    float sums[COLUMNS_AT_ONCE];
    for (size_t at = 0; at < n; at += COLUMNS_AT_ONCE) {
        const size_t part = ll_min(COLUMNS_AT_ONCE, n - at);
        multiply_row(p->left + row * p->rank, p->right + column + at, p->rank, n_columns, part, sums);
        for (size_t j = 0; j < part; j++) values[at + j] += p->scale * sums[j];
    }
}

void ll_tensor_products_add(const ll_tensor_product *products, uint64_t n_columns, uint64_t first, size_t n,
                            float *values) {
    const size_t width = (size_t)n_columns;
    for (const ll_tensor_product *p = products; p; p = p->next)
        for (size_t done = 0, part; done < n; done += part) {
            const uint64_t at = first + done;
            const size_t column = (size_t)(at % n_columns);
            part = ll_min(width - column, n - done);
            add_to_row(p, (size_t)(at / n_columns), width, column, part, values + done);
        }
}
