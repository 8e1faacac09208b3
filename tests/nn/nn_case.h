/* What the tests of nn share: every kernel set that runs here, and teams without threads. None of the steps of
 * nn waits, so a team of n is played by calling a step n times, once for each index, in any order. */
#ifndef TESTS_NN_NN_CASE_H
#define TESTS_NN_NN_CASE_H

#include <math.h>
#include <stdlib.h>

#include "support/kernel_sets.h"
#include "support/random.h"
#include "support/suite.h"
#include "weights/weights.h"

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

/* That max [n_rows, blocks of n] holds the largest of each block of each row of y [n_rows, n], and where a row has a
 * number that is not finite, a NaN. */
static inline void check_block_max(const float *y, const float *max, size_t n_rows, size_t n) {
    const size_t n_blocks = ll_row_blocks(n);
    for (size_t r = 0; r < n_rows; r++) {
        bool finite = true, nan = false;
        for (size_t j = 0; j < n; j++) finite &= isfinite(y[r * n + j]) != 0;
        for (size_t b = 0; b < n_blocks; b++) nan |= isnan(max[r * n_blocks + b]) != 0;
        ck_assert(nan == !finite);
        for (size_t b = 0; b < n_blocks && finite; b++) {
            float largest = -INFINITY;
            for (size_t j = b * LL_ROW_BLOCK; j < n && j < (b + 1) * LL_ROW_BLOCK; j++)
                largest = fmaxf(largest, y[r * n + j]);
            ck_assert_msg(largest == max[r * n_blocks + b], "row %zu block %zu: %g, expected %g", r, b,
                          (double)max[r * n_blocks + b], (double)largest);
        }
    }
}

#endif
