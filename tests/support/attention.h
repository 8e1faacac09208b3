/* Attention in double: what the tests of the kernels and of nn compare with. */
#ifndef TESTS_SUPPORT_ATTENTION_H
#define TESTS_SUPPORT_ATTENTION_H

#include <math.h>

#include "base/half.h"
#include "kernels/kernels.h"

/* x as a KV cache of this type returns it. */
static inline double stored_number(ll_kv_type type, double x) {
    return type == LL_KV_F16 ? (double)ll_half_to_float(ll_float_to_half((float)x)) : x;
}

/* out[dim] = sum_t e^scores[t] values[t] / sum_t e^scores[t]; values [n, dim] with rows of ld floats. A score of minus
 * infinity is no weight. */
static inline void average_exactly(const double *scores, size_t n, const float *values, size_t ld, size_t dim,
                                   ll_kv_type type, double *out) {
    double sum = 0;
    for (size_t d = 0; d < dim; d++) out[d] = 0;
    for (size_t t = 0; t < n; t++) {
        if (isinf(scores[t])) continue;
        const double weight = exp(scores[t]);
        sum += weight;
        for (size_t d = 0; d < dim; d++) out[d] += weight * stored_number(type, (double)values[t * ld + d]);
    }
    for (size_t d = 0; d < dim; d++) out[d] /= sum;
}

#endif
