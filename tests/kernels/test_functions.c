#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "kernels/kernel_case.h"

static double gelu_erf_exact(double x) { return x * 0.5 * erfc(-x * 0.70710678118654752); }
static double gelu_tanh_exact(double x) { return x / (1 + exp(-2 * 0.79788456080286536 * (x + 0.044715 * x * x * x))); }
static double relu_exact(double x) { return x > 0 ? x : 0; }

static double silu_exact(double x) { return x / (1 + exp(-x)); }
static double quick_gelu_exact(double x) { return x / (1 + exp((double)-1.702f * x)); }

/* One step of float at `value`. */
static double ulp(double value) {
    const float size = fabsf((float)value);
    return size < FLT_MIN ? 0x1p-149 : (double)(nextafterf(size, INFINITY) - size);
}

/* Some floats of every size up to the limit, of both signs; with LLMCS_TEST_EVERY_FLOAT=1 every one from 2^-14 up,
 * and the errors are printed (some minutes). */
static void check_errors(const char *name, void (*kernel)(const float *, float *, size_t), double (*exact)(double),
                         float limit, double max_ulps, double max_absolute) {
    const bool every = getenv("LLMCS_TEST_EVERY_FLOAT") != NULL;
    const float first = every ? 0x1p-14f : 0.0f;
    uint32_t bits, last;
    memcpy(&bits, &first, sizeof bits);
    memcpy(&last, &limit, sizeof last);
    double worst_ulps = 0, worst_absolute = 0;
    float x[256], y[256];
    while (bits <= last) {
        size_t n = 0;
        for (; n < 256 && bits <= last; bits += every ? 1 : 2039, n += 2) {
            memcpy(&x[n], &bits, sizeof bits);
            x[n + 1] = -x[n];
        }
        kernel(x, y, n);
        for (size_t i = 0; i < n; i++) {
            const double want = exact(x[i]), error = fabs(y[i] - want);
            worst_ulps = fmax(worst_ulps, error / ulp(want));
            worst_absolute = fmax(worst_absolute, error);
        }
    }
    if (every) printf("%s: %.3f ulp, %.3g\n", name, worst_ulps, worst_absolute);
    ck_assert_msg(worst_ulps <= max_ulps, "%s: %g ulp", name, worst_ulps);
    ck_assert_msg(worst_absolute <= max_absolute, "%s: %g", name, worst_absolute);
}

START_TEST(functions_are_as_exact_as_they_say) {
    const ll_kernels *sets[MAX_KERNEL_SETS];
    const size_t n_kernels = all_kernels(sets);
    for (size_t i = 0; i < n_kernels; i++) {
        char name[64];
        snprintf(name, sizeof name, "%s tanh", sets[i]->name);
        check_errors(name, sets[i]->tanh, tanh, 16.0f, 2.5, 1.3e-7);
        snprintf(name, sizeof name, "%s relu", sets[i]->name);
        check_errors(name, sets[i]->relu, relu_exact, 16.0f, 0.0, 0.0);
        snprintf(name, sizeof name, "%s silu", sets[i]->name);
        check_errors(name, sets[i]->silu, silu_exact, 80.0f, 3.0, 4e-6);
        /* The exponent is a rounded product: its error grows with it. */
        snprintf(name, sizeof name, "%s quick_gelu", sets[i]->name);
        check_errors(name, sets[i]->quick_gelu, quick_gelu_exact, 4.0f, 12.0, 4e-7);
        check_errors(name, sets[i]->quick_gelu, quick_gelu_exact, 80.0f, DBL_MAX, 4e-6);
        /* Where gelu is next to 0 it is what is left of x: its error is relative to x, not to gelu(x). */
        snprintf(name, sizeof name, "%s gelu_erf", sets[i]->name);
        check_errors(name, sets[i]->gelu_erf, gelu_erf_exact, 10.0f, DBL_MAX, 1e-6);
        check_errors(name, sets[i]->gelu_erf, gelu_erf_exact, 1.0f, 1.1e-5 * 0x1p24, 1e-6);
        snprintf(name, sizeof name, "%s gelu_tanh", sets[i]->name);
        check_errors(name, sets[i]->gelu_tanh, gelu_tanh_exact, 10.0f, DBL_MAX, 1e-6);
        check_errors(name, sets[i]->gelu_tanh, gelu_tanh_exact, 1.0f, 1.1e-5 * 0x1p24, 1e-6);
    }
}
END_TEST

