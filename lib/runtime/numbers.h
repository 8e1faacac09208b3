/* Numerical functions on the outputs of networks. */
#ifndef LL_RUNTIME_NUMBERS_H
#define LL_RUNTIME_NUMBERS_H

#include <stdbool.h>

#include "kernels/kernels.h"

/* True if none of n floats is NaN or infinite. */
bool ll_all_finite(const ll_kernels *kernels, const float *x, size_t n);

/* NUMERIC if any of values [n_rows, n] is NaN or infinite, naming `what` and its row. */
llmcs_status ll_check_finite(const ll_kernels *kernels, const float *values, size_t n_rows, size_t n, const char *what);

/* Log-sum-exp of a row as long as a vocabulary, to about seven digits of the sum; false if x is not finite. */
bool ll_log_sum_of_row(const ll_kernels *kernels, const float *x, size_t n, double *log_sum);

/* The same for a short row, in double; n at least 1, x finite. */
double ll_log_sum_of_exps(const float *x, size_t n);

/* probabilities = softmax(x); the two may be the same array. */
void ll_probabilities(const float *x, size_t n, float *probabilities);

#endif
