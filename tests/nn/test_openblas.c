/* The OpenBLAS plug-in: what it computes, and that its buffers are bounded, ours, and no danger to anyone. */
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernels/openblas/openblas.h"
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
static ll_openblas *open_plug_in(const llmcs_allocator *a, const char *test, size_t n_threads) {
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
    ck_assert_int_eq(ll_openblas_reserve(o, a, n_threads), LLMCS_OK);
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
    ll_openblas *o = open_plug_in(&a, "equals_the_formula", 3);
    uint64_t seed = 51;
    for (int c = 0; o && c < 24; c++) {
        check(o, &seed, 1 + random_below(&seed, 200), 1 + random_below(&seed, 100), c % 2 ? 1 : 2 + (size_t)c, c % 3,
              c % 4 > 1);
    }
    ll_openblas_close(&a, &o);
    ck_assert_ptr_null(o);
}
END_TEST

/* ------------------------------------------------------------------------------------------- many callers */

enum { CALL_ROWS = 40, CALL_IN = 48, CALL_OUT = 72, CALL_FLOATS = CALL_ROWS * CALL_OUT };

/* A product of fixed numbers. */
typedef struct fixed_product {
    const ll_openblas *openblas;
    float x[CALL_ROWS * CALL_IN], w[CALL_OUT * CALL_IN], expected[CALL_FLOATS];
} fixed_product;

static void multiply_fixed(const fixed_product *f, float *y) {
    const ll_product p = {.x = f->x,
                          .x_stride = CALL_IN * sizeof(float),
                          .n_rows = CALL_ROWS,
                          .w = f->w,
                          .n_in = CALL_IN,
                          .n_out = CALL_OUT,
                          .y = y,
                          .ldy = CALL_OUT};
    ll_openblas_matmul(f->openblas, &p);
}

static fixed_product *fixed_product_new(const ll_openblas *o) {
    fixed_product *f = malloc(sizeof *f);
    uint64_t seed = 60;
    ck_assert_ptr_nonnull(f);
    f->openblas = o;
    random_fill(&seed, 1.0f, f->x, CALL_ROWS * CALL_IN);
    random_fill(&seed, 1.0f, f->w, CALL_OUT * CALL_IN);
    multiply_fixed(f, f->expected);
    return f;
}

/* One caller among many, until told to stop. Counts its wrong results. */
typedef struct caller {
    const fixed_product *product;
    size_t n_calls; /* at most */
    const atomic_bool *stop;
    int n_wrong;
} caller;

static void *call_often(void *arg) {
    caller *c = arg;
    float y[CALL_FLOATS];
    for (size_t i = 0; i < c->n_calls && !atomic_load(c->stop); i++) {
        multiply_fixed(c->product, y);
        c->n_wrong += memcmp(y, c->product->expected, sizeof y) != 0;
    }
    return NULL;
}

/* OpenBLAS's own allocator crashed from some 180 callers on, and mixed up buffers from two on. */
START_TEST(many_threads_share_few_buffers) {
    enum { CALLERS = 300, CALLS = 50 };
    static caller callers[CALLERS];
    static pthread_t threads[CALLERS];
    const llmcs_allocator a = ll_allocator_default();
    ll_openblas *o = open_plug_in(&a, "many_threads_share_few_buffers", 3);
    if (!o) return;
    fixed_product *f = fixed_product_new(o);
    atomic_bool stop = false;
    for (size_t i = 0; i < CALLERS; i++) {
        callers[i] = (caller){f, CALLS, &stop, 0};
        ck_assert_int_eq(pthread_create(&threads[i], NULL, call_often, &callers[i]), 0);
    }
    for (size_t i = 0; i < CALLERS; i++) {
        pthread_join(threads[i], NULL);
        ck_assert_int_eq(callers[i].n_wrong, 0);
    }
    free(f);
    ll_openblas_close(&a, &o);
}
END_TEST