START_TEST(edges_are_those_of_the_formulas) {
    static const float x[] = {0.0f,  -0.0f,   1e-45f,   -1e-45f, 1e-38f, 1e4f,
                              -1e4f, FLT_MAX, -FLT_MAX, 1e30f,   -1e30f, INFINITY};
    const ll_kernels *sets[MAX_KERNEL_SETS];
    const size_t n_kernels = all_kernels(sets), n = sizeof x / sizeof *x;
    float y[16];
    for (size_t i = 0; i < n_kernels; i++) {
        void (*const gelu[2])(const float *, float *, size_t) = {sets[i]->gelu_erf, sets[i]->gelu_tanh};
        for (int g = 0; g < 2; g++) {
            gelu[g](x, y, n);
            for (size_t j = 0; j < n; j++) {
                const float want = fabsf(x[j]) < 1 ? 0.5f * x[j] : x[j] > 0 ? x[j] : 0.0f;
                const float allowed = fmaxf(1e-45f, fabsf(x[j]) < 1 ? 1.1e-5f * fabsf(want) : 0.0f);
                ck_assert_msg(fabsf(y[j] - want) <= allowed || y[j] == want, "%s: %g gives %g", sets[i]->name,
                              (double)x[j], (double)y[j]);
            }
        }
        sets[i]->tanh(x, y, n);
        for (size_t j = 0; j < n; j++)
            ck_assert(fabsf(y[j] - tanhf(x[j])) <= 1.2e-7f * fabsf(y[j]) && signbit(y[j]) == signbit(x[j]));
        void (*const gates[2])(const float *, float *, size_t) = {sets[i]->silu, sets[i]->quick_gelu};
        for (int g = 0; g < 2; g++) {
            gates[g](x, y, n);
            for (size_t j = 0; j < n; j++) {
                const float want = fabsf(x[j]) < 1 ? 0.5f * x[j] : x[j] > 0 ? x[j] : 0.0f;
                ck_assert_msg(fabsf(y[j] - want) <= 1e-45f || y[j] == want, "%s: %g gives %g", sets[i]->name,
                              (double)x[j], (double)y[j]);
            }
        }
        for (size_t j = 0; j < 16; j++) y[j] = NAN;
        sets[i]->silu(y, y, 16);
        sets[i]->quick_gelu(y, y, 16);
        sets[i]->gelu_erf(y, y, 16);
        sets[i]->gelu_tanh(y, y, 16);
        sets[i]->tanh(y, y, 16);
        sets[i]->relu(y, y, 16);
        for (size_t j = 0; j < 16; j++) ck_assert(isnan(y[j]));
    }
}
END_TEST

/* An element's result is the same at every place of a vector and in the cut end. */
START_TEST(elements_do_not_depend_on_their_place) {
    const ll_kernels *sets[MAX_KERNEL_SETS];
    const size_t n_kernels = all_kernels(sets);
    uint64_t seed = 21;
    for (size_t i = 0; i < n_kernels; i++) {
        void (*const functions[])(const float *, float *, size_t) = {
            sets[i]->gelu_erf, sets[i]->gelu_tanh, sets[i]->relu, sets[i]->tanh, sets[i]->silu, sets[i]->quick_gelu};
        for (size_t n = 0; n < 70; n++) {
            float *x = random_floats(&seed, 6.0f, n), *y = floats(n), *z = floats(n);
            for (size_t f = 0; f < 6; f++) {
                functions[f](x, y, n);
                for (size_t j = 0; j < n; j++) functions[f](x + j, z + j, 1);
                ck_assert_mem_eq(y, z, n * sizeof *y);
            }
            sets[i]->add(x, y, z, n);
            for (size_t j = 0; j < n; j++) ck_assert(z[j] == x[j] + y[j]);
            sets[i]->multiply(x, y, z, n);
            for (size_t j = 0; j < n; j++) ck_assert(z[j] == x[j] * y[j]);
            free(x);
            free(y);
            free(z);
        }
    }
}
END_TEST

static void check_norm(const ll_kernels *k, const float *x, const float *weight, const float *bias, size_t n) {
    float *y = floats(n);
    double mean = 0, variance = 0;
    for (size_t j = 0; j < n; j++) mean += x[j] / (double)n;
    for (size_t j = 0; j < n; j++) variance += (x[j] - mean) * (x[j] - mean) / (double)n;
    k->layer_norm(x, weight, bias, 1e-5f, y, n);
    const double scale = 1 / sqrt(variance + (double)1e-5f), largest = 1 + fabs(mean) * scale;
    for (size_t j = 0; j < n; j++) {
        ck_assert_double_eq_tol(y[j], (x[j] - mean) * scale * weight[j] + bias[j], 2e-6 * largest);
    }
    free(y);
}

