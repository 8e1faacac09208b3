#include <math.h>
#include <string.h>

#include "nn/nn_case.h"
#include "support/fail_alloc.h"
#include "weights/pack.h"

/* A matrix [n_out, n_in] and bias in plain order, and the same packed. */
typedef struct pair {
    size_t n_in, n_out;
    float *weight, *bias;
    ll_linear linear;
    llmcs_allocator allocator;
} pair;

static void put_all(pair *p, ll_weight_layout layout) {
    const size_t n_in = p->n_in, n_out = p->n_out;
    const bool by_output = layout == LL_OUT_IN;
    float *values = floats(n_in * n_out);
    for (size_t o = 0; o < n_out; o++) {
        for (size_t k = 0; k < n_in; k++) values[by_output ? o * n_in + k : k * n_out + o] = p->weight[o * n_in + k];
    }
    const ll_rectangle all = {0, 0, by_output ? n_out : n_in, by_output ? n_in : n_out};
    ll_linear_put(&p->linear, layout, &all, 0, values);
    free(values);
}

static pair pair_new(uint64_t *seed, const ll_kernels *k, size_t n_in, size_t n_out, bool with_bias) {
    pair p = {.n_in = n_in, .n_out = n_out, .allocator = ll_allocator_default()};
    p.weight = random_floats(seed, 1.0f, n_in * n_out);
    p.bias = with_bias ? random_floats(seed, 1.0f, n_out) : NULL;
    ck_assert_int_eq(ll_linear_create(&p.linear, &p.allocator, k, LL_F32, n_in, n_out, with_bias, "w"), LLMCS_OK);
    put_all(&p, LL_OUT_IN);
    if (with_bias) memcpy(p.linear.bias, p.bias, n_out * sizeof(float));
    return p;
}

static void pair_free(pair *p) {
    ll_linear_free(&p->linear, &p->allocator);
    free(p->weight);
    free(p->bias);
}

static double act_exact(int activation, double x) {
    switch (activation) {
        case LL_ACT_GELU:
            return 0.5 * x * (1 + erf(x * sqrt(0.5)));
        case LL_ACT_GELU_NEW:
            return 0.5 * x * (1 + tanh(0.7978845608028654 * (x + 0.044715 * x * x * x)));
        case LL_ACT_RELU:
            return x > 0 ? x : 0;
        case LL_ACT_TANH:
            return tanh(x);
        default:
            return x;
    }
}

/* Against sums in double: the error of n_in roundings of terms of size at most 1. */
static void check_against_double(const pair *p, const float *x, size_t n_rows, int activation, const float *residual,
                                 const float *y) {
    for (size_t r = 0; r < n_rows; r++) {
        for (size_t o = 0; o < p->n_out; o++) {
            double sum = 0;
            for (size_t k = 0; k < p->n_in; k++) sum += (double)x[r * p->n_in + k] * p->weight[o * p->n_in + k];
            double want = act_exact(activation, sum + (p->bias ? p->bias[o] : 0));
            if (residual) want += residual[r * p->n_out + o];
            ck_assert_double_eq_tol(y[r * p->n_out + o], want, 2e-7 * (double)(p->n_in + 8));
        }
    }
}

/* sums: a workspace of y's size, or NULL */
static void apply_with_room(const ll_kernels *k, int team_size, const pair *p, const float *x, size_t n_rows,
                            int activation, const float *residual, float *sums, float *y) {
    for (int i = team_size; i-- > 0;) {
        ll_team team = {NULL, i, team_size};
        const ll_exec exec = {.team = &team, .kernels = k, .acc = sums};
        ll_linear_apply(&exec, &p->linear, x, n_rows, activation, residual, y);
    }
}

static void apply_with_team(const ll_kernels *k, int team_size, const pair *p, const float *x, size_t n_rows,
                            int activation, const float *residual, float *y) {
    apply_with_room(k, team_size, p, x, n_rows, activation, residual, NULL, y);
}

START_TEST(equals_the_formula_for_odd_shapes) {
    static const size_t shapes[][3] = {{1, 1, 1}, {1, 5, 3}, {7, 33, 2}, {64, 17, 5}, {65, 96, 13}, {130, 129, 70}};
    static const int activations[] = {LL_ACT_NONE, LL_ACT_GELU, LL_ACT_GELU_NEW, LL_ACT_RELU, LL_ACT_TANH};
    const ll_kernels *sets[MAX_KERNEL_SETS];
    const size_t n_kernels = all_kernels(sets);
    uint64_t seed = 1;
    for (size_t i = 0; i < n_kernels; i++) {
        for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
            const size_t n_in = shapes[s][0], n_out = shapes[s][1], n_rows = shapes[s][2];
            for (size_t a = 0; a < 5; a++) {
                pair p = pair_new(&seed, sets[i], n_in, n_out, a % 2 == 0);
                float *x = random_floats(&seed, 1.0f, n_rows * n_in);
                float *residual = random_floats(&seed, 1.0f, n_rows * n_out), *y = floats(n_rows * n_out + 1);
                y[n_rows * n_out] = 42.0f;
                apply_with_team(sets[i], 1, &p, x, n_rows, activations[a], NULL, y);
                check_against_double(&p, x, n_rows, activations[a], NULL, y);
                ck_assert(y[n_rows * n_out] == 42.0f);
                memcpy(y, residual, n_rows * n_out * sizeof *y);
                apply_with_team(sets[i], 1, &p, x, n_rows, LL_ACT_NONE, y, y);
                check_against_double(&p, x, n_rows, LL_ACT_NONE, residual, y);
                free(x);
                free(y);
                free(residual);
                pair_free(&p);
            }
        }
    }
}
END_TEST

