/* Layer norm: rows are divided over the threads. */
#include "nn/nn.h"

void ll_norm_apply(const ll_exec *exec, const ll_norm *norm, const float *x, size_t n_rows, float *y) {
    size_t begin, end;
    ll_team_share(exec->team, n_rows, 1, &begin, &end);
    for (size_t r = begin; r < end; r++) {
        exec->kernels->layer_norm(x + r * norm->n, norm->weight, norm->bias, norm->eps, y + r * norm->n, norm->n);
    }
}
