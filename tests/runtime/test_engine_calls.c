/* Calls of an engine that meet each other or an unusual host: freed while threads are inside or from a callback,
 * threads that are cancelled, buffers too small for one character, floating-point environments. */
#include <fenv.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "runtime/engine_case.h"
#include "support/fail_alloc.h"

#define N_CASES 7
#define N_THREADS 4

static char folder[TEMP_PATH_BYTES];
static request_case cases[N_CASES]; /* one of each kind */
static llmcs_model *model;

static void set_up(void) {
    uint64_t seed = 20261128;
    int32_t first = 7;
    make_long_folder(folder);
    model = open_model(folder, 2);
    for (unsigned i = 0; i < N_CASES; i++) {
        make_case(&cases[i], i, &first, 1, &seed);
        run_alone(&cases[i], model);
    }
    llmcs_model_free(&model);
}

static void open_it(void) { model = open_model(folder, 2); }
static void close_it(void) { llmcs_model_free(&model); }

static void tear_down(void) {
    for (size_t i = 0; i < N_CASES; i++) llmcs_result_free(&cases[i].alone);
    temp_remove(folder);
}

static llmcs_engine *engine_with(uint32_t flags) {
    llmcs_engine_options o = engine_options();
    o.flags = flags;
    return new_engine(model, &o);
}

/* ---- freed while threads are inside */

typedef struct waiter {
    llmcs_engine *engine;
    llmcs_request *request;
    double timeout_ms;
    atomic_bool inside;
    llmcs_status status;
    llmcs_result *result;
    pthread_t thread;
} waiter;

static void *wait_for_event(void *arg) {
    waiter *w = arg;
    llmcs_engine_event event = {.struct_size = sizeof event};
    w->inside = true;
    w->status = llmcs_engine_next(w->engine, w->timeout_ms, &event);
    return NULL;
}

static void *wait_for_result(void *arg) {
    waiter *w = arg;
    w->inside = true;
    w->status = llmcs_request_wait(w->request, w->timeout_ms, &w->result);
    return NULL;
}

static void start_waiter(waiter *w, void *(*wait)(void *)) {
    ck_assert_int_eq(pthread_create(&w->thread, NULL, wait, w), 0);
    while (!w->inside) usleep(100);
}

static const struct {
    uint32_t flags;
    double timeout_ms;
} waits[] = {{0, -1}, {0, 60000}, {LLMCS_ENGINE_NO_THREAD, -1}, {LLMCS_ENGINE_NO_THREAD, 60000}};

START_TEST(freed_while_threads_wait_for_events) {
    llmcs_engine *engine = engine_with(waits[_i].flags);
    waiter w[N_THREADS] = {0};
    for (size_t i = 0; i < N_THREADS; i++) {
        w[i].engine = engine;
        w[i].timeout_ms = waits[_i].timeout_ms;
        start_waiter(&w[i], wait_for_event);
    }
    usleep(30000); /* until they sleep */
    llmcs_engine_free(&engine);
    for (size_t i = 0; i < N_THREADS; i++) {
        pthread_join(w[i].thread, NULL);
        ck_assert_int_eq(w[i].status, LLMCS_STATE);
    }
}
END_TEST

START_TEST(freed_while_threads_wait_for_results) {
    llmcs_engine *engine = engine_with(waits[_i].flags);
    const llmcs_generate_params p = endless();
    waiter w[N_THREADS] = {0};
    for (size_t i = 0; i < N_THREADS; i++) {
        w[i].timeout_ms = waits[_i].timeout_ms;
        OK(llmcs_engine_submit_ids(engine, cases[1].ids, 9 + i, &p, NULL, &w[i].request));
        start_waiter(&w[i], wait_for_result);
    }
    usleep(2000);
    llmcs_engine_free(&engine);
    for (size_t i = 0; i < N_THREADS; i++) {
        pthread_join(w[i].thread, NULL);
        if (w[i].status) /* cancelled before its first token */
            ck_assert_int_eq(w[i].status, LLMCS_CANCELLED);
        else if (w[i].result->sequences[0]->n_ids < 280)
            ck_assert_int_eq(w[i].result->sequences[0]->finish_reason, LLMCS_FINISH_CANCELLED);
        llmcs_result_free(&w[i].result);
        llmcs_request_free(&w[i].request);
    }
}
END_TEST

/* The allocator of a host: holds up one thread inside an allocation, or is a cancellation point. */
typedef struct host_memory {
    atomic_bool slow, inside, cancellation_point;
    atomic_long live;
} host_memory;

