/* Many threads at one engine: submitting, reading, waiting, cancelling, timing out and freeing, on several models at
 * once; and many requests one after the other without growing. LLMCS_TEST_SECONDS and LLMCS_TEST_REQUESTS make it long.
 */
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base/clock.h"
#include "runtime/engine_case.h"
#include "support/fail_alloc.h"

#define N_THREADS 8
#define N_EACH 8 /* requests a thread holds at a time */
#define N_CASES 14

static char folder[TEMP_PATH_BYTES];
static request_case cases[N_CASES];

static void set_up(void) {
    uint64_t seed = 11;
    int32_t shop[40];
    for (size_t i = 0; i < 40; i++) shop[i] = (int32_t)(1 + random_below(&seed, TINY_VOCAB - 1));
    make_long_folder(folder);
    llmcs_model *model = open_model(folder, 1);
    for (unsigned i = 0; i < N_CASES; i++) {
        make_case(&cases[i], i % N_KINDS, shop, i % 2 ? 40 : 1 + i, &seed);
        run_alone(&cases[i], model);
    }
    llmcs_model_free(&model);
}

static void tear_down(void) {
    for (size_t i = 0; i < N_CASES; i++) llmcs_result_free(&cases[i].alone);
    temp_remove(folder);
}

static long setting(const char *name, long otherwise) {
    const char *value = getenv(name);
    return value ? atol(value) : otherwise;
}

static double now(void) { return 1e-9 * (double)ll_now_ns(); }

/* Threads do not use Check: they count what was wrong, and the test reads the counters. */
typedef struct crowd {
    llmcs_engine *engine;
    double until;
    uint64_t seed;
    atomic_int wrong;
    atomic_long n_answers, n_cancelled, n_late, n_dropped, n_refused;
} crowd;

typedef struct member {
    crowd *c;
    uint64_t seed;
    pthread_t thread;
} member;

static bool equal(const llmcs_result *a, const llmcs_result *b) {
    if (a->n_sequences != b->n_sequences) return false;
    for (size_t i = 0; i < a->n_sequences; i++) {
        const llmcs_sequence *s = a->sequences[i], *t = b->sequences[i];
        if (s->n_ids != t->n_ids || memcmp(s->ids, t->ids, s->n_ids * sizeof *s->ids) != 0 || s->score != t->score)
            return false;
    }
    return true;
}

/* Stopped or complete, the result is a prefix of the expected one. */
static bool fits(const request_case *a, const llmcs_result *r) {
    const llmcs_sequence *whole = a->alone->sequences[0], *part = r->sequences[0];
    if (part->finish_reason != LLMCS_FINISH_CANCELLED && part->finish_reason != LLMCS_FINISH_DEADLINE)
        return equal(a->alone, r);
    if (a->params.num_beams > 1) return true; /* the best so far need not begin the best of all */
    return part->n_ids <= whole->n_ids && memcmp(part->ids, whole->ids, part->n_ids * sizeof *part->ids) == 0;
}

static void finish(crowd *c, llmcs_request **request, const request_case *a) {
    llmcs_result *result = NULL;
    llmcs_status st = llmcs_request_wait(*request, -1, &result);
    if (!st && !fits(a, result)) atomic_fetch_add(&c->wrong, 1);
    if (st == LLMCS_CANCELLED || (!st && result->sequences[0]->finish_reason == LLMCS_FINISH_CANCELLED))
        atomic_fetch_add(&c->n_cancelled, 1);
    else if (st == LLMCS_DEADLINE || (!st && result->sequences[0]->finish_reason == LLMCS_FINISH_DEADLINE))
        atomic_fetch_add(&c->n_late, 1);
    else if (st)
        atomic_fetch_add(&c->wrong, 1);
    else
        atomic_fetch_add(&c->n_answers, 1);
    llmcs_result_free(&result);
    llmcs_request_free(request);
}

static void *member_thread(void *arg) {
    member *m = arg;
    crowd *c = m->c;
    llmcs_request *held[N_EACH] = {0};
    const request_case *what[N_EACH] = {0};
    while (now() < c->until) {
        size_t i = random_below(&m->seed, N_EACH), dice = random_below(&m->seed, 10);
        if (!held[i]) {
            what[i] = &cases[random_below(&m->seed, N_CASES)];
            llmcs_generate_params p = what[i]->params;
            llmcs_submit_options options;
            llmcs_submit_options_init(&options);
            options.priority = (int32_t)random_below(&m->seed, 3);
            if (dice == 0) p.deadline_ms = (double)random_below(&m->seed, 20) + 0.5;
            llmcs_status st = llmcs_engine_submit_ids(c->engine, what[i]->ids, what[i]->n_ids, &p, &options, &held[i]);
            if (st == LLMCS_QUEUE_FULL)
                atomic_fetch_add(&c->n_refused, 1);
            else if (st)
                atomic_fetch_add(&c->wrong, 1);
        } else if (dice == 0) {
            llmcs_request_cancel(held[i]);
            finish(c, &held[i], what[i]);
        } else if (dice == 1) {
            llmcs_request_free(&held[i]);
            atomic_fetch_add(&c->n_dropped, 1);
        } else if (dice < 4) {
            char text[64];
            size_t n_bytes;
            llmcs_status st = llmcs_request_read(held[i], text, sizeof text, &n_bytes, NULL);
            if (st && st != LLMCS_STATE) atomic_fetch_add(&c->wrong, 1);
        } else if (dice == 4) {
            llmcs_engine_event event = {.struct_size = sizeof event};
            llmcs_status st = llmcs_engine_next(c->engine, 0.4, &event); /* maybe another thread's: not used */
            if (st && st != LLMCS_PENDING) atomic_fetch_add(&c->wrong, 1);
        } else {
            finish(c, &held[i], what[i]);
        }
    }
    for (size_t i = 0; i < N_EACH; i++)
        if (held[i]) finish(c, &held[i], what[i]);
    return NULL;
}

