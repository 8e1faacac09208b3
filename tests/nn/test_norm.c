#include <string.h>

#include "nn/nn_case.h"

/* Rows are divided, not their numbers: a team of any size gives the bits of a team of one. */
START_TEST(every_row_is_normed_once_whatever_the_team) {
    const ll_kernels *kernels[MAX_KERNEL_SETS];
    const size_t n_kernels = all_kernels(kernels), n = 37, n_rows = 11;
    uint64_t seed = 31;
    for (size_t i = 0; i < n_kernels; i++) {
        float *x = random_floats(&seed, 2.0f, n_rows * n), *weight = random_floats(&seed, 1.0f, n);
        float *bias = random_floats(&seed, 1.0f, n), *want = floats(n_rows * n), *y = floats(n_rows * n);
        const ll_norm norm = {.n = n, .eps = 1e-5f, .weight = weight, .bias = bias};
        for (size_t r = 0; r < n_rows; r++) kernels[i]->layer_norm(x + r * n, weight, bias, 1e-5f, want + r * n, n);
        for (int size = 1; size <= 16; size++) {
            memcpy(y, x, n_rows * n * sizeof *y); /* in place */
            for (int index = 0; index < size; index++) {
                ll_team team = {NULL, index, size};
                const ll_exec exec = {.team = &team, .kernels = kernels[i]};
                ll_norm_apply(&exec, &norm, y, n_rows, y);
            }
            ck_assert_mem_eq(y, want, n_rows * n * sizeof *y);
        }
        free(x);
        free(weight);
        free(bias);
        free(want);
        free(y);
    }
}
END_TEST

START_TEST(every_kernel_set_of_this_build_runs_here) { name_kernel_sets_that_cannot_run(); }
END_TEST

static void add(TCase *t) {
    tcase_add_test(t, every_kernel_set_of_this_build_runs_here);
    tcase_add_test(t, every_row_is_normed_once_whatever_the_team);
}

SUITE_MAIN("nn/norm", add)