/* Contract 4: the same bits however rows are grouped and columns are divided. */
START_TEST(bits_do_not_depend_on_threads_or_rows) {
    static const size_t shapes[][2] = {{33, 37}, {96, 288}, {300, 161}, {1030, 50}};
    const ll_kernels *sets[MAX_KERNEL_SETS];
    const size_t n_kernels = all_kernels(sets);
    uint64_t seed = 2;
    for (size_t i = 0; i < n_kernels; i++) {
        for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
            const size_t n_in = shapes[s][0], n_out = shapes[s][1], n_rows = 70;
            pair p = pair_new(&seed, sets[i], n_in, n_out, true);
            float *x = random_floats(&seed, 1.0f, n_rows * n_in);
            float *one_by_one = floats(n_rows * n_out), *together = floats(n_rows * n_out);
            for (size_t r = 0; r < n_rows; r++) {
                apply_with_team(sets[i], 1, &p, x + r * n_in, 1, LL_ACT_GELU_NEW, NULL, one_by_one + r * n_out);
            }
            for (size_t n = 1; n <= n_rows; n += suite_step(3)) {
                const int threads = (int)(n % 8) + 1;
                memset(together, 0xff, n_rows * n_out * sizeof *together);
                apply_with_team(sets[i], threads, &p, x, n, LL_ACT_GELU_NEW, NULL, together);
                ck_assert_mem_eq(together, one_by_one, n * n_out * sizeof *together);
            }
            free(x);
            free(one_by_one);
            free(together);
            pair_free(&p);
        }
    }
}
END_TEST

/* Rows and inputs enough for several blocks of both, with and without a workspace for sums, in place and not. */
START_TEST(blocks_of_rows_and_inputs_change_no_bit) {
    static const size_t shapes[][3] = {{600, 70, 390}, {1025, 40, 170}, {2100, 67, 130}, {3072, 33, 129}};
    const ll_kernels *sets[MAX_KERNEL_SETS];
    const size_t n_kernels = all_kernels(sets);
    uint64_t seed = 5;
    for (size_t c = 0; c < n_kernels * 4; c++) {
        const ll_kernels *k = sets[c / 4];
        const size_t n_in = shapes[c % 4][0], n_out = shapes[c % 4][1], n_rows = shapes[c % 4][2], n = n_rows * n_out;
        pair p = pair_new(&seed, k, n_in, n_out, c % 2 == 0);
        float *x = random_floats(&seed, 1.0f, n_rows * n_in), *residual = random_floats(&seed, 1.0f, n);
        float *sums = floats(n), *want = floats(n), *y = floats(n);
        for (size_t r = 0; r < n_rows; r++) {
            apply_with_team(k, 1, &p, x + r * n_in, 1, LL_ACT_NONE, residual + r * n_out, want + r * n_out);
        }
        for (int way = 0; way < 3; way++) { /* out of place, in place, and in place with a workspace */
            if (way) memcpy(y, residual, n * sizeof *y);
            apply_with_room(k, 1 + way, &p, x, n_rows, LL_ACT_NONE, way ? y : residual, way == 2 ? sums : NULL, y);
            ck_assert_msg(!memcmp(y, want, n * sizeof *y), "%s, %zu x %zu x %zu, way %d", k->name, n_in, n_out, n_rows,
                          way);
        }
        free(x);
        free(residual);
        free(sums);
        free(want);
        free(y);
        pair_free(&p);
    }
}
END_TEST

/* The largest of each block is written next to y, whose bits it does not change; and rows with numbers that are not
 * finite. */
