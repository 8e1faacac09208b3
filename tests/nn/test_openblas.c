#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "kernels/openblas.h"
#include "nn/nn_case.h"
#include "support/fail_alloc.h"
#include "weights/pack.h"

/* The plug-in of this build: build/tests/nn/test_openblas -> build/lib/libllmcs_openblas.so. */
static void plug_in_path(char *path, size_t size) {
    char self[512];
    const ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    ck_assert_int_gt(n, 0);
    self[n] = 0;
    for (int up = 0; up < 3; up++) *strrchr(self, '/') = 0;
    snprintf(path, size, "%s/lib/libllmcs_openblas.so", self);
}

/* NULL after a SKIPPED line where this build has none. */
static ll_openblas *open_plug_in(const llmcs_allocator *a, const char *test) {
    const ll_cpu cpu = ll_cpu_detect();
    const ll_kernels *k;
    ck_assert_int_eq(ll_kernels_pick(&cpu, &k), LLMCS_OK);
    char path[600];
    plug_in_path(path, sizeof path);
    ll_openblas *o = NULL;
    if (access(path, R_OK) != 0) {
        suite_skip(test, "build/lib/libllmcs_openblas.so was not built");
        return NULL;
    }
    ck_assert_msg(!ll_openblas_open_at(a, k, path, &o), "%s", llmcs_error_message());
    return o;
}

static void apply(const ll_openblas *o, int size, const ll_linear *linear, const float *x, size_t n_rows,
                  int activation, const float *residual, float *y) {
    for (int i = 0; i < size; i++) {
        ll_team team = {NULL, i, size};
        const ll_exec exec = {.team = &team, .kernels = &o->kernels, .openblas = o};
        ll_linear_apply(&exec, linear, x, n_rows, activation, residual, y);
    }
}

static void check(const ll_openblas *o, uint64_t *seed, size_t n_in, size_t n_out, size_t n_rows, bool with_bias,
                  bool with_residual) {
    const llmcs_allocator a = ll_allocator_default();
    ll_linear linear;
    ck_assert_int_eq(ll_linear_create(&linear, &a, &o->kernels, LL_F32, n_in, n_out, with_bias, "w"), LLMCS_OK);
    float *w = random_floats(seed, 1.0f, n_in * n_out), *x = random_floats(seed, 1.0f, n_rows * n_in);
    float *y = random_floats(seed, 1.0f, n_rows * n_out), *before = floats(n_rows * n_out);
    memcpy(before, y, n_rows * n_out * sizeof *y);
    ll_linear_put(&linear, LL_OUT_IN, &(ll_rectangle){0, 0, n_out, n_in}, 0, w);
    if (with_bias) random_fill(seed, 1.0f, linear.bias, n_out);
    const int activation = with_residual ? LL_ACT_NONE : LL_ACT_RELU;
    apply(o, 3, &linear, x, n_rows, activation, with_residual ? y : NULL, y);
    for (size_t i = 0; i < n_rows * n_out; i++) {
        double sum = (with_bias ? (double)linear.bias[i % n_out] : 0) + (with_residual ? (double)before[i] : 0);
        for (size_t k = 0; k < n_in; k++) sum += (double)x[i / n_out * n_in + k] * w[i % n_out * n_in + k];
        if (!with_residual) sum = fmax(sum, 0);
        ck_assert_double_eq_tol(y[i], sum, 2e-7 * (double)(n_in + 8));
    }
    float *max = floats(n_rows * ll_row_blocks(n_out));
    for (int i = 0; i < 3; i++) {
        ll_team team = {NULL, i, 3};
        const ll_exec exec = {.team = &team, .kernels = &o->kernels, .openblas = o};
        ll_linear_apply_with_max(&exec, &linear, x, n_rows, y, max);
    }
    check_block_max(y, max, n_rows, n_out);
    free(max);
    ll_linear_free(&linear, &a);
    free(w);
    free(x);
    free(y);
    free(before);
}

START_TEST(equals_the_formula) {
    const llmcs_allocator a = ll_allocator_default();
    ll_openblas *o = open_plug_in(&a, "equals_the_formula");
    uint64_t seed = 51;
    for (int c = 0; o && c < 24; c++) {
        check(o, &seed, 1 + random_below(&seed, 200), 1 + random_below(&seed, 100), c % 2 ? 1 : 2 + (size_t)c, c % 3,
              c % 4 > 1);
    }
    ll_openblas_close(&a, &o);
    ck_assert_ptr_null(o);
}
END_TEST

