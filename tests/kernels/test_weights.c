/* Weights in other types than float32: products by them on every kernel set against the same weights multiplied
 * out, and against each other. Matrices are packed by nn/pack.h, whose layouts are what kernels/panels.h says. */
#include <math.h>
#include <signal.h>
#include <string.h>

#include "base/half.h"
#include "kernels/kernel_case.h"
#include "weights/pack.h"

#define MAX_OUT 200

static const char *const type_names[] = {"f32", "f16", "bf16", "q8", "q4"};

/* A matrix [n_out, n_in] packed as `type`, and what it holds multiplied out. */
typedef struct matrix {
    ll_linear linear;
    float *values; /* [n_out, n_in] */
} matrix;

static matrix matrix_new(uint64_t *seed, const ll_kernels *k, ll_weight_type type, size_t n_in, size_t n_out) {
    const llmcs_allocator a = ll_allocator_default();
    matrix m;
    m.values = random_floats(seed, 1.0f, n_in * n_out);
    ck_assert_int_eq(ll_linear_create(&m.linear, &a, k, type, n_in, n_out, false, "w"), LLMCS_OK);
    const ll_rectangle all = {0, 0, n_out, n_in};
    if (type == LL_Q8) ll_linear_measure(&m.linear, LL_OUT_IN, &all, 0, m.values);
    ll_linear_put(&m.linear, LL_OUT_IN, &all, 0, m.values);
    for (size_t o = 0; o < n_out; o++) ll_linear_row(&m.linear, o, m.values + o * n_in);
    return m;
}

static void matrix_free(matrix *m) {
    const llmcs_allocator a = ll_allocator_default();
    ll_linear_free(&m->linear, &a);
    free(m->values);
}

/* Rows of x as the kernels want them for this type, and how far apart. */
static void *rows_for(const ll_kernels *k, ll_weight_type type, const float *x, size_t n_rows, size_t n_in,
                      size_t *stride) {
    const bool integers = ll_is_integer_type(type);
    *stride = integers ? ll_q_row_bytes(k->q_bytes, n_in) : n_in * sizeof *x;
    char *rows = (char *)floats(n_rows * *stride / sizeof(float) + 16);
    for (size_t r = 0; r < n_rows; r++) {
        if (integers)
            k->quantize(x + r * n_in, n_in, type == LL_Q4, rows + r * *stride);
        else
            memcpy(rows + r * *stride, x + r * n_in, n_in * sizeof *x);
    }
    return rows;
}

static void multiply(const ll_kernels *k, const matrix *m, const void *rows, size_t stride, size_t n_rows,
                     const float *bias, const float *residual, float *y) {
    const size_t n_out = m->linear.n_out;
    const ll_product p = {.x = rows,
                          .x_stride = stride,
                          .n_rows = n_rows,
                          .w = m->linear.packed,
                          .panel_bytes = m->linear.panel_bytes,
                          .n_in = m->linear.n_in,
                          .n_out = n_out,
                          .bias = bias,
                          .residual = residual,
                          .y = y,
                          .ldy = n_out};
    k->matmul[m->linear.type](&p);
}

/* The same by floats, the first n inputs before the others. */
static void multiply_in_two(const ll_kernels *k, const matrix *m, size_t n, const float *x, size_t n_rows,
                            const float *bias, const float *residual, float *sums, float *y) {
    const size_t n_in = m->linear.n_in, n_out = m->linear.n_out;
    ll_product p = {.x = x,
                    .x_stride = n_in * sizeof *x,
                    .n_rows = n_rows,
                    .w = m->linear.packed,
                    .panel_bytes = m->linear.panel_bytes,
                    .n_in = n,
                    .n_out = n_out,
                    .y = sums,
                    .ldy = n_out};
    k->matmul[m->linear.type](&p);
    p.x = x + n;
    p.w = (const char *)m->linear.packed + k->nr * ll_output_bytes(m->linear.type, n);
    p.n_in = n_in - n;
    p.acc = sums;
    p.bias = bias;
    p.residual = residual;
    p.y = y;
    k->matmul[m->linear.type](&p);
}

/* x as a product by these weights takes it, in double: in 8 bits, or as it is. */
static void held_row(ll_weight_type type, const float *x, size_t n, double *out) {
    if (!ll_is_integer_type(type)) {
        for (size_t i = 0; i < n; i++) out[i] = x[i];
        return;
    }
    float largest = 0;
    for (size_t i = 0; i < n; i++) largest = fmaxf(largest, fabsf(x[i]));
    const float inverse = largest > 0 ? 127.0f / largest : 0;
    for (size_t i = 0; i < n; i++) out[i] = (double)rintf(x[i] * inverse) * (largest / 127.0f);
}

