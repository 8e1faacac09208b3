#include <math.h>
#include <string.h>

#include "kernels/kernel_case.h"

/* Sums of n products, each at most 1, in float: the bound of n roundings (Higham 2002, section 3.1), and a margin. */
static double tolerance(size_t n) { return 1.2e-7 * (double)(n + 2); }

/* Panels of weight [n_out, n_in], zeros past n_out. */
static void matmul_f32(const ll_kernels *k, const float *x, size_t ldx, size_t n_rows, const float *w, size_t n_in,
                       size_t n_out, const float *bias, const float *residual, float *y, size_t ldy) {
    const ll_product p = {.x = x,
                          .x_stride = ldx * sizeof *x,
                          .n_rows = n_rows,
                          .w = w,
                          .panel_bytes = k->nr * ll_output_bytes(LL_F32, n_in),
                          .n_in = n_in,
                          .n_out = n_out,
                          .bias = bias,
                          .residual = residual,
                          .y = y,
                          .ldy = ldy,
                          .next = w};
    k->matmul[LL_F32](&p);
}

static float *pack(const ll_kernels *k, const float *weight, size_t n_in, size_t n_out) {
    const size_t n_panels = (n_out + k->nr - 1) / k->nr;
    float *packed = floats(n_panels * n_in * k->nr);
    for (size_t i = 0; i < n_panels * n_in * k->nr; i++) {
        const size_t out = i / (n_in * k->nr) * k->nr + i % k->nr, in = i / k->nr % n_in;
        packed[i] = out < n_out ? weight[out * n_in + in] : 0.0f;
    }
    return packed;
}

START_TEST(matmul_equals_the_formula) {
    static const size_t ins[] = {1, 2, 31, 255, 256, 257, 600}, outs[] = {1, 7, 8, 15, 16, 17, 33, 64, 100};
    const ll_kernels *sets[MAX_KERNEL_SETS];
    const size_t n_kernels = all_kernels(sets);
    uint64_t seed = 11;
    for (size_t c = 0; c < n_kernels * 7 * 9; c++) {
        const ll_kernels *k = sets[c / 63];
        const size_t n_in = ins[c % 63 / 9], n_out = outs[c % 9], n_rows = 1 + random_below(&seed, 15);
        const size_t ldx = n_in + random_below(&seed, 3), ldy = n_out + random_below(&seed, 3);
        float *weight = random_floats(&seed, 1.0f, n_in * n_out), *packed = pack(k, weight, n_in, n_out);
        float *x = random_floats(&seed, 1.0f, n_rows * ldx), *y = floats(n_rows * ldy);
        float *bias = c % 2 ? random_floats(&seed, 1.0f, n_out) : NULL;
        float *residual = c % 3 ? random_floats(&seed, 1.0f, n_rows * ldy) : NULL;
        memset(y, 0xff, n_rows * ldy * sizeof *y);
        matmul_f32(k, x, ldx, n_rows, packed, n_in, n_out, bias, residual, y, ldy);
        for (size_t r = 0; r < n_rows; r++) {
            for (size_t j = 0; j < n_out; j++) {
                double sum = (bias ? bias[j] : 0) + (residual ? (double)residual[r * ldy + j] : 0);
                for (size_t i = 0; i < n_in; i++) sum += (double)x[r * ldx + i] * weight[j * n_in + i];
                ck_assert_double_eq_tol(y[r * ldy + j], sum, tolerance(n_in));
            }
            for (size_t j = n_out; j < ldy; j++) ck_assert(isnan(y[r * ldy + j]));
        }
        free(weight);
        free(packed);
        free(x);
        free(y);
        free(bias);
        free(residual);
    }
}
END_TEST

/* A row's bits are those it has alone, whatever the number of rows, and a column's those it has in a narrower
 * product. */
START_TEST(matmul_bits_depend_on_row_and_column_only) {
    static const size_t shapes[][2] = {{1, 40}, {300, 129}, {768, 48}, {1031, 67}};
    const ll_kernels *sets[MAX_KERNEL_SETS];
    const size_t n_kernels = all_kernels(sets), n_rows = 70;
    uint64_t seed = 12;
    for (size_t c = 0; c < n_kernels * 4; c++) {
        const ll_kernels *k = sets[c / 4];
        const size_t n_in = shapes[c % 4][0], n_out = shapes[c % 4][1];
        float *weight = random_floats(&seed, 1.0f, n_in * n_out), *packed = pack(k, weight, n_in, n_out);
        float *x = random_floats(&seed, 1.0f, n_rows * n_in);
        float *bias = random_floats(&seed, 1.0f, n_out), *residual = random_floats(&seed, 1.0f, n_rows * n_out);
        float *alone = floats(n_rows * n_out), *together = floats(n_rows * n_out);
        for (size_t r = 0; r < n_rows; r++) {
            matmul_f32(k, x + r * n_in, n_in, 1, packed, n_in, n_out, bias, residual + r * n_out, alone + r * n_out,
                       n_out);
        }
        for (size_t n = 1; n <= n_rows; n++) {
            memset(together, 0xff, n * n_out * sizeof *together);
            matmul_f32(k, x, n_in, n, packed, n_in, n_out, bias, residual, together, n_out);
            ck_assert_mem_eq(together, alone, n * n_out * sizeof *alone);
        }
        for (size_t j = 0; j < n_out; j += k->nr) {
            const size_t width = n_out - j < k->nr ? n_out - j : k->nr;
            matmul_f32(k, x, n_in, n_rows, packed + j * n_in, n_in, width, bias + j, residual + j, together + j, n_out);
        }
        ck_assert_mem_eq(together, alone, n_rows * n_out * sizeof *alone);
        free(weight);
        free(packed);
        free(x);
        free(alone);
        free(together);
        free(bias);
        free(residual);
    }
}
END_TEST

START_TEST(every_kernel_set_of_this_build_runs_here) { name_kernel_sets_that_cannot_run(); }
END_TEST

static void add(TCase *t) {
    tcase_add_test(t, every_kernel_set_of_this_build_runs_here);
    tcase_add_test(t, matmul_equals_the_formula);
    tcase_add_test(t, matmul_bits_depend_on_row_and_column_only);
}

SUITE_MAIN("kernels/products", add)
