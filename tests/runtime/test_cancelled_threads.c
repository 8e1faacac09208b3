/* A host ends its threads with pthread_cancel while they are in a call that opens, plans, quantizes, encodes or
 * generates: the call ends first, so no memory, file, thread, temporary file or busy session is left. */
#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "support/fail_alloc.h"
#include "support/model_fixture.h"
#include "support/random.h"
#include "support/suite.h"
#include "support/temp.h"

static char folder[TEMP_PATH_BYTES], out_folder[TEMP_PATH_BYTES];
static fail_alloc memory;
static llmcs_allocator allocator;

static void set_up(void) {
    text_gpt2_folder(folder);
    temp_folder(out_folder);
    fail_alloc_init(&memory);
    allocator = fail_alloc_get(&memory);
}

static void tear_down(void) {
    temp_remove(folder);
    temp_remove(out_folder);
}

/* What a thread works on; its cleanup handler frees what the calls stored here. */
typedef struct host {
    int call;
    atomic_bool started, returned;
    llmcs_status status;
    llmcs_model *model;
    llmcs_session *session;
    llmcs_tokenizer *tokenizer;
    llmcs_result *result;
} host;

static llmcs_status open_model_here(llmcs_model **model) {
    llmcs_model_options options;
    llmcs_model_options_init(&options);
    options.allocator = &allocator;
    options.n_threads = 2;
    return llmcs_model_open(folder, &options, model);
}

static llmcs_status call_open(host *h) { return open_model_here(&h->model); }

static llmcs_status call_tokenizer(host *h) { return llmcs_tokenizer_open(folder, &allocator, &h->tokenizer); }

static llmcs_status call_plan(host *h) {
    llmcs_model_options options;
    llmcs_plan_info plan = {.struct_size = sizeof plan};
    (void)h;
    llmcs_model_options_init(&options);
    options.allocator = &allocator;
    return llmcs_plan(folder, &options, NULL, &plan);
}

static llmcs_status call_quantize(host *h) {
    llmcs_quantize_params params;
    (void)h;
    llmcs_quantize_params_init(&params);
    params.allocator = &allocator;
    return llmcs_quantize(folder, temp_path(out_folder, "x.gguf"), &params);
}

static llmcs_status call_generate(host *h) {
    return llmcs_generate(h->session, "hello shop", LLMCS_NUL, NULL, NULL, NULL, &h->result);
}

static const struct {
    const char *name;
    llmcs_status (*call)(host *h);
} calls[] = {
    {"llmcs_model_open", call_open},   {"llmcs_tokenizer_open", call_tokenizer}, {"llmcs_plan", call_plan},
    {"llmcs_quantize", call_quantize}, {"llmcs_generate", call_generate},
};
#define N_CALLS ((int)(sizeof calls / sizeof *calls))

static void clean_up(void *arg) {
    host *h = arg;
    llmcs_result_free(&h->result);
    llmcs_tokenizer_free(&h->tokenizer);
    if (h->call == 0) llmcs_model_free(&h->model);
}

static void *host_thread(void *arg) {
    host *h = arg;
    pthread_cleanup_push(clean_up, h);
    atomic_store(&h->started, true);
    h->status = calls[h->call].call(h);
    atomic_store(&h->returned, true);
    pthread_testcancel(); /* the first cancellation point of the host's own */
    pthread_cleanup_pop(1);
    return NULL;
}

static size_t count_entries(const char *path) {
    DIR *d = opendir(path);
    size_t n = 0;
    ck_assert_ptr_nonnull(d);
    while (readdir(d)) n++;
    closedir(d);
    return n;
}

/* A joined thread is seen in /proc for a moment more. */
static bool only_threads(size_t n) {
    for (int tries = 0; tries < 2000; tries++) {
        if (count_entries("/proc/self/task") <= n) return true; /* n may have counted one that was leaving */
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    return false;
}

static void sleep_ns(long ns) { nanosleep(&(struct timespec){.tv_nsec = ns}, NULL); }

/* Cancels one call after delay_ns; the call must have ended by itself. */
static void cancel_one(host *h, long delay_ns) {
    pthread_t thread;
    atomic_store(&h->started, false);
    atomic_store(&h->returned, false);
    ck_assert_int_eq(pthread_create(&thread, NULL, host_thread, h), 0);
    while (!atomic_load(&h->started)) sleep_ns(1000);
    sleep_ns(delay_ns);
    (void)pthread_cancel(thread);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_msg(atomic_load(&h->returned), "%s was cut off", calls[h->call].name);
    ck_assert_msg(!h->status, "%s: %s", calls[h->call].name, llmcs_status_name(h->status));
}

START_TEST(a_call_ends_before_its_thread) {
    uint64_t seed = 20261128;
    host h = {.call = _i};
    llmcs_model *model = NULL;
    if (calls[_i].call == call_generate) {
        ck_assert_int_eq(open_model_here(&model), LLMCS_OK);
        ck_assert_int_eq(llmcs_session_create(model, NULL, &h.session), LLMCS_OK);
    }
    const size_t n_files = count_entries("/proc/self/fd"), n_threads = count_entries("/proc/self/task");
    const long live = memory.live;
    for (size_t i = 0; i < 60 / suite_step(3); i++) {
        cancel_one(&h, (long)random_below(&seed, 3000000));
        ck_assert_int_eq(memory.live, live);
        ck_assert_uint_eq(count_entries("/proc/self/fd"), n_files);
        ck_assert(only_threads(n_threads));
        ck_assert_uint_le(count_entries(out_folder), 3);
    }
    llmcs_session_free(&h.session);
    llmcs_model_free(&model);
    ck_assert_int_eq(memory.live, 0);
}
END_TEST

static void add(TCase *t) {
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_loop_test(t, a_call_ends_before_its_thread, 0, N_CALLS);
}

SUITE_MAIN("runtime/cancelled_threads", add)
