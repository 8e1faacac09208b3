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

static float *rows_of(uint64_t *seed, const ll_kernels *k, const ll_norm *norm, size_t n_rows, float **x) {
    float *want = floats(n_rows * norm->n);
    *x = random_floats(seed, 2.0f, n_rows * norm->n);
    for (size_t r = 0; r < n_rows; r++) {
        float *row = want + r * norm->n;
        memcpy(row, *x + r * norm->n, norm->n * sizeof *row);
        if (norm->weight && norm->kind == LL_NORM_RMS) k->rms_norm(row, norm->weight, norm->eps, row, norm->n);
        if (norm->weight && norm->kind == LL_NORM_LAYER)
            k->layer_norm(row, norm->weight, norm->bias, norm->eps, row, norm->n);
    }
    return want;
}

/* RMS, a layer norm without a bias, and none: alone, added to what there is, and as the input of a linear. */
START_TEST(kinds_of_norms) {
    const ll_kernels *kernels[MAX_KERNEL_SETS];
    const size_t n_kernels = all_kernels(kernels), n = 64, n_rows = 5;
    const llmcs_allocator a = ll_allocator_default();
    uint64_t seed = 32;
    for (size_t c = 0; c < n_kernels * 3; c++) {
        const ll_kernels *k = kernels[c / 3];
        float *weight = random_floats(&seed, 1.0f, n), *x, *normed = floats(ll_normed_rows(n_rows, 3) * n);
        const ll_norm norm = {.n = n,
                              .eps = 1e-6f,
                              .weight = c % 3 == 2 ? NULL : weight,
                              .kind = c % 3 == 0 ? LL_NORM_RMS : LL_NORM_LAYER};
        float *want = rows_of(&seed, k, &norm, n_rows, &x), *y = floats(n_rows * n), *sum = floats(n_rows * n);
        float *base = random_floats(&seed, 1.0f, n_rows * n);
        ll_linear linear;
        ck_assert_int_eq(ll_linear_create(&linear, &a, k, LL_F32, n, 8, false, "w"), LLMCS_OK);
        for (int size = 1; size <= 3; size++) {
            memcpy(y, x, n_rows * n * sizeof *y);
            memcpy(sum, base, n_rows * n * sizeof *sum);
            for (int index = 0; index < size; index++) {
                ll_team team = {NULL, index, size};
                const ll_exec exec = {.team = &team, .kernels = k};
                ll_norm_add(&exec, &norm, y, n_rows, sum);
                ll_norm_apply(&exec, &norm, x, n_rows, normed);
            }
            ck_assert_mem_eq(normed, want, n_rows * n * sizeof *y);
            for (size_t i = 0; i < n_rows * n; i++) ck_assert(sum[i] == base[i] + want[i]);
        }
        const ll_exec one = {.team = &(ll_team){NULL, 0, 1}, .kernels = k};
        const ll_input in = ll_norm_input(&one, &norm, &linear, x, n_rows, normed);
        ck_assert_uint_eq(in.n_rows, n_rows);
        ck_assert_mem_eq(in.floats, want, n_rows * n * sizeof *y);
        ll_linear_free(&linear, &a);
        float *const all[] = {weight, x, normed, want, y, sum, base};
        for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
    }
}
END_TEST

START_TEST(every_kernel_set_of_this_build_runs_here) { name_kernel_sets_that_cannot_run(); }
END_TEST

static void add(TCase *t) {
    tcase_add_test(t, every_kernel_set_of_this_build_runs_here);
    tcase_add_test(t, every_row_is_normed_once_whatever_the_team);
    tcase_add_test(t, kinds_of_norms);
}

SUITE_MAIN("nn/norm", add)
