#include "runtime/numbers.h"

#include <math.h>
#include <string.h>

#include "generate/softmax.h"

/* On bits, so that it goes many floats at a time: all ones in the exponent is NaN or infinity. */
bool ll_all_finite(const float *x, size_t n) {
    uint32_t bad = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, &x[i], sizeof bits);
        bad |= (bits & 0x7f800000u) == 0x7f800000u;
    }
    return !bad;
}

llmcs_status ll_check_finite(const float *values, size_t n_rows, size_t n, const char *what) {
    for (size_t r = 0; r < n_rows; r++)
        if (!ll_all_finite(values + r * n, n))
            return ll_fail(LLMCS_NUMERIC, "%s, row %zu: NaN or infinity came out of the network", what, r);
    return LLMCS_OK;
}

double ll_log_sum_of_exps(const float *x, size_t n) {
    float max;
    (void)ll_row_scan(x, n, &max); /* no NaN: that was checked when the row came out of the network */
    return ll_log_sum_exp(x, n, max);
}

void ll_probabilities(const float *x, size_t n, float *probabilities) {
    double log_sum = ll_log_sum_of_exps(x, n);
    for (size_t i = 0; i < n; i++) probabilities[i] = (float)exp((double)x[i] - log_sum);
}