static const size_t ins[] = {1, 2, 31, 32, 33, 64, 100, 257, 600}, outs[] = {1, 7, 16, 17, 64, 65, 130};
#define N_SHAPES (sizeof ins / sizeof *ins * (sizeof outs / sizeof *outs))

START_TEST(products_equal_the_weights_multiplied_out) {
    const ll_kernels *sets[MAX_KERNEL_SETS];
    const size_t n_kernels = all_kernels(sets);
    uint64_t seed = 51;
    for (size_t c = 0; c < n_kernels * LL_N_WEIGHT_TYPES * N_SHAPES; c += suite_step(5)) {
        const ll_kernels *k = sets[c / (LL_N_WEIGHT_TYPES * N_SHAPES)];
        const ll_weight_type type = (ll_weight_type)(c / N_SHAPES % LL_N_WEIGHT_TYPES);
        const size_t n_in = ins[c % 9], n_out = outs[c % N_SHAPES / 9];
        const size_t n_rows = 1 + random_below(&seed, type == LL_Q8 ? 45 : 15);
        matrix m = matrix_new(&seed, k, type, n_in, n_out);
        float *x = random_floats(&seed, 1.0f, n_rows * n_in), *y = floats(n_rows * n_out);
        float *bias = c % 2 ? random_floats(&seed, 1.0f, n_out) : NULL;
        float *residual = c % 3 ? random_floats(&seed, 1.0f, n_rows * n_out) : NULL;
        double held[600];
        size_t stride;
        void *quantised = rows_for(k, type, x, n_rows, n_in, &stride);
        multiply(k, &m, quantised, stride, n_rows, bias, residual, y);
        for (size_t r = 0; r < n_rows; r++) {
            held_row(type, x + r * n_in, n_in, held);
            for (size_t j = 0; j < n_out; j++) {
                double want = (bias ? bias[j] : 0) + (residual ? (double)residual[r * n_out + j] : 0);
                for (size_t i = 0; i < n_in; i++) want += held[i] * m.values[j * n_in + i];
                ck_assert_msg(fabs(y[r * n_out + j] - want) <= 1.2e-7 * (double)(n_in + 4),
                              "%s %s %zu x %zu, row %zu of %zu, column %zu: %g, expected %g", k->name, type_names[type],
                              n_in, n_out, r, n_rows, j, (double)y[r * n_out + j], want);
            }
        }
        matrix_free(&m);
        free(x);
        free(y);
        free(bias);
        free(residual);
        free(quantised);
    }
}
END_TEST

/* A sum that waits in memory for further inputs goes on as if it never had. (Pairs of bfloat16 stay together.) */
START_TEST(sums_of_floats_may_be_interrupted) {
    const ll_kernels *sets[MAX_KERNEL_SETS];
    const size_t n_kernels = all_kernels(sets), n_types = 3;
    uint64_t seed = 59;
    for (size_t c = 0; c < n_kernels * n_types * N_SHAPES; c += suite_step(5)) {
        const ll_kernels *k = sets[c / (n_types * N_SHAPES)];
        const ll_weight_type type = (ll_weight_type)(c / N_SHAPES % n_types);
        const size_t n_in = ins[c % 9], n_out = outs[c % N_SHAPES / 9], n_rows = 1 + random_below(&seed, 15);
        if (n_in < 3) continue;
        matrix m = matrix_new(&seed, k, type, n_in, n_out);
        float *x = random_floats(&seed, 1.0f, n_rows * n_in), *whole = floats(n_rows * n_out);
        float *sums = floats(n_rows * n_out), *y = random_floats(&seed, 1.0f, n_rows * n_out);
        float *bias = c % 2 ? random_floats(&seed, 1.0f, n_out) : NULL;
        const size_t first = 2 + random_below(&seed, (n_in - 1) / 2) * 2;
        multiply(k, &m, x, n_in * sizeof *x, n_rows, bias, c % 3 ? y : NULL, whole);
        if (c % 3)
            multiply_in_two(k, &m, first, x, n_rows, bias, y, sums, y);
        else
            multiply_in_two(k, &m, first, x, n_rows, bias, NULL, y, y);
        ck_assert_msg(!memcmp(y, whole, n_rows * n_out * sizeof *y), "%s %s %zu x %zu, %zu rows, cut at %zu", k->name,
                      type_names[type], n_in, n_out, n_rows, first);
        matrix_free(&m);
        free(x);
        free(whole);
        free(sums);
        free(y);
        free(bias);
    }
}
END_TEST

