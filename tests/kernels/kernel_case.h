/* What the tests of kernels share: all rows that run here. */
#ifndef TESTS_KERNELS_KERNEL_CASE_H
#define TESTS_KERNELS_KERNEL_CASE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/kernel_sets.h"
#include "support/kernel_sets.h"
#include "support/random.h"
#include "support/suite.h"

/* Exactly n floats, so that the address sanitizer sees one past the end. */
static inline float *floats(size_t n) {
    float *x = malloc((n ? n : 1) * sizeof *x);
    ck_assert_ptr_nonnull(x);
    return x;
}

static inline float *random_floats(uint64_t *seed, float scale, size_t n) {
    float *x = floats(n);
    random_fill(seed, scale, x, n);
    return x;
}

#endif