static void run_crowd(crowd *c, llmcs_engine *engine) {
    member members[N_THREADS];
    c->engine = engine;
    for (size_t i = 0; i < N_THREADS; i++) {
        members[i] = (member){.c = c, .seed = c->seed * 100 + i};
        ck_assert_int_eq(pthread_create(&members[i].thread, NULL, member_thread, &members[i]), 0);
    }
    for (size_t i = 0; i < N_THREADS; i++) pthread_join(members[i].thread, NULL);
}

/* 64 requests held by 8 threads, with memory for a few and without a thread of the engine's too. */
START_TEST(eight_threads_share_an_engine) {
    crowd c = {.until = now() + (double)setting("LLMCS_TEST_SECONDS", suite_emulated(NULL) ? 1 : 2),
               .seed = 1 + (uint64_t)_i};
    printf("seed %llu\n", (unsigned long long)c.seed);
    llmcs_model *model = open_model(folder, 2);
    llmcs_engine_plan_info plan = {.struct_size = sizeof plan};
    OK(llmcs_engine_plan(folder, NULL, NULL, 1, &plan));
    llmcs_engine_options o = engine_options();
    o.max_queue = 20;
    o.max_batch = 12;
    if (_i) o.kv_bytes = 20 * plan.kv_block_bytes;
    if (_i == 2) o.flags = LLMCS_ENGINE_NO_THREAD;
    llmcs_engine *engine = new_engine(model, &o);
    run_crowd(&c, engine);
    llmcs_engine_stats s = stats_of(engine);
    printf("%ld answers, %ld cancelled, %ld late, %ld dropped, %ld refused; %llu preempted\n", c.n_answers,
           c.n_cancelled, c.n_late, c.n_dropped, c.n_refused, (unsigned long long)s.n_preempted);
    ck_assert_int_eq(c.wrong, 0);
    ck_assert_int_gt(c.n_answers, 0);
    ck_assert_uint_eq(s.n_failed, 0);
    llmcs_engine_free(&engine);
    llmcs_model_free(&model);
}
END_TEST

/* Requests by the ten thousand: memory in use does not grow from one batch of them to the next, and nothing is left. */
START_TEST(many_requests_leave_nothing) {
    const long n_requests = setting("LLMCS_TEST_REQUESTS", suite_emulated(NULL) ? 500
                                                           : suite_sanitized()  ? 1000
                                                                                : 100000);
    fail_alloc counter;
    fail_alloc_init(&counter);
    llmcs_allocator allocator = fail_alloc_get(&counter);
    llmcs_model *model = open_with(folder, 1, &allocator);
    llmcs_engine *engine = new_engine(model, NULL);
    uint64_t seed = 99;
    long long settled = LLONG_MAX;
    for (long done = 0; done < n_requests;) {
        llmcs_request *requests[50];
        int32_t ids[8];
        llmcs_generate_params p = defaults(2);
        for (size_t i = 0; i < 50; i++) {
            for (size_t k = 0; k < 8; k++) ids[k] = (int32_t)random_below(&seed, TINY_VOCAB);
            OK(llmcs_engine_submit_ids(engine, ids, 8, &p, NULL, &requests[i]));
        }
        for (size_t i = 0; i < 50; i++) {
            llmcs_result *result = NULL;
            OK(llmcs_request_wait(requests[i], -1, &result));
            llmcs_result_free(&result);
            llmcs_request_free(&requests[i]);
        }
        done += 50;
        /* The engine releases a request a moment after its caller has the result. */
        for (int i = 0; i < 10000 && counter.live_bytes > settled; i++) usleep(1000);
        ck_assert_int_le(counter.live_bytes, settled);
        settled = counter.live_bytes;
    }
    ck_assert_uint_eq(stats_of(engine).n_finished, (unsigned long)n_requests);
    llmcs_engine_free(&engine);
    llmcs_model_free(&model);
    ck_assert_int_eq(counter.live, 0);
}
END_TEST

static void add_tests(TCase *tests) {
    tcase_add_unchecked_fixture(tests, set_up, tear_down);
    tcase_add_loop_test(tests, eight_threads_share_an_engine, 0, 3);
    tcase_add_test(tests, many_requests_leave_nothing);
}

SUITE_MAIN("runtime/engine_threads", add_tests)