/* Integer weights give the same bits on every processor: plain C's. */
START_TEST(integers_give_the_same_bits_on_every_row) {
    const ll_kernels *sets[MAX_KERNEL_SETS];
    const size_t n_kernels = all_kernels(sets);
    for (size_t c = 0; c < 2 * N_SHAPES; c += suite_step(5)) {
        const ll_weight_type type = c % 2 ? LL_Q4 : LL_Q8;
        const size_t n_in = ins[c / 2 % 9], n_out = outs[c / 2 / 9], n_rows = c % 4 ? 14 : 45;
        float *first = NULL;
        for (size_t i = n_kernels; i-- > 0;) { /* plain C is the last */
            uint64_t seed = 52 + c;
            matrix m = matrix_new(&seed, sets[i], type, n_in, n_out);
            float *x = random_floats(&seed, 3.0f, n_rows * n_in), *y = floats(n_rows * n_out);
            float *bias = random_floats(&seed, 1.0f, n_out);
            size_t stride;
            void *quantised = rows_for(sets[i], type, x, n_rows, n_in, &stride);
            multiply(sets[i], &m, quantised, stride, n_rows, bias, NULL, y);
            if (first)
                ck_assert_msg(!memcmp(first, y, n_rows * n_out * sizeof *y), "%s %s: %zu x %zu", sets[i]->name,
                              type_names[type], n_in, n_out);
            else
                first = y;
            if (first != y) free(y);
            matrix_free(&m);
            free(x);
            free(bias);
            free(quantised);
        }
        free(first);
    }
}
END_TEST

/* The largest products, all of one sign: sums in 16 bits must not overflow. In each block of Q4 one weight is -8 times
 * the scale, so that the others can be 7 times. */
START_TEST(the_largest_integers_are_summed_exactly) {
    enum { N_IN = 96, N_OUT = 40, N_ROWS = 7 };
    const ll_kernels *sets[MAX_KERNEL_SETS];
    const size_t n_kernels = all_kernels(sets);
    for (size_t c = 0; c < n_kernels * 4; c++) {
        const ll_weight_type type = c % 2 ? LL_Q4 : LL_Q8;
        const ll_kernels *k = sets[c / 4];
        const float sign = c / 2 % 2 ? -1.0f : 1.0f;
        uint64_t seed = 57;
        matrix m = matrix_new(&seed, k, type, N_IN, N_OUT);
        float *w = floats(N_IN * N_OUT), *x = floats(N_ROWS * N_IN), *y = floats(N_ROWS * N_OUT);
        for (size_t i = 0; i < N_IN * N_OUT; i++) w[i] = type == LL_Q4 && i % LL_Q_BLOCK == 5 ? -8.0f : 7.0f;
        for (size_t i = 0; i < N_ROWS * N_IN; i++) x[i] = sign * 127.0f;
        const ll_rectangle all = {0, 0, N_OUT, N_IN};
        if (type == LL_Q8) {
            for (size_t o = 0; o < N_OUT; o += k->nr) /* no scales yet */
                memset((char *)m.linear.packed + o / k->nr * m.linear.panel_bytes, 0, k->nr * sizeof(float));
            ll_linear_measure(&m.linear, LL_OUT_IN, &all, 0, w);
        }
        ll_linear_put(&m.linear, LL_OUT_IN, &all, 0, w);
        size_t stride;
        void *rows = rows_for(k, type, x, N_ROWS, N_IN, &stride);
        multiply(k, &m, rows, stride, N_ROWS, NULL, NULL, y);
        const float want = sign * 127.0f * (type == LL_Q4 ? 3 * (31 * 7.0f - 8.0f) : N_IN * 7.0f);
        for (size_t i = 0; i < N_ROWS * N_OUT; i++)
            ck_assert_msg(fabsf(y[i] - want) <= 1e-6f * fabsf(want), "%s %s: %g, expected %g", k->name,
                          type_names[type], (double)y[i], (double)want);
        matrix_free(&m);
        free(w);
        free(x);
        free(y);
        free(rows);
    }
}
END_TEST