/* The end of a child that answers within 20 seconds: its exit status, or 128 and its signal. */
static int wait_for(pid_t child) {
    int status;
    ck_assert_int_gt(child, 0);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static int multiply_in_a_child(const fixed_product *expected) {
    const llmcs_allocator a = ll_allocator_default();
    float y[CALL_FLOATS];
    fixed_product own = *expected;
    alarm(20);
    ll_openblas *o = open_plug_in(&a, "child", 1);
    own.openblas = o;
    multiply_fixed(&own, y);
    const int wrong = memcmp(y, expected->expected, sizeof y) != 0;
    ll_openblas_close(&a, &o);
    return wrong;
}

/* A lock that another thread held at the fork stayed locked in the child, for ever. */
START_TEST(a_forked_child_has_its_own_buffers) {
    enum { CALLERS = 4, FORKS = 30 };
    const llmcs_allocator a = ll_allocator_default();
    ll_openblas *o = open_plug_in(&a, "a_forked_child_has_its_own_buffers", 2);
    if (!o) return;
    fixed_product *f = fixed_product_new(o);
    pthread_t threads[CALLERS];
    caller callers[CALLERS];
    atomic_bool stop = false;
    for (size_t i = 0; i < CALLERS; i++) {
        callers[i] = (caller){f, SIZE_MAX, &stop, 0};
        ck_assert_int_eq(pthread_create(&threads[i], NULL, call_often, &callers[i]), 0);
    }
    for (useconds_t i = 0; i < FORKS; i++) {
        usleep(i % 7 * 50);
        const pid_t child = fork();
        if (child == 0) _exit(multiply_in_a_child(f));
        ck_assert_int_eq(wait_for(child), 0);
    }
    atomic_store(&stop, true);
    for (size_t i = 0; i < CALLERS; i++) {
        pthread_join(threads[i], NULL);
        ck_assert_int_eq(callers[i].n_wrong, 0);
    }
    free(f);
    ll_openblas_close(&a, &o);
}
END_TEST

/* ------------------------------------------------------------------------------------------------ no memory */

static void forbid_more_address_space(void) {
    long n_pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (!f || fscanf(f, "%ld", &n_pages) != 1) _exit(90);
    fclose(f);
    const struct rlimit now = {(rlim_t)n_pages * 4096 + (1 << 20), (rlim_t)n_pages * 4096 + (1 << 20)};
    if (setrlimit(RLIMIT_AS, &now)) _exit(91);
}

/* A product allocated 128 MB, and without them retried for ever. Sanitizers need more address space themselves. */
START_TEST(a_product_needs_no_more_memory) {
    const llmcs_allocator a = ll_allocator_default();
    if (suite_sanitized()) {
        suite_skip("a_product_needs_no_more_memory", "a sanitizer maps memory of its own");
        return;
    }
    ll_openblas *o = open_plug_in(&a, "a_product_needs_no_more_memory", 1);
    if (!o) return;
    fixed_product *f = fixed_product_new(o);
    pid_t child = fork();
    if (child == 0) {
        float y[CALL_FLOATS];
        alarm(20);
        forbid_more_address_space();
        multiply_fixed(f, y);
        _exit(memcmp(y, f->expected, sizeof y) != 0);
    }
    ck_assert_int_eq(wait_for(child), 0);
    child = fork();
    if (child == 0) {
        char path[600];
        ll_openblas *second;
        plug_in_path(path, sizeof path);
        alarm(20);
        forbid_more_address_space();
        const llmcs_status st = ll_openblas_open_at(&a, &o->kernels, path, &second);
        _exit(st == LLMCS_NOMEM && !second ? 0 : 1);
    }
    ck_assert_int_eq(wait_for(child), 0);
    free(f);
    ll_openblas_close(&a, &o);
}
END_TEST

START_TEST(each_failed_allocation_is_nomem) {
    const llmcs_allocator plain = ll_allocator_default();
    ll_openblas *o = open_plug_in(&plain, "each_failed_allocation_is_nomem", 1);
    if (!o) return;
    char path[600];
    plug_in_path(path, sizeof path);
    for (long fail_at = 0;; fail_at++) {
        fail_alloc f;
        fail_alloc_init(&f);
        f.fail_at = fail_at;
        const llmcs_allocator a = fail_alloc_get(&f);
        ll_openblas *second;
        llmcs_status st = ll_openblas_open_at(&a, &o->kernels, path, &second);
        const long long opened = f.live_bytes;
        if (!st) st = ll_openblas_reserve(second, &a, 5);
        if (!st) ck_assert_uint_eq((uint64_t)(f.live_bytes - opened), ll_openblas_reserve_bytes(second, 5));
        ll_openblas_close(&a, &second);
        ck_assert_int_eq(f.live, 0);
        if (!st) break;
        ck_assert_int_eq(st, LLMCS_NOMEM);
        ck_assert_int_lt(fail_at, 8);
    }
    ll_openblas_close(&plain, &o);
}
END_TEST

/* ------------------------------------------------------------------------------------------- buffers' bounds */

/* A product writes nothing past the buffer's measured bytes, whatever its shape. */
START_TEST(products_stay_in_their_buffer) {
    static const size_t shapes[][3] = {{300, 4096, 700}, {256, 700, 4100}, {1, 70000, 20000}, {1, 5, 17000},
                                       {257, 3000, 90},  {2, 9000, 64},    {513, 900, 1000}};
    const llmcs_allocator a = ll_allocator_default();
    ll_openblas *o = open_plug_in(&a, "products_stay_in_their_buffer", 1);
    if (!o) return;
    const size_t guard = 1 << 20;
    unsigned char *buffer = NULL;
    ck_assert_int_eq(posix_memalign((void **)(void *)&buffer, 4096, o->buffer_bytes + guard), 0);
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        const size_t n_rows = shapes[i][0], n_in = shapes[i][1], n_out = shapes[i][2];
        float *x = calloc(n_rows * n_in, sizeof *x), *w = calloc(n_in * n_out, sizeof *w);
        float *y = calloc(n_rows * n_out, sizeof *y);
        ck_assert(x && w && y);
        memset(buffer, 0x5a, o->buffer_bytes + guard);
        o->product(buffer, x, n_in, n_rows, w, n_in, n_out, y, n_out);
        for (size_t j = 0; j < guard; j++)
            ck_assert_msg(buffer[o->buffer_bytes + j] == 0x5a, "%zu x %zu x %zu: byte %zu of %zu was written", n_rows,
                          n_in, n_out, o->buffer_bytes + j, o->buffer_bytes);
        free(x);
        free(w);
        free(y);
    }
    free(buffer);
    ck_assert_uint_lt(o->buffer_bytes, 16 << 20);
    ll_openblas_close(&a, &o);
}
END_TEST