START_TEST(the_largest_of_each_block) {
    static const size_t shapes[][2] = {{5, 1}, {7, 31}, {33, 32}, {40, 200}, {65, 1003}};
    const ll_kernels *sets[MAX_KERNEL_SETS];
    const size_t n_kernels = all_kernels(sets), n_shapes = sizeof shapes / sizeof *shapes;
    uint64_t seed = 4;
    for (size_t c = 0; c < n_kernels * n_shapes * 8; c += suite_step(3)) {
        const size_t n_in = shapes[c % n_shapes][0], n_out = shapes[c % n_shapes][1];
        const size_t n_rows = 1 + random_below(&seed, 80), n_blocks = ll_row_blocks(n_out);
        const ll_kernels *k = sets[c / n_shapes / 8];
        const int size = (int)(c / n_shapes % 8) + 1;
        pair p = pair_new(&seed, k, n_in, n_out, false);
        float *x = random_floats(&seed, 1.0f, n_rows * n_in), *max = floats(n_rows * n_blocks);
        float *y = floats(n_rows * n_out), *without = floats(n_rows * n_out);
        if (n_rows > 2) x[random_below(&seed, n_in)] = c % 2 ? NAN : INFINITY;
        for (int i = 0; i < size; i++) {
            ll_team team = {NULL, i, size};
            const ll_exec exec = {.team = &team, .kernels = k};
            ll_linear_apply_with_max(&exec, &p.linear, x, n_rows, y, max);
        }
        apply_with_team(k, 1, &p, x, n_rows, LL_ACT_NONE, NULL, without);
        ck_assert_mem_eq(y, without, n_rows * n_out * sizeof *y);
        check_block_max(y, max, n_rows, n_out);
        free(x);
        free(max);
        free(y);
        free(without);
        pair_free(&p);
    }
}
END_TEST

START_TEST(both_layouts_and_all_pieces_pack_alike) {
    const ll_kernels *sets[MAX_KERNEL_SETS];
    const size_t n_kernels = all_kernels(sets), n_in = 131, n_out = 45;
    uint64_t seed = 3;
    for (size_t i = 0; i < n_kernels; i++) {
        pair p = pair_new(&seed, sets[i], n_in, n_out, false);
        const size_t bytes = ll_linear_bytes(sets[i], LL_F32, n_in, n_out, false);
        float *first = floats(bytes / sizeof(float));
        memcpy(first, p.linear.packed, bytes);
        memset(p.linear.packed, 0, bytes);
        put_all(&p, LL_IN_OUT);
        ck_assert_mem_eq(first, p.linear.packed, bytes);
        /* Element by element, in both layouts, as three tensors of 15 outputs. */
        for (int layout = 0; layout < 2; layout++) {
            memset(p.linear.packed, 0, bytes);
            for (size_t o = 0; o < n_out; o++) {
                for (size_t k = 0; k < n_in; k++) {
                    const ll_rectangle part = {layout ? k : o % 15, layout ? o % 15 : k, 1, 1};
                    ll_linear_put(&p.linear, layout ? LL_IN_OUT : LL_OUT_IN, &part, o / 15 * 15,
                                  p.weight + o * n_in + k);
                }
            }
            ck_assert_mem_eq(first, p.linear.packed, bytes);
        }
        float row[131];
        for (size_t o = 0; o < n_out; o++) {
            ll_linear_row(&p.linear, o, row);
            ck_assert_mem_eq(row, p.weight + o * n_in, sizeof row);
        }
        free(first);
        pair_free(&p);
    }
}
END_TEST

START_TEST(failed_allocations_leave_nothing) {
    const ll_cpu cpu = ll_cpu_detect();
    const ll_kernels *k;
    ck_assert_int_eq(ll_kernels_pick(&cpu, &k), LLMCS_OK);
    for (long n = 0; n < 3; n++) {
        fail_alloc f;
        fail_alloc_init(&f);
        f.fail_at = n;
        llmcs_allocator a = fail_alloc_get(&f);
        ll_linear linear;
        llmcs_status st = ll_linear_create(&linear, &a, k, LL_F32, 10, 10, true, "h.0.attn.c_attn.weight");
        ck_assert_int_eq(st, n < 2 ? LLMCS_NOMEM : LLMCS_OK);
        if (st) ck_assert_ptr_nonnull(strstr(llmcs_error_message(), "h.0.attn.c_attn.weight"));
        if (!st) {
            ck_assert_uint_eq((uint64_t)f.bytes, ll_linear_bytes(k, LL_F32, 10, 10, true));
            ll_linear_free(&linear, &a);
        }
        ck_assert_int_eq(f.live, 0);
        ck_assert_int_eq(ll_linear_create(&linear, &a, k, LL_F32, SIZE_MAX / 4, 10, true, "w"), LLMCS_NOMEM);
        ck_assert_int_eq(ll_linear_create(&linear, &a, k, LL_F32, SIZE_MAX / 2, SIZE_MAX - 1, true, "w"), LLMCS_NOMEM);
        ck_assert_int_eq(f.live, 0);
    }
}
END_TEST

START_TEST(every_kernel_set_of_this_build_runs_here) { name_kernel_sets_that_cannot_run(); }
END_TEST

static void add(TCase *t) {
    tcase_add_test(t, every_kernel_set_of_this_build_runs_here);
    tcase_add_test(t, equals_the_formula_for_odd_shapes);
    tcase_add_test(t, bits_do_not_depend_on_threads_or_rows);
    tcase_add_test(t, blocks_of_rows_and_inputs_change_no_bit);
    tcase_add_test(t, the_largest_of_each_block);
    tcase_add_test(t, both_layouts_and_all_pieces_pack_alike);
    tcase_add_test(t, failed_allocations_leave_nothing);
}

SUITE_MAIN("nn/linear", add)