static void *host_alloc(void *user, size_t size_bytes, size_t alignment) {
    host_memory *h = user;
    if (h->slow) {
        h->inside = true;
        usleep(50000);
    }
    if (h->cancellation_point) pthread_testcancel();
    void *p = aligned_alloc(alignment, (size_bytes + alignment - 1) / alignment * alignment);
    if (p) h->live++;
    return p;
}

static void host_free(void *user, void *memory) {
    host_memory *h = user;
    free(memory);
    h->live--;
}

static void *submit_slowly(void *arg) {
    waiter *w = arg;
    w->status = llmcs_engine_submit_ids(w->engine, cases[0].ids, 5, NULL, NULL, &w->request);
    return NULL;
}

START_TEST(freed_while_a_thread_submits) {
    host_memory memory = {0};
    llmcs_allocator allocator = {host_alloc, host_free, &memory};
    llmcs_model *m = open_with(folder, 1, &allocator);
    llmcs_engine *engine = new_engine(m, NULL);
    waiter w = {.engine = engine};
    memory.slow = true;
    ck_assert_int_eq(pthread_create(&w.thread, NULL, submit_slowly, &w), 0);
    while (!memory.inside) usleep(100);
    llmcs_engine_free(&engine);
    pthread_join(w.thread, NULL);
    ck_assert_int_eq(w.status, LLMCS_STATE);
    ck_assert_ptr_null(w.request);
    llmcs_model_free(&m);
    ck_assert_int_eq(memory.live, 0);
}
END_TEST

/* A step that only ends requests is progress, too: the waiter looks at its request again. */
START_TEST(cancelled_requests_are_waited_for_without_a_thread) {
    llmcs_engine *engine = engine_with(LLMCS_ENGINE_NO_THREAD);
    llmcs_request *request = NULL;
    llmcs_result *result = NULL;
    llmcs_generate_params p = endless();
    for (int late = 0; late < 2; late++) {
        p.deadline_ms = late ? 1e-6 : 0;
        OK(llmcs_engine_submit_ids(engine, cases[0].ids, 5, &p, NULL, &request));
        if (!late) llmcs_request_cancel(request);
        ck_assert_int_eq(llmcs_request_wait(request, 60000, &result), late ? LLMCS_DEADLINE : LLMCS_CANCELLED);
        llmcs_request_free(&request);
    }
    llmcs_engine_free(&engine);
}
END_TEST

/* Beams enough for a step to be stopped in the middle of extending sequences, sampling or reading texts. */
START_TEST(a_step_of_many_beams_is_stopped_in_the_middle) {
    enum { BEAMS = 400 };
    llmcs_engine_options o = engine_options();
    o.max_batch = BEAMS + 8;
    o.n_ctx = 64;
    o.kv_bytes = (uint64_t)1 << 28;
    llmcs_engine *engine = new_engine(model, &o);
    llmcs_generate_params p = endless();
    p.num_beams = BEAMS;
    p.max_new_tokens = 40;
    p.stop_strings = case_stops;
    p.n_stop_strings = 3;
    size_t n_stopped = 0;
    /* In a slow build the first step takes longer than these times, so they grow. */
    for (unsigned i = 0; i < 12 || (!n_stopped && i < 60); i++) {
        llmcs_request *request = NULL, *other = submit(engine, &cases[i % N_CASES]);
        llmcs_result *result = NULL;
        p.deadline_ms = i % 2 ? 5.0 + (i < 12 ? i : 5 * i) : 0;
        OK(llmcs_engine_submit_ids(engine, cases[0].ids, 5, &p, NULL, &request));
        usleep(3000 * (i + 1));
        if (i % 2 == 0) llmcs_request_cancel(request);
        llmcs_status st = llmcs_request_wait(request, -1, &result);
        const llmcs_finish_reason reason = i % 2 ? LLMCS_FINISH_DEADLINE : LLMCS_FINISH_CANCELLED;
        if (st)
            ck_assert_int_eq(st, i % 2 ? LLMCS_DEADLINE : LLMCS_CANCELLED);
        else
            n_stopped += result->sequences[0]->finish_reason == reason;
        llmcs_result_free(&result);
        llmcs_request_free(&request);
        check_result(other, &cases[i % N_CASES]);
    }
    ck_assert_uint_eq(stats_of(engine).n_failed, 0);
    ck_assert_uint_gt(n_stopped, 0);
    llmcs_engine_free(&engine);
}
END_TEST