START_TEST(what_is_missing_is_said) {
    const ll_cpu cpu = ll_cpu_detect();
    const ll_kernels *k;
    ck_assert_int_eq(ll_kernels_pick(&cpu, &k), LLMCS_OK);
    const llmcs_allocator a = ll_allocator_default();
    ll_openblas *o;
    ck_assert_int_eq(ll_openblas_open_at(&a, k, "/nowhere/libllmcs_openblas.so", &o), LLMCS_UNSUPPORTED);
    ck_assert_ptr_null(o);
    ck_assert_ptr_nonnull(strstr(llmcs_error_message(), "libopenblas-serial-dev"));
    /* A library that is another one. */
    ck_assert_int_eq(ll_openblas_open_at(&a, k, "libm.so.6", &o), LLMCS_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(llmcs_error_message(), LL_OPENBLAS_PRODUCT));
}
END_TEST

START_TEST(every_kernel_set_of_this_build_runs_here) { name_kernel_sets_that_cannot_run(); }
END_TEST

static void add(TCase *t) {
    tcase_add_test(t, every_kernel_set_of_this_build_runs_here);
    tcase_add_test(t, equals_the_formula);
    tcase_add_test(t, many_threads_share_few_buffers);
    tcase_add_test(t, a_forked_child_has_its_own_buffers);
    tcase_add_test(t, a_product_needs_no_more_memory);
    tcase_add_test(t, each_failed_allocation_is_nomem);
    tcase_add_test(t, products_stay_in_their_buffer);
    tcase_add_test(t, what_is_missing_is_said);
}

SUITE_MAIN("nn/openblas", add)