START_TEST(layer_norm_equals_the_formula_far_from_zero_too) {
    const ll_kernels *sets[MAX_KERNEL_SETS];
    const size_t n_kernels = all_kernels(sets);
    uint64_t seed = 23;
    for (size_t i = 0; i < n_kernels; i++) {
        for (size_t n = 1; n < 150; n += 1 + n / 20) {
            float *x = random_floats(&seed, 3.0f, n), *weight = random_floats(&seed, 1.0f, n);
            float *bias = random_floats(&seed, 1.0f, n);
            check_norm(sets[i], x, weight, bias, n);
            for (size_t j = 0; j < n; j++) x[j] += 100.0f;
            check_norm(sets[i], x, weight, bias, n);
            for (size_t j = 0; j < n; j++) x[j] = 7.0f; /* variance 0 */
            check_norm(sets[i], x, weight, bias, n);
            sets[i]->layer_norm(x, weight, bias, 1e-5f, x, n); /* in place */
            for (size_t j = 0; j < n; j++) ck_assert_double_eq_tol(x[j], bias[j], 1e-6);
            free(x);
            free(weight);
            free(bias);
        }
    }
}
END_TEST

START_TEST(rms_norm_equals_the_formula) {
    const ll_kernels *sets[MAX_KERNEL_SETS];
    const size_t n_kernels = all_kernels(sets);
    uint64_t seed = 24;
    for (size_t i = 0; i < n_kernels; i++) {
        for (size_t n = 1; n < 300; n += 1 + n / 20) {
            float *x = random_floats(&seed, n % 3 ? 3.0f : 1e-4f, n), *weight = random_floats(&seed, 2.0f, n);
            float *y = floats(n);
            double squares = 0;
            for (size_t j = 0; j < n; j++) squares += (double)x[j] * x[j] / (double)n;
            sets[i]->rms_norm(x, weight, 1e-6f, y, n);
            for (size_t j = 0; j < n; j++)
                ck_assert_double_eq_tol(y[j], x[j] / sqrt(squares + (double)1e-6f) * weight[j], 4e-6);
            sets[i]->rms_norm(x, weight, 1e-6f, x, n); /* in place */
            ck_assert_mem_eq(x, y, n * sizeof *x);
            free(x);
            free(weight);
            free(y);
        }
    }
}
END_TEST

START_TEST(layer_norm_without_a_bias) {
    const ll_kernels *sets[MAX_KERNEL_SETS];
    const size_t n_kernels = all_kernels(sets);
    uint64_t seed = 25;
    for (size_t i = 0; i < n_kernels; i++) {
        for (size_t n = 1; n < 100; n += 7) {
            float *x = random_floats(&seed, 3.0f, n), *weight = random_floats(&seed, 1.0f, n);
            float *zeros = calloc(n, sizeof *zeros), *y = floats(n), *z = floats(n);
            sets[i]->layer_norm(x, weight, zeros, 1e-5f, y, n);
            sets[i]->layer_norm(x, weight, NULL, 1e-5f, z, n);
            for (size_t j = 0; j < n; j++) ck_assert(y[j] == z[j]);
            float *const all[] = {x, weight, zeros, y, z};
            for (size_t j = 0; j < 5; j++) free(all[j]);
        }
    }
}
END_TEST

/* The same bits with every kernel set, and nothing past n_dims. */
START_TEST(rotations_are_those_of_plain_c) {
    const ll_kernels *sets[MAX_KERNEL_SETS];
    const size_t n_kernels = all_kernels(sets);
    uint64_t seed = 26;
    for (size_t n_dims = 0; n_dims <= 130; n_dims += 2) {
        float *from = random_floats(&seed, 3.0f, n_dims + 1), *rotation = random_floats(&seed, 1.0f, n_dims + 1);
        float *want = floats(n_dims + 1), *x = floats(n_dims + 1);
        memcpy(want, from, (n_dims + 1) * sizeof *x);
        for (size_t i = 0; i < n_dims / 2; i++) {
            const float c = rotation[i], s = rotation[n_dims / 2 + i], a = from[i], b = from[n_dims / 2 + i];
            want[i] = a * c - b * s;
            want[n_dims / 2 + i] = b * c + a * s;
        }
        for (size_t i = 0; i < n_kernels; i++) {
            memcpy(x, from, (n_dims + 1) * sizeof *x);
            sets[i]->rope(x, rotation, n_dims);
            ck_assert_mem_eq(x, want, (n_dims + 1) * sizeof *x);
        }
        float *const all[] = {from, rotation, want, x};
        for (size_t j = 0; j < 4; j++) free(all[j]);
    }
}
END_TEST