/* ---- callbacks */

typedef struct callback_case {
    llmcs_engine *engine;
    llmcs_request *request;
    atomic_int n_calls, n_without_handle, n_rounding_lost;
} callback_case;

static int free_engine(void *user, int32_t id) {
    callback_case *c = user;
    (void)id;
    c->n_calls++;
    llmcs_engine_free(&c->engine);
    return 0;
}

START_TEST(free_in_a_callback_is_refused) {
    callback_case c = {.engine = engine_with(_i ? LLMCS_ENGINE_NO_THREAD : 0)};
    llmcs_submit_options options;
    llmcs_submit_options_init(&options);
    options.on_token = free_engine;
    options.user = &c;
    const request_case *a = &cases[0];
    OK(llmcs_engine_submit_ids(c.engine, a->ids, a->n_ids, &a->params, &options, &c.request));
    check_result(c.request, a);
    ck_assert_int_gt(c.n_calls, 0);
    ck_assert_ptr_nonnull(c.engine);
    llmcs_engine_free(&c.engine);
    ck_assert_ptr_null(c.engine);
}
END_TEST

static int compare_handle(void *user, int32_t id) {
    callback_case *c = user;
    (void)id;
    if (!c->request) c->n_without_handle++;
    c->n_calls++;
    return 1;
}

START_TEST(a_callback_finds_the_handle_of_its_request) {
    llmcs_engine *engine = engine_with(0);
    llmcs_submit_options options;
    llmcs_submit_options_init(&options);
    options.on_token = compare_handle;
    for (int i = 0; i < 200; i++) {
        callback_case c = {0};
        llmcs_result *result = NULL;
        options.user = &c;
        OK(llmcs_engine_submit_ids(engine, cases[0].ids, 1, NULL, &options, &c.request));
        OK(llmcs_request_wait(c.request, -1, &result));
        ck_assert_int_eq(c.n_without_handle, 0);
        llmcs_result_free(&result);
        llmcs_request_free(&c.request);
    }
    llmcs_engine_free(&engine);
}
END_TEST

/* ---- refused before any work */

START_TEST(a_prompt_that_cannot_fit_is_not_encoded) {
    enum { BYTES = 16 << 20 };
    fail_alloc counter;
    fail_alloc_init(&counter);
    llmcs_allocator allocator = fail_alloc_get(&counter);
    llmcs_model *m = open_with(folder, 1, &allocator);
    llmcs_engine *engine = new_engine(m, NULL);
    llmcs_request *request = NULL;
    char *text = malloc(BYTES);
    for (size_t i = 0; i < BYTES; i++) text[i] = "ab c"[i % 4];
    const long long before = counter.bytes;
    FAILS(LLMCS_CONTEXT_FULL, "16777216 bytes", llmcs_engine_submit(engine, text, BYTES, NULL, NULL, &request));
    ck_assert_int_lt(counter.bytes - before, 1 << 20);
    free(text);
    llmcs_engine_free(&engine);
    llmcs_model_free(&m);
    ck_assert_int_eq(counter.live, 0);
}
END_TEST

/* ---- reading into too little */

START_TEST(read_says_what_the_next_character_needs) {
    llmcs_engine *engine = engine_with(0);
    const request_case *a = &cases[1];
    const llmcs_sequence *whole = a->alone->sequences[0];
    llmcs_request *request = submit(engine, a);
    llmcs_result *result = NULL;
    OK(llmcs_request_wait(request, -1, &result));
    llmcs_result_free(&result);
    size_t n = 0, n_bytes, n_refused = 0;
    int finished = 0;
    while (!finished) {
        char text[4], none[1];
        OK(llmcs_request_read(request, NULL, 0, &n_bytes, &finished));
        ck_assert_int_eq(finished, n_bytes == 0);
        for (size_t capacity = 0, needed = 1; !finished && capacity <= needed; capacity++) {
            llmcs_status st = llmcs_request_read(request, capacity ? text : none, capacity, &needed, &finished);
            if (st) {
                FAILS(LLMCS_BUFFER, "the next character has", st);
                ck_assert_int_eq(finished, 0);
                ck_assert_uint_gt(needed, capacity);
                n_refused += needed > 1;
                continue;
            }
            ck_assert_uint_eq(needed, capacity);
            ck_assert_mem_eq(text, whole->text + n, needed);
            n += needed;
        }
    }
    ck_assert_uint_eq(n, whole->text_bytes);
    ck_assert_uint_gt(n_refused, 0); /* U+FFFD has three bytes */
    llmcs_request_free(&request);
    llmcs_engine_free(&engine);
}
END_TEST