/* Every type: a row's bits are those it has alone. */
START_TEST(bits_depend_on_row_and_column_only) {
    const ll_kernels *sets[MAX_KERNEL_SETS];
    const size_t n_kernels = all_kernels(sets), n_out = MAX_OUT;
    uint64_t seed = 53;
    for (size_t c = 0; c < n_kernels * LL_N_WEIGHT_TYPES * 2; c++) {
        const ll_kernels *k = sets[c / (2 * LL_N_WEIGHT_TYPES)];
        const ll_weight_type type = (ll_weight_type)(c / 2 % LL_N_WEIGHT_TYPES);
        const size_t n_in = c % 2 ? 768 : 131, n_rows = suite_emulated(NULL) ? 14 : type == LL_Q8 ? 70 : 30;
        matrix m = matrix_new(&seed, k, type, n_in, n_out);
        float *x = random_floats(&seed, 1.0f, n_rows * n_in), *alone = floats(n_rows * n_out);
        float *together = floats(n_rows * n_out);
        size_t stride;
        char *quantised = rows_for(k, type, x, n_rows, n_in, &stride);
        for (size_t r = 0; r < n_rows; r++)
            multiply(k, &m, quantised + r * stride, stride, 1, NULL, NULL, alone + r * n_out);
        for (size_t n = 1; n <= n_rows; n += suite_step(4)) {
            memset(together, 0xff, n * n_out * sizeof *together);
            multiply(k, &m, quantised, stride, n, NULL, NULL, together);
            ck_assert_msg(!memcmp(together, alone, n * n_out * sizeof *alone), "%s %s: %zu rows", k->name,
                          type_names[type], n);
        }
        matrix_free(&m);
        free(x);
        free(alone);
        free(together);
        free(quantised);
    }
}
END_TEST

/* How a float16 or bfloat16 number is kept does not show: the product has the bits of the float32 it is. */
START_TEST(halves_give_the_bits_of_their_float32) {
    const ll_kernels *sets[MAX_KERNEL_SETS];
    const size_t n_kernels = all_kernels(sets), n_in = 301, n_out = 70, n_rows = 9;
    uint64_t seed = 54;
    for (size_t c = 0; c < n_kernels * 2; c++) {
        const ll_kernels *k = sets[c / 2];
        matrix half = matrix_new(&seed, k, c % 2 ? LL_F16 : LL_BF16, n_in, n_out);
        matrix whole = {.values = half.values};
        const llmcs_allocator a = ll_allocator_default();
        ck_assert_int_eq(ll_linear_create(&whole.linear, &a, k, LL_F32, n_in, n_out, false, "w"), LLMCS_OK);
        ll_linear_put(&whole.linear, LL_OUT_IN, &(ll_rectangle){0, 0, n_out, n_in}, 0, half.values);
        float *x = random_floats(&seed, 1.0f, n_rows * n_in);
        float *y = floats(n_rows * n_out), *z = floats(n_rows * n_out);
        multiply(k, &half, x, n_in * sizeof *x, n_rows, NULL, NULL, y);
        multiply(k, &whole, x, n_in * sizeof *x, n_rows, NULL, NULL, z);
        ck_assert_mem_eq(y, z, n_rows * n_out * sizeof *y);
        ll_linear_free(&whole.linear, &a);
        matrix_free(&half);
        free(x);
        free(y);
        free(z);
    }
}
END_TEST

