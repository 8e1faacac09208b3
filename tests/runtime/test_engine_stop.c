/* llmcs_engine_stop: threads that loop over events end by themselves, whether they wait, are between two calls or come
 * later, and then the engine can be freed. */
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "runtime/engine_case.h"

#define N_THREADS 4
#define N_REQUESTS 6

static char folder[TEMP_PATH_BYTES];
static llmcs_model *model;

static void set_up(void) {
    make_long_folder(folder);
    model = open_model(folder, 2);
}

static void tear_down(void) {
    llmcs_model_free(&model);
    temp_remove(folder);
}

static llmcs_engine *engine_with(uint32_t flags) {
    llmcs_engine_options o = engine_options();
    o.flags = flags;
    return new_engine(model, &o);
}

static const int32_t prompt[] = {5, 9, 31, 7, 2};

static llmcs_request *submit_long(llmcs_engine *engine, const llmcs_submit_options *options) {
    llmcs_generate_params p;
    llmcs_request *request = NULL;
    OK(llmcs_generate_params_init(&p, NULL));
    p.max_new_tokens = 250;
    p.n_eos_token_id = 0;
    p.eos_token_id = prompt; /* no end */
    OK(llmcs_engine_submit_ids(engine, prompt, 5, &p, options, &request));
    return request;
}

/* ------------------------------------------------------------------------------------------ loops over events */

typedef struct looper {
    llmcs_engine *engine;
    useconds_t pause; /* between two calls */
    atomic_size_t *n_finished;
    llmcs_status status; /* that ended the loop */
    pthread_t thread;
} looper;

static void *loop_over_events(void *arg) {
    looper *l = arg;
    llmcs_engine_event event = {.struct_size = sizeof event};
    while (!(l->status = llmcs_engine_next(l->engine, -1, &event))) {
        if (event.finished) atomic_fetch_add(l->n_finished, 1);
        usleep(l->pause);
    }
    return NULL;
}

static const struct {
    uint32_t flags;
    useconds_t pause, before_stop;
} loops[] = {{0, 0, 0},
             {0, 0, 3000},
             {0, 20000, 3000}, /* threads are between two calls */
             {LLMCS_ENGINE_NO_THREAD, 0, 0},
             {LLMCS_ENGINE_NO_THREAD, 0, 3000},
             {LLMCS_ENGINE_NO_THREAD, 20000, 3000}};

START_TEST(threads_that_loop_over_events_end) {
    llmcs_engine *engine = engine_with(loops[_i].flags);
    llmcs_request *requests[N_REQUESTS];
    looper l[N_THREADS];
    atomic_size_t n_finished = 0;
    for (size_t i = 0; i < N_REQUESTS; i++) requests[i] = submit_long(engine, NULL);
    for (size_t i = 0; i < N_THREADS; i++) {
        l[i] = (looper){.engine = engine, .pause = loops[_i].pause, .n_finished = &n_finished};
        ck_assert_int_eq(pthread_create(&l[i].thread, NULL, loop_over_events, &l[i]), 0);
    }
    usleep(loops[_i].before_stop);
    OK(llmcs_engine_stop(engine));
    for (size_t i = 0; i < N_THREADS; i++) {
        pthread_join(l[i].thread, NULL);
        ck_assert_int_eq(l[i].status, LLMCS_STATE);
    }
    ck_assert_uint_eq(n_finished, N_REQUESTS); /* every request's end was reported */
    llmcs_engine_free(&engine);
    for (size_t i = 0; i < N_REQUESTS; i++) {
        llmcs_result *result = NULL;
        const llmcs_status st = llmcs_request_wait(requests[i], -1, &result);
        if (st)
            ck_assert_int_eq(st, LLMCS_CANCELLED);
        else if (result->sequences[0]->n_ids < 250)
            ck_assert_int_eq(result->sequences[0]->finish_reason, LLMCS_FINISH_CANCELLED);
        llmcs_result_free(&result);
        llmcs_request_free(&requests[i]);
    }
}
END_TEST

/* ------------------------------------------------------------------------------------------------ afterwards */

static bool readable(const llmcs_engine *engine) {
    struct pollfd p = {.fd = llmcs_engine_fd(engine), .events = POLLIN};
    return poll(&p, 1, 0) == 1;
}

