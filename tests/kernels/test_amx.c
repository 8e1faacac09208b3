/* The product with AMX against AVX-512 VNNI's, to the bit. Processors with AMX are few, so its tiles are emulated. */
#include "kernels/kernel_case.h"
#include "support/emulated_amx.h"
#include "weights/pack.h"

#if defined(__x86_64__)
static void compare(uint64_t *seed, size_t n_rows, size_t n_in, size_t n_out, bool with_bias, bool with_residual) {
    const ll_kernels *k = &ll_kernels_avx512vnni;
    const llmcs_allocator a = ll_allocator_default();
    const size_t stride = ll_q_row_bytes(k->q_bytes, n_in);
    ll_linear linear;
    ck_assert_int_eq(ll_linear_create(&linear, &a, k, LL_Q8, n_in, n_out, false, "w"), LLMCS_OK);
    float *w = random_floats(seed, 1.0f, n_in * n_out), *x = random_floats(seed, 1.0f, n_rows * n_in);
    float *bias = random_floats(seed, 1.0f, n_out), *residual = random_floats(seed, 1.0f, n_rows * n_out);
    float *y = floats(n_rows * n_out), *expected = floats(n_rows * n_out);
    char *rows = malloc(n_rows * stride);
    ck_assert_ptr_nonnull(rows);
    ll_linear_measure(&linear, LL_OUT_IN, &(ll_rectangle){0, 0, n_out, n_in}, 0, w);
    ll_linear_put(&linear, LL_OUT_IN, &(ll_rectangle){0, 0, n_out, n_in}, 0, w);
    for (size_t r = 0; r < n_rows; r++) k->quantize(x + r * n_in, n_in, false, rows + r * stride);
    ll_product p = {.x = rows,
                    .x_stride = stride,
                    .n_rows = n_rows,
                    .w = linear.packed,
                    .panel_bytes = linear.panel_bytes,
                    .n_in = n_in,
                    .n_out = n_out,
                    .bias = with_bias ? bias : NULL,
                    .residual = with_residual ? residual : NULL,
                    .y = expected,
                    .ldy = n_out};
    k->matmul[LL_Q8](&p);
    p.y = y;
    emulated_amx_matmul_q8(&p);
    ck_assert_msg(!memcmp(y, expected, n_rows * n_out * sizeof *y), "%zu x %zu x %zu", n_rows, n_in, n_out);
    ll_linear_free(&linear, &a);
    free(w);
    free(x);
    free(bias);
    free(residual);
    free(y);
    free(expected);
    free(rows);
}

START_TEST(products_with_amx_equal_those_with_vnni) {
    static const size_t rows[] = {1, 12, 13, 15, 16, 17, 31, 32, 33, 48, 50, 64, 70};
    static const size_t ins[] = {1, 32, 64, 90, 96, 128, 257}, outs[] = {1, 63, 64, 65, 128, 200};
    if (!ll_cpu_detect().avx512_vnni) {
        suite_skip("products_with_amx_equal_those_with_vnni", "this processor lacks AVX-512 VNNI");
        return;
    }
    uint64_t seed = 71;
    size_t c = 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (size_t j = 0; j < sizeof ins / sizeof *ins; j++)
            for (size_t k = 0; k < sizeof outs / sizeof *outs; k++, c++)
                compare(&seed, rows[i], ins[j], outs[k], c % 2, c % 3);
    ck_assert_uint_gt(emulated_amx_n_products, 0);
}
END_TEST
#else
START_TEST(products_with_amx_equal_those_with_vnni) { suite_skip("AMX", "this processor is no x86-64"); }
END_TEST
#endif

static void add(TCase *t) { tcase_add_test(t, products_with_amx_equal_those_with_vnni); }

SUITE_MAIN("kernels/amx", add)