/* What 8 bits hold of a row: within half a step, at most 127 steps; and rows that are zero, tiny, or not finite. */
START_TEST(rows_are_quantised_as_said) {
    const ll_kernels *sets[MAX_KERNEL_SETS];
    const size_t n_kernels = all_kernels(sets), n = 75;
    uint64_t seed = 55;
    for (size_t i = 0; i < n_kernels; i++) {
        const ll_kernels *k = sets[i];
        float *x = random_floats(&seed, 5.0f, n), one = 1.0f;
        ll_q_row *row = (ll_q_row *)(void *)floats(ll_q_row_bytes(k->q_bytes, n) / sizeof(float));
        /* The values seen through a product by each unit vector. */
        matrix m = matrix_new(&seed, k, LL_Q8, n, n);
        for (size_t o = 0; o < n; o++) {
            float *unit = floats(n);
            for (size_t j = 0; j < n; j++) unit[j] = j == o ? one : 0.0f;
            const ll_rectangle part = {o, 0, 1, n};
            ((float *)(void *)((char *)m.linear.packed + o / k->nr * m.linear.panel_bytes))[o % k->nr] = 0.0f;
            ll_linear_measure(&m.linear, LL_OUT_IN, &part, 0, unit);
            ll_linear_put(&m.linear, LL_OUT_IN, &part, 0, unit);
            free(unit);
        }
        float seen[75];
        k->quantize(x, n, false, row);
        multiply(k, &m, row, 0, 1, NULL, NULL, seen);
        float largest = 0;
        for (size_t j = 0; j < n; j++) largest = fmaxf(largest, fabsf(x[j]));
        ck_assert(row->scale == largest / 127.0f);
        for (size_t j = 0; j < n; j++) ck_assert(fabsf(seen[j] - x[j]) <= 0.5001f * row->scale);
        memset(x, 0, n * sizeof *x);
        k->quantize(x, n, true, row);
        ck_assert(row->scale == 0.0f && row->offset == 0);
        x[3] = -1e-40f;
        k->quantize(x, n, true, row);
        multiply(k, &m, row, 0, 1, NULL, NULL, seen);
        for (size_t j = 0; j < n; j++) ck_assert(fabsf(seen[j]) < 1e-36f);
        const float bad[] = {NAN, INFINITY, -INFINITY};
        for (size_t b = 0; b < 3; b++) {
            x[3] = 1.0f;
            x[b * 31 + 7] = bad[b];
            k->quantize(x, n, true, row);
            ck_assert_msg(isnan(row->scale), "%s", k->name);
            multiply(k, &m, row, 0, 1, NULL, NULL, seen);
            for (size_t j = 0; j < n; j++) ck_assert(isnan(seen[j]));
            x[b * 31 + 7] = 0.0f;
        }
        matrix_free(&m);
        free(x);
        free(row);
    }
}
END_TEST

/* A thread whose alternate signal stack is too small for tiles keeps the process from using them: the same bits come
 * from other instructions. */
START_TEST(without_tiles_the_bits_are_the_same) {
    static char stack[8192];
    const ll_cpu cpu = ll_cpu_detect();
    const ll_kernels *sets[MAX_KERNEL_SETS];
    const stack_t small = {.ss_sp = stack, .ss_size = sizeof stack};
    uint64_t seed = 56;
    const size_t n_in = 100, n_out = 130, n_rows = 40;
    if (!cpu.amx_int8) {
        suite_skip("AMX refused by the system", "this processor has none");
        return;
    }
    ck_assert(!ll_cpu_may_use_tiles());
    if (sigaltstack(&small, NULL)) {
        suite_skip("AMX refused by the system", "a small signal stack is refused already");
        return;
    }
    ck_assert_uint_ge(ll_kernels_list(&cpu, sets, MAX_KERNEL_SETS), 2);
    ck_assert_str_eq(sets[0]->name, "amx");
    matrix m = matrix_new(&seed, sets[0], LL_Q8, n_in, n_out);
    ck_assert(!ll_cpu_may_use_tiles());
    float *x = random_floats(&seed, 1.0f, n_rows * n_in), *y = floats(n_rows * n_out), *z = floats(n_rows * n_out);
    size_t stride;
    void *quantised = rows_for(sets[0], LL_Q8, x, n_rows, n_in, &stride);
    multiply(sets[0], &m, quantised, stride, n_rows, NULL, NULL, y);
    multiply(sets[1], &m, quantised, stride, n_rows, NULL, NULL, z);
    ck_assert_mem_eq(y, z, n_rows * n_out * sizeof *y);
    matrix_free(&m);
    free(x);
    free(y);
    free(z);
    free(quantised);
}
END_TEST

START_TEST(every_kernel_set_of_this_build_runs_here) { name_kernel_sets_that_cannot_run(); }
END_TEST

static void add(TCase *t) {
    tcase_add_test(t, every_kernel_set_of_this_build_runs_here);
    tcase_add_test(t, products_equal_the_weights_multiplied_out);
    tcase_add_test(t, sums_of_floats_may_be_interrupted);
    tcase_add_test(t, integers_give_the_same_bits_on_every_row);
    tcase_add_test(t, the_largest_integers_are_summed_exactly);
    tcase_add_test(t, bits_depend_on_row_and_column_only);
    tcase_add_test(t, halves_give_the_bits_of_their_float32);
    tcase_add_test(t, rows_are_quantised_as_said);
    tcase_add_test(t, without_tiles_the_bits_are_the_same);
}

SUITE_MAIN("kernels/weights", add)