START_TEST(a_stopped_engine_reports_what_is_left_and_refuses_the_rest) {
    llmcs_engine *engine = engine_with(_i ? LLMCS_ENGINE_NO_THREAD : 0);
    llmcs_request *request = submit_long(engine, NULL), *refused = NULL;
    llmcs_engine_event event = {.struct_size = sizeof event};
    llmcs_engine_stats stats = {.struct_size = sizeof stats};
    llmcs_result *result = NULL;
    char text[8];
    size_t n;
    int progressed;
    OK(llmcs_engine_stop(engine));
    ck_assert(readable(engine));
    OK(llmcs_engine_next(engine, 0, &event));
    ck_assert(event.request == request && event.finished);
    for (int i = 0; i < 3; i++) {
        FAILS(LLMCS_STATE, "stopped", llmcs_engine_next(engine, i - 1, &event));
        ck_assert(readable(engine));
    }
    FAILS(LLMCS_STATE, "stopped", llmcs_engine_submit_ids(engine, prompt, 5, NULL, NULL, &refused));
    ck_assert_ptr_null(refused);
    FAILS(LLMCS_STATE, "stopped", llmcs_engine_step(engine, &progressed));
    OK(llmcs_engine_get_stats(engine, &stats));
    ck_assert(stats.n_running == 0 && stats.n_waiting == 0 && stats.n_cancelled == 1);
    OK(llmcs_engine_stop(engine));
    const llmcs_status st = llmcs_request_wait(request, 0, &result);
    ck_assert(st == LLMCS_OK || st == LLMCS_CANCELLED);
    llmcs_result_free(&result);
    if (llmcs_model_tokenizer(model)) OK(llmcs_request_read(request, text, sizeof text, &n, NULL));
    llmcs_request_free(&request);
    llmcs_engine_free(&engine);
}
END_TEST

START_TEST(an_engine_without_requests_stops_and_its_descriptor_wakes) {
    llmcs_engine *engine = engine_with(_i ? LLMCS_ENGINE_NO_THREAD : 0);
    ck_assert(!readable(engine));
    OK(llmcs_engine_stop(engine));
    ck_assert(readable(engine));
    llmcs_engine_free(&engine);
}
END_TEST

static void *stop_it(void *engine) {
    OK(llmcs_engine_stop(engine));
    return NULL;
}

START_TEST(many_threads_stop_it_at_once) {
    for (int round = 0; round < 20; round++) {
        llmcs_engine *engine = engine_with(_i ? LLMCS_ENGINE_NO_THREAD : 0);
        llmcs_request *request = submit_long(engine, NULL);
        pthread_t threads[N_THREADS];
        for (size_t i = 0; i < N_THREADS; i++) ck_assert_int_eq(pthread_create(&threads[i], NULL, stop_it, engine), 0);
        OK(llmcs_engine_stop(engine));
        for (size_t i = 0; i < N_THREADS; i++) pthread_join(threads[i], NULL);
        llmcs_engine_free(&engine);
        llmcs_request_free(&request);
    }
}
END_TEST

/* -------------------------------------------------------------------------------------------------- refusals */

typedef struct callback_case {
    llmcs_engine *engine;
    atomic_int n_calls;
    _Atomic(llmcs_status) status;
} callback_case;

static int stop_in_callback(void *user, int32_t id) {
    callback_case *c = user;
    (void)id;
    c->status = llmcs_engine_stop(c->engine);
    return ++c->n_calls == 3;
}

START_TEST(a_callback_cannot_stop_its_engine) {
    callback_case c = {.engine = engine_with(_i ? LLMCS_ENGINE_NO_THREAD : 0)};
    llmcs_submit_options options;
    llmcs_result *result = NULL;
    llmcs_submit_options_init(&options);
    options.on_token = stop_in_callback;
    options.user = &c;
    llmcs_request *request = submit_long(c.engine, &options);
    OK(llmcs_request_wait(request, -1, &result));
    ck_assert_int_eq(result->sequences[0]->finish_reason, LLMCS_FINISH_CALLBACK);
    ck_assert_int_eq(c.n_calls, 3);
    ck_assert_int_eq(c.status, LLMCS_STATE);
    llmcs_result_free(&result);
    llmcs_request_free(&request);
    llmcs_engine_free(&c.engine);
}
END_TEST

START_TEST(no_engine) { FAILS(LLMCS_ARG, "NULL", llmcs_engine_stop(NULL)); }
END_TEST

static void add_tests(TCase *tests) {
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_loop_test(tests, threads_that_loop_over_events_end, 0, sizeof loops / sizeof *loops);
    tcase_add_loop_test(tests, a_stopped_engine_reports_what_is_left_and_refuses_the_rest, 0, 2);
    tcase_add_loop_test(tests, an_engine_without_requests_stops_and_its_descriptor_wakes, 0, 2);
    tcase_add_loop_test(tests, many_threads_stop_it_at_once, 0, 2);
    tcase_add_loop_test(tests, a_callback_cannot_stop_its_engine, 0, 2);
    tcase_add_test(tests, no_engine);
}

SUITE_MAIN("runtime/engine_stop", add_tests)