/* A buffer of the size that was said holds all that can be read, tokens of several steps too. */
START_TEST(read_says_how_much_there_is) {
    llmcs_engine *engine = engine_with(0);
    for (size_t i = 0; i < N_CASES; i++) {
        const llmcs_sequence *whole = cases[i].alone->sequences[0];
        llmcs_request *request = submit(engine, &cases[i]);
        llmcs_result *result = NULL;
        size_t n_bytes, n_read, first = 0;
        int finished;
        OK(llmcs_request_wait(request, -1, &result));
        if (result->n_sequences > 1 || llmcs_request_read(request, NULL, 0, &n_bytes, NULL)) { /* read refuses these */
            llmcs_result_free(&result);
            llmcs_request_free(&request);
            continue;
        }
        ck_assert_uint_eq(n_bytes, whole->text_bytes);
        char *text = malloc(n_bytes + 1);
        if (n_bytes > 4) { /* a part first: what is left is counted anew */
            OK(llmcs_request_read(request, text, 4, &first, &finished));
            ck_assert_int_eq(finished, 0);
            OK(llmcs_request_read(request, NULL, 0, &n_bytes, &finished));
            ck_assert_uint_eq(first + n_bytes, whole->text_bytes);
        }
        OK(llmcs_request_read(request, text + first, n_bytes, &n_read, &finished));
        ck_assert_uint_eq(first + n_read, whole->text_bytes);
        ck_assert_mem_eq(text, whole->text, whole->text_bytes);
        ck_assert_int_eq(finished, 1);
        free(text);
        llmcs_result_free(&result);
        llmcs_request_free(&request);
    }
    llmcs_engine_free(&engine);
}
END_TEST

/* ---- cancelled threads */

typedef struct cancelled_thread {
    llmcs_model *model;
    llmcs_engine *engine;
    llmcs_request *request;
    llmcs_result *result;
    int n_done;
} cancelled_thread;

/* Is request_case to end before its first call, and ends between none of them. */
static void *use_engine_cancelled(void *arg) {
    cancelled_thread *c = arg;
    const request_case *a = &cases[5];
    char text[8];
    size_t n_bytes;
    pthread_cancel(pthread_self());
    c->n_done += !llmcs_engine_create(c->model, NULL, &c->engine);
    c->n_done += !llmcs_engine_submit(c->engine, "hello", LLMCS_NUL, &a->params, NULL, &c->request);
    c->n_done += !llmcs_request_wait(c->request, -1, &c->result);
    c->n_done += !llmcs_request_read(c->request, text, sizeof text, &n_bytes, NULL);
    llmcs_request_free(&c->request);
    llmcs_engine_free(&c->engine);
    c->n_done++;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
    return NULL;
}

START_TEST(a_cancelled_thread_ends_outside_of_calls) {
    host_memory memory = {0};
    llmcs_allocator allocator = {host_alloc, host_free, &memory};
    cancelled_thread c = {.model = open_with(folder, 2, &allocator)};
    pthread_t thread;
    memory.cancellation_point = true;
    ck_assert_int_eq(pthread_create(&thread, NULL, use_engine_cancelled, &c), 0);
    pthread_join(thread, NULL);
    memory.cancellation_point = false;
    ck_assert_int_eq(c.n_done, 5);
    llmcs_result_free(&c.result);
    llmcs_model_free(&c.model);
    ck_assert_int_eq(memory.live, 0);
}
END_TEST

/* ---- the host's floating point */

static const int roundings[] = {FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO, FE_TONEAREST};

static int check_rounding(void *user, int32_t id) {
    callback_case *c = user;
    (void)id;
    c->n_calls++;
    c->n_rounding_lost += fegetround() != FE_UPWARD;
    return 0;
}

/* Every call that computes, under FE_UPWARD and so on; the last mode traps every exception, FE_INEXACT too. Nothing is
 * asserted before the environment is the usual one again. */
