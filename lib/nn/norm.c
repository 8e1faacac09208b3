/* Norms: rows are divided over the threads. */
#include <string.h>

#include "nn/nn.h"

void ll_norm_row(const ll_kernels *kernels, const ll_norm *norm, const float *x, float *y) {
    if (!norm->weight) {
        if (y != x) memcpy(y, x, norm->n * sizeof *y);
    } else if (norm->kind == LL_NORM_RMS) {
        kernels->rms_norm(x, norm->weight, norm->eps, y, norm->n);
    } else {
        kernels->layer_norm(x, norm->weight, norm->bias, norm->eps, y, norm->n);
    }
}

void ll_norm_apply(const ll_exec *exec, const ll_norm *norm, const float *x, size_t n_rows, float *y) {
    size_t begin, end;
    ll_team_share(exec->team, n_rows, 1, &begin, &end);
    for (size_t r = begin; r < end; r++) ll_norm_row(exec->kernels, norm, x + r * norm->n, y + r * norm->n);
}

void ll_norm_add(const ll_exec *exec, const ll_norm *norm, float *y, size_t n_rows, float *x) {
    size_t begin, end;
    ll_team_share(exec->team, n_rows, 1, &begin, &end);
    for (size_t at = begin * norm->n; at < end * norm->n; at += norm->n) {
        ll_norm_row(exec->kernels, norm, y + at, y + at);
        exec->kernels->add(x + at, y + at, x + at, norm->n);
    }
}
