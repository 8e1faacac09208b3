/* Finiteness, log-sum-exp and softmax of rows. */
#include "runtime/numbers.h"

#include <math.h>

#include "base/size.h"
#include "generate/softmax.h"

#define CHUNK_BLOCKS 64

/* The maximum of n numbers; false: one of them is not finite. */
static bool find_row_max(const ll_kernels *kernels, const float *x, size_t n, float *max_found) {
    float max[CHUNK_BLOCKS];
    *max_found = -INFINITY;
    for (size_t i = 0, n_here; i < n; i += n_here) {
        n_here = ll_min(n - i, CHUNK_BLOCKS * LL_ROW_BLOCK);
        if (!kernels->block_max(x + i, n_here, max)) return false;
        for (size_t b = 0; b * LL_ROW_BLOCK < n_here; b++) *max_found = max[b] > *max_found ? max[b] : *max_found;
    }
    return true;
}

bool ll_all_finite(const ll_kernels *kernels, const float *x, size_t n) {
    float largest;
    return find_row_max(kernels, x, n, &largest);
}

llmcs_status ll_check_finite(const ll_kernels *kernels, const float *values, size_t n_rows, size_t n,
                             const char *what) {
    for (size_t r = 0; r < n_rows; r++)
        if (!ll_all_finite(kernels, values + r * n, n))
            return ll_fail(LLMCS_NUMERIC, "%s, row %zu: the network computed NaN or infinity", what, r);
    return LLMCS_OK;
}

bool ll_log_sum_of_row(const ll_kernels *kernels, const float *x, size_t n, double *log_sum) {
    float max;
    if (!find_row_max(kernels, x, n, &max)) return false;
    *log_sum = (double)max + log(kernels->exp_sum(x, n, max));
    return true;
}

double ll_log_sum_of_exps(const float *x, size_t n) {
    float max;
    (void)ll_row_scan(x, n, &max); /* no NaN: the network's output was checked */
    return ll_log_sum_exp(x, n, max);
}

void ll_probabilities(const float *x, size_t n, float *probabilities) {
    double log_sum = ll_log_sum_of_exps(x, n);
    for (size_t i = 0; i < n; i++) probabilities[i] = (float)exp((double)x[i] - log_sum);
}
