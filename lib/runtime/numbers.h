/* Arithmetic of the runtime on outputs of networks. */
#ifndef LL_RUNTIME_NUMBERS_H
#define LL_RUNTIME_NUMBERS_H

#include <stdbool.h>

#include "kernels/kernels.h"

/* No NaN and no infinity among n floats. */
bool ll_all_finite(const ll_kernels *kernels, const float *x, size_t n);

/* NUMERIC if any of values [n_rows, n] is NaN or infinite, naming `what` and its row. */
llmcs_status ll_check_finite(const ll_kernels *kernels, const float *values, size_t n_rows, size_t n, const char *what);

/* log of the sum of exp(x[i]) over a row as long as a vocabulary, to about seven digits of the sum; false if x is
 * not finite. */
bool ll_log_sum_of_row(const ll_kernels *kernels, const float *x, size_t n, double *log_sum);

/* The same for a few numbers, in double; n at least 1, x finite. */
double ll_log_sum_of_exps(const float *x, size_t n);

/* probabilities = softmax of x; the two may be one. */
void ll_probabilities(const float *x, size_t n, float *probabilities);

#endif