static bool are_largest(const float *max, const float *x, size_t n) {
    bool same = true;
    for (size_t begin = 0; begin < n; begin += LL_ROW_BLOCK) {
        float largest = -INFINITY;
        for (size_t i = begin; i < n && i < begin + LL_ROW_BLOCK; i++) largest = fmaxf(largest, x[i]);
        same &= max[begin / LL_ROW_BLOCK] == largest;
    }
    return same;
}

/* A row of scores: the largest of each block, whether all are numbers, and the sum of exponentials. */
START_TEST(rows_of_scores) {
    const ll_kernels *sets[MAX_KERNEL_SETS];
    const size_t n_kernels = all_kernels(sets);
    static float x[3001];
    for (size_t k = 0; k < n_kernels; k++) {
        uint64_t seed = 5;
        for (size_t n = 1; n <= 3001; n += n < 70 ? 1 : 977) {
            float max[3001 / LL_ROW_BLOCK + 2], largest = -INFINITY;
            const size_t n_blocks = ll_row_blocks(n);
            double sum = 0;
            random_fill(&seed, 20.0f, x, n);
            for (size_t i = 0; i < n; i++) largest = fmaxf(largest, x[i]);
            for (size_t i = 0; i < n; i++) sum += exp((double)x[i] - (double)largest);
            max[n_blocks] = 77.0f;
            ck_assert_msg(sets[k]->block_max(x, n, max) && are_largest(max, x, n), "%s of %zu", sets[k]->name, n);
            ck_assert_msg(max[n_blocks] == 77.0f, "%s of %zu writes past the last block", sets[k]->name, n);
            const double got = sets[k]->exp_sum(x, n, largest);
            ck_assert_msg(fabs(got / sum - 1) < 1e-6, "%s of %zu: %g, not %g", sets[k]->name, n, got, sum);
            const double in_order = sets[k]->sum_of_exps(x, n, largest), first = sets[0]->sum_of_exps(x, n, largest);
            ck_assert_msg(fabs(in_order / sum - 1) < 1e-6, "%s of %zu: %g, not %g", sets[k]->name, n, in_order, sum);
            ck_assert_msg(memcmp(&in_order, &first, sizeof first) == 0, "%s of %zu: other bits", sets[k]->name, n);
            static const float wrong[] = {NAN, INFINITY, -INFINITY};
            for (size_t w = 0; w < 3; w++) {
                const size_t at = random_below(&seed, n);
                const float before = x[at];
                x[at] = wrong[w];
                ck_assert_msg(!sets[k]->block_max(x, n, max), "%s: %g at %zu of %zu", sets[k]->name, (double)wrong[w],
                              at, n);
                x[at] = before;
            }
        }
    }
}
END_TEST

START_TEST(the_environment_can_name_a_row) {
    const ll_cpu cpu = ll_cpu_detect(), none = {0};
    const ll_kernels *sets[MAX_KERNEL_SETS], *picked;
    const size_t n = all_kernels(sets);
    for (size_t i = 0; i < n; i++) {
        setenv("LLMCS_CPU", sets[i]->name, 1);
        ck_assert_int_eq(ll_kernels_pick(&cpu, &picked), LLMCS_OK);
        ck_assert_ptr_eq(picked, sets[i]);
    }
    setenv("LLMCS_CPU", "z80", 1);
    ck_assert_int_eq(ll_kernels_pick(&cpu, &picked), LLMCS_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(llmcs_error_message(), "\"z80\""));
    ck_assert_ptr_nonnull(strstr(llmcs_error_message(), sets[0]->name));
    unsetenv("LLMCS_CPU");
    ck_assert_int_eq(ll_kernels_pick(&cpu, &picked), LLMCS_OK);
    ck_assert_ptr_eq(picked, sets[0]);
    ck_assert_int_eq(ll_kernels_pick(&none, &picked), LLMCS_OK);
    ck_assert_str_eq(picked->name, "scalar");
}
END_TEST

START_TEST(every_kernel_set_of_this_build_runs_here) { name_kernel_sets_that_cannot_run(); }
END_TEST

static void add(TCase *t) {
    tcase_add_test(t, every_kernel_set_of_this_build_runs_here);
    tcase_add_test(t, functions_are_as_exact_as_they_say);
    tcase_add_test(t, edges_are_those_of_the_formulas);
    tcase_add_test(t, elements_do_not_depend_on_their_place);
    tcase_add_test(t, layer_norm_equals_the_formula_far_from_zero_too);
    tcase_add_test(t, rms_norm_equals_the_formula);
    tcase_add_test(t, layer_norm_without_a_bias);
    tcase_add_test(t, rotations_are_those_of_plain_c);
    tcase_add_test(t, rows_of_scores);
    tcase_add_test(t, the_environment_can_name_a_row);
}

SUITE_MAIN("kernels/functions", add)