START_TEST(the_hosts_floating_point_does_not_matter) {
    if (suite_emulated(NULL)) {
        suite_skip("floating-point environments", "the emulator has its own");
        return;
    }
    const bool traps = roundings[_i] == FE_TONEAREST, upward = roundings[_i] == FE_UPWARD;
    llmcs_engine_options o = engine_options();
    llmcs_engine_plan_info plan = {.struct_size = sizeof plan}, usual_plan = plan;
    llmcs_plan_info model_plan = {.struct_size = sizeof model_plan}, usual_model_plan = model_plan;
    OK(llmcs_engine_plan(folder, NULL, NULL, 100, &usual_plan));
    OK(llmcs_plan(folder, NULL, NULL, &usual_model_plan));
    o.flags = LLMCS_ENGINE_NO_THREAD;
    o.step_ms = 3.3;
    llmcs_engine *engine = NULL;
    llmcs_request *requests[N_CASES] = {0};
    llmcs_result *results[N_CASES] = {0};
    callback_case c = {0};
    llmcs_submit_options options;
    llmcs_submit_options_init(&options);
    options.on_token = upward ? check_rounding : NULL;
    options.user = &c;
    llmcs_engine_stats stats = {.struct_size = sizeof stats};
    llmcs_engine_event event = {.struct_size = sizeof event};
    llmcs_status st;
    char text[100];
    size_t n_bytes;
    int progressed;
    fesetround(roundings[_i]);
    if (traps) feenableexcept(FE_ALL_EXCEPT);
    st = llmcs_plan(folder, NULL, NULL, &model_plan);
    if (!st) st = llmcs_engine_plan(folder, NULL, NULL, 100, &plan);
    if (!st) st = llmcs_engine_create(model, &o, &engine);
    for (size_t i = 0; !st && i < N_CASES; i++) {
        const request_case *a = &cases[i];
        llmcs_generate_params p = a->params;
        p.deadline_ms = 1e9 / 3;
        st = llmcs_engine_submit_ids(engine, a->ids, a->n_ids, &p, i ? NULL : &options, &requests[i]);
    }
    if (!st) st = llmcs_engine_step(engine, &progressed);
    if (!st) st = llmcs_engine_next(engine, 100 / 3.0, &event);
    for (size_t i = 0; !st && i < N_CASES; i++) st = llmcs_request_wait(requests[i], 1e6 / 3, &results[i]);
    if (!st) st = llmcs_request_read(requests[0], text, sizeof text, &n_bytes, NULL);
    if (!st) st = llmcs_engine_get_stats(engine, &stats);
    double p90 = llmcs_histogram_quantile(&stats.per_token_ms, 0.9);
    const bool kept = fegetround() == roundings[_i] && (!traps || fegetexcept() == FE_ALL_EXCEPT);
    fesetenv(FE_DFL_ENV);
    OK(st);
    ck_assert(kept);
    ck_assert(llmcs_histogram_quantile(&stats.per_token_ms, 0.9) == p90);
    ck_assert_mem_eq(&plan, &usual_plan, sizeof plan);
    ck_assert_mem_eq(&model_plan, &usual_model_plan, sizeof model_plan);
    for (size_t i = 0; i < N_CASES; i++) {
        same_result(cases[i].alone, results[i]);
        llmcs_result_free(&results[i]);
        llmcs_request_free(&requests[i]);
    }
    ck_assert_int_eq(c.n_calls > 0, upward);
    ck_assert_int_eq(c.n_rounding_lost, 0);
    llmcs_engine_free(&engine);
}
END_TEST

static void add_tests(TCase *tests) {
    tcase_add_unchecked_fixture(tests, set_up, tear_down);
    tcase_add_checked_fixture(tests, open_it, close_it);
    tcase_add_loop_test(tests, freed_while_threads_wait_for_events, 0, sizeof waits / sizeof *waits);
    tcase_add_loop_test(tests, freed_while_threads_wait_for_results, 0, sizeof waits / sizeof *waits);
    tcase_add_test(tests, freed_while_a_thread_submits);
    tcase_add_test(tests, cancelled_requests_are_waited_for_without_a_thread);
    tcase_add_test(tests, a_step_of_many_beams_is_stopped_in_the_middle);
    tcase_add_loop_test(tests, free_in_a_callback_is_refused, 0, 2);
    tcase_add_test(tests, a_callback_finds_the_handle_of_its_request);
    tcase_add_test(tests, a_prompt_that_cannot_fit_is_not_encoded);
    tcase_add_test(tests, read_says_what_the_next_character_needs);
    tcase_add_test(tests, read_says_how_much_there_is);
    tcase_add_test(tests, a_cancelled_thread_ends_outside_of_calls);
    tcase_add_loop_test(tests, the_hosts_floating_point_does_not_matter, 0, sizeof roundings / sizeof *roundings);
}

SUITE_MAIN("runtime/engine_calls", add_tests)
