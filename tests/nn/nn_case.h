/* What the tests of nn share: every row of kernels that runs here, and teams without threads. None of the steps of
 * nn waits, so a team of n is played by calling a step n times, once for each index, in any order. */
#ifndef TESTS_NN_NN_CASE_H
#define TESTS_NN_NN_CASE_H

#include <stdlib.h>

#include "nn/nn.h"
#include "support/kernel_rows.h"
#include "support/random.h"
#include "support/suite.h"

static inline float *floats(size_t n) {
    void *p = NULL;
    ck_assert_int_eq(posix_memalign(&p, 64, n * sizeof(float) + 64), 0);
    return p;
}

static inline float *random_floats(uint64_t *seed, float scale, size_t n) {
    float *x = floats(n);
    random_fill(seed, scale, x, n);
    return x;
}

#endif