/* One product, over and over, beside others who do the same. */
typedef struct caller {
    const ll_openblas *openblas;
    const float *x, *w, *expected;
    int wrong;
} caller;

enum { CALL_ROWS = 40, CALL_IN = 48, CALL_OUT = 72, CALLS = 20000, CALLERS = 4 };

static void *call_often(void *arg) {
    caller *c = arg;
    float y[CALL_ROWS * CALL_OUT];
    for (int i = 0; i < CALLS; i++) {
        memset(y, 0, sizeof y);
        c->openblas->sgemm(c->x, CALL_IN, CALL_ROWS, c->w, CALL_IN, CALL_OUT, y, CALL_OUT);
        c->wrong += memcmp(y, c->expected, sizeof y) != 0;
    }
    return NULL;
}

/* Failed before the plug-in put a lock around OpenBLAS's buffers: the serial build has none. */
START_TEST(many_threads_may_call_at_once) {
    const llmcs_allocator a = ll_allocator_default();
    ll_openblas *o = open_plug_in(&a, "many_threads_may_call_at_once");
    if (!o) return;
    uint64_t seed = 60;
    float *x[CALLERS], *w = random_floats(&seed, 1.0f, CALL_OUT * CALL_IN), *expected[CALLERS];
    pthread_t threads[CALLERS];
    caller callers[CALLERS];
    for (size_t i = 0; i < CALLERS; i++) {
        x[i] = random_floats(&seed, 1.0f, CALL_ROWS * CALL_IN);
        expected[i] = floats(CALL_ROWS * CALL_OUT);
        memset(expected[i], 0, CALL_ROWS * CALL_OUT * sizeof(float));
        o->sgemm(x[i], CALL_IN, CALL_ROWS, w, CALL_IN, CALL_OUT, expected[i], CALL_OUT);
        callers[i] = (caller){o, x[i], w, expected[i], 0};
    }
    for (size_t i = 0; i < CALLERS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, call_often, &callers[i]), 0);
    for (size_t i = 0; i < CALLERS; i++) pthread_join(threads[i], NULL);
    for (size_t i = 0; i < CALLERS; i++) {
        ck_assert_int_eq(callers[i].wrong, 0);
        free(x[i]);
        free(expected[i]);
    }
    free(w);
    ll_openblas_close(&a, &o);
}
END_TEST

START_TEST(what_is_missing_is_said) {
    const ll_cpu cpu = ll_cpu_detect();
    const ll_kernels *k;
    ck_assert_int_eq(ll_kernels_pick(&cpu, &k), LLMCS_OK);
    fail_alloc f;
    fail_alloc_init(&f);
    const llmcs_allocator a = fail_alloc_get(&f);
    ll_openblas *o;
    ck_assert_int_eq(ll_openblas_open_at(&a, k, "/nowhere/libllmcs_openblas.so", &o), LLMCS_UNSUPPORTED);
    ck_assert_ptr_null(o);
    ck_assert_ptr_nonnull(strstr(llmcs_error_message(), "libopenblas-serial-dev"));
    /* A library that is another one. */
    ck_assert_int_eq(ll_openblas_open_at(&a, k, "libm.so.6", &o), LLMCS_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(llmcs_error_message(), LL_OPENBLAS_ENTRY));
    o = open_plug_in(&a, "what_is_missing_is_said");
    if (o) {
        ll_openblas_close(&a, &o);
        char path[600];
        plug_in_path(path, sizeof path);
        f.fail_at = f.calls;
        ck_assert_int_eq(ll_openblas_open_at(&a, k, path, &o), LLMCS_NOMEM);
    }
    ll_openblas_close(&a, &o);
    ck_assert_int_eq(f.live, 0);
}
END_TEST

START_TEST(every_row_of_this_build_runs_here) { name_rows_that_cannot_run(); }
END_TEST

static void add(TCase *t) {
    tcase_add_test(t, every_row_of_this_build_runs_here);
    tcase_add_test(t, equals_the_formula);
    tcase_add_test(t, many_threads_may_call_at_once);
    tcase_add_test(t, what_is_missing_is_said);
}

SUITE_MAIN("nn/openblas", add)
