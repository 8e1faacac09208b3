/* The engine: every request gets the result it would get alone, whatever runs concurrently and however little memory
 * there is. */
#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/engine_case.h"
#include "support/fail_alloc.h"

#define MOST_CASES 54

static char folder[TEMP_PATH_BYTES];
static request_case cases[MOST_CASES];
static size_t n_cases; /* each of the kinds with both prefixes, once under a sanitizer, else three times */
static llmcs_model *model;

/* Half of the cases share a prefix of 70 tokens, as after a shop's own text. */
static void set_up(void) {
    uint64_t seed = 20261122;
    int32_t shop[70];
    printf("seed %llu\n", (unsigned long long)seed);
    for (size_t i = 0; i < 70; i++) shop[i] = (int32_t)(1 + random_below(&seed, TINY_VOCAB - 1));
    make_long_folder(folder);
    model = open_model(folder, 2);
    n_cases = MOST_CASES / suite_step(3);
    for (unsigned i = 0; i < n_cases; i++) {
        make_case(&cases[i], i % N_KINDS, shop, i % 2 ? 70 : 1 + i, &seed);
        run_alone(&cases[i], model);
    }
    llmcs_model_free(&model);
}

/* Each test is a process of its own. */
static void open_it(void) { model = open_model(folder, 2); }
static void close_it(void) { llmcs_model_free(&model); }

static void tear_down(void) {
    for (size_t i = 0; i < n_cases; i++) llmcs_result_free(&cases[i].alone);
    temp_remove(folder);
}

static void run_all(llmcs_engine *engine) {
    llmcs_request *requests[MOST_CASES];
    for (size_t i = 0; i < n_cases; i++) requests[i] = submit(engine, &cases[i]);
    for (size_t i = 0; i < n_cases; i++) check_result(requests[i], &cases[i]);
}

static size_t block_bytes(void) {
    llmcs_engine_plan_info plan = {.struct_size = sizeof plan};
    OK(llmcs_engine_plan(folder, NULL, NULL, CONTEXT, &plan));
    return (size_t)plan.kv_block_bytes;
}

/* ---- the same results */

typedef struct setting {
    const char *name;
    int32_t max_batch, max_chunk;
    double step_ms;
    size_t n_blocks; /* 0: the default */
    uint32_t flags;
    llmcs_kv_type kv_type;
    int32_t n_threads;
} setting;

static const setting settings[] = {
    {"as it comes", 64, 256, 0, 0, 0, LLMCS_KV_F32, 2},
    {"float16", 64, 256, 0, 0, 0, LLMCS_KV_F16, 2},
    {"one thread", 64, 256, 0, 0, 0, LLMCS_KV_F32, 1},
    {"the caller steps", 64, 256, 0, 0, LLMCS_ENGINE_NO_THREAD, LLMCS_KV_F32, 2},
    {"nothing shared", 64, 256, 0, 0, LLMCS_ENGINE_NO_PREFIX_CACHE, LLMCS_KV_F32, 2},
    {"small chunks", 64, 16, INFINITY, 0, 0, LLMCS_KV_F32, 2},
    {"few at once", 4, 32, 0.001, 0, 0, LLMCS_KV_F32, 2},
    {"little memory", 16, 64, 0, 17, 0, LLMCS_KV_F32, 2},
    {"little memory, nothing shared", 16, 64, 0, 24, LLMCS_ENGINE_NO_PREFIX_CACHE, LLMCS_KV_F32, 2},
    {"little memory, the caller steps", 16, 64, 0, 17, LLMCS_ENGINE_NO_THREAD, LLMCS_KV_F32, 2},
    {"little memory, nothing shared, the caller steps", 16, 64, 0, 24,
     LLMCS_ENGINE_NO_PREFIX_CACHE | LLMCS_ENGINE_NO_THREAD, LLMCS_KV_F32, 2},
};

START_TEST(every_request_gets_what_it_gets_alone) {
    const setting *s = &settings[_i];
    llmcs_model *m = open_model_with_kv(folder, s->n_threads, s->kv_type);
    llmcs_engine_options o = engine_options();
    o.max_batch = s->max_batch;
    o.max_chunk = s->max_chunk;
    o.step_ms = s->step_ms;
    o.kv_bytes = s->n_blocks * block_bytes();
    o.flags = s->flags;
    bool other_bits = s->kv_type != LLMCS_KV_F32;
    request_case *own = calloc(n_cases, sizeof *own);
    for (size_t i = 0; i < n_cases; i++) own[i] = cases[i];
    for (size_t i = 0; other_bits && i < n_cases; i++) run_alone(&own[i], m);
    llmcs_engine *engine = new_engine(m, &o);
    for (int round = 0; round < 2; round++) { /* the second round finds the prefixes of the first */
        llmcs_request *requests[MOST_CASES];
        for (size_t i = 0; i < n_cases; i++) requests[i] = submit(engine, &own[i]);
        for (size_t i = 0; i < n_cases; i++) check_result(requests[i], &own[i]);
    }
    llmcs_engine_stats stats = stats_of(engine);
    ck_assert_uint_eq(stats.n_finished, 2 * n_cases);
    ck_assert_uint_eq(stats.n_waiting + stats.n_running, 0);
    ck_assert((stats.n_cached_tokens > 0) == !(s->flags & LLMCS_ENGINE_NO_PREFIX_CACHE));
    if (s->n_blocks && s->flags & LLMCS_ENGINE_NO_THREAD) ck_assert_uint_gt(stats.n_preempted, 0);
    ck_assert_uint_gt(stats.n_draft_tokens, 0);
    llmcs_engine_free(&engine);
    for (size_t i = 0; other_bits && i < n_cases; i++) llmcs_result_free(&own[i].alone);
    free(own);
    llmcs_model_free(&m);
}
END_TEST

/* Blocks for three conversations, and thirty are submitted. Only with NO_THREAD are all thirty certain to wait before
 * the first step; a scheduler thread may finish some while the others are submitted, and then preempts nobody. */
START_TEST(thirty_requests_in_memory_for_three) {
    llmcs_engine_options o = engine_options();
    if (_i) o.flags = LLMCS_ENGINE_NO_THREAD;
    request_case *own = calloc(30, sizeof *own);
    uint64_t seed = 7;
    o.kv_bytes = 3 * 4 * block_bytes();
    llmcs_engine *engine = new_engine(model, &o);
    llmcs_request *requests[30];
    for (int32_t i = 0; i < 30; i++) {
        make_case(&own[i], (unsigned)i % 2, &i, 1, &seed);
        own[i].n_ids = 60;
        for (size_t k = 1; k < 60; k++) own[i].ids[k] = (int32_t)random_below(&seed, TINY_VOCAB);
        own[i].params.max_new_tokens = 60;
        own[i].params.eos_token_id = own[i].ids;
        own[i].params.n_eos_token_id = 0;
        run_alone(&own[i], model);
    }
    for (size_t i = 0; i < 30; i++) requests[i] = submit(engine, &own[i]);
    for (size_t i = 0; i < 30; i++) check_result(requests[i], &own[i]);
    for (size_t i = 0; i < 30; i++) llmcs_result_free(&own[i].alone);
    if (_i) ck_assert_uint_gt(stats_of(engine).n_preempted, 0);
    llmcs_engine_free(&engine);
    free(own);
}
END_TEST

/* Beams that are preempted in the middle, and again while they are evaluated anew: some of their sequences are in the
 * step already when there is no block for the next. */
START_TEST(many_beams_in_memory_for_few) {
    enum { N = 24, BLOCKS = 8 };
    llmcs_engine_options o = engine_options();
    if (_i) o.flags = LLMCS_ENGINE_NO_THREAD;
    request_case *own = calloc(N, sizeof *own);
    o.kv_bytes = BLOCKS * block_bytes();
    for (uint64_t seed = 1; seed <= 4; seed++) {
        uint64_t random = seed;
        llmcs_engine *engine = new_engine(model, &o);
        llmcs_request *requests[N];
        for (int32_t i = 0; i < N; i++) {
            make_case(&own[i], (unsigned)i % N_KINDS, &i, 1, &random);
            own[i].n_ids = 3 + random_below(&random, 7);
            own[i].params.max_new_tokens = 20;
            if (own[i].params.num_beams > 1 && own[i].params.num_beam_groups == 1)
                own[i].params.num_beams = (int32_t)(4 + random_below(&random, 3));
            run_alone(&own[i], model);
        }
        for (size_t i = 0; i < N; i++) requests[i] = submit(engine, &own[i]);
        for (size_t i = 0; i < N; i++) check_result(requests[i], &own[i]);
        for (size_t i = 0; i < N; i++) llmcs_result_free(&own[i].alone);
        if (_i) ck_assert_uint_gt(stats_of(engine).n_preempted, 0);
        llmcs_engine_free(&engine);
    }
    free(own);
}
END_TEST

/* Beams that differ in their last token only, preempted and evicted from the prefix cache: the first one is evaluated
 * again, the others wait for it and then find all but their last tokens in the cache. The step after that decodes; an
 * empty one would put the caller to sleep for ever. */
START_TEST(beams_that_find_their_prefix_again_decode_in_the_same_step) {
    llmcs_engine_options o = engine_options();
    o.flags = LLMCS_ENGINE_NO_THREAD;
    o.kv_bytes = 16 * block_bytes();
    request_case own[3] = {{.n_ids = 90, .params = defaults(12)},
                           {.n_ids = 270, .params = defaults(8)},
                           {.n_ids = 270, .params = defaults(8)}};
    uint64_t seed = 11;
    for (size_t r = 0; r < 3; r++) {
        for (size_t i = 0; i < own[r].n_ids; i++) own[r].ids[i] = (int32_t)(1 + random_below(&seed, TINY_VOCAB - 1));
        own[r].params.num_beams = r ? 1 : 4;
        own[r].params.logprobs = 1;
        run_alone(&own[r], model);
    }
    llmcs_engine *engine = new_engine(model, &o);
    llmcs_request *requests[3] = {submit(engine, &own[0])};
    llmcs_submit_options urgent;
    llmcs_submit_options_init(&urgent);
    urgent.priority = 1;
    int progressed;
    while (!stats_of(engine).n_prompt_tokens) OK(llmcs_engine_step(engine, &progressed));
    for (size_t r = 1; r < 3; r++)
        OK(llmcs_engine_submit_ids(engine, own[r].ids, own[r].n_ids, &own[r].params, &urgent, &requests[r]));
    for (size_t n = 0; stats_of(engine).n_finished < 3; n++) {
        OK(llmcs_engine_step(engine, &progressed));
        ck_assert_msg(progressed, "step %zu evaluates nothing", n);
    }
    ck_assert_uint_gt(stats_of(engine).n_preempted, 0);
    for (size_t r = 0; r < 3; r++) {
        check_result(requests[r], &own[r]);
        llmcs_result_free(&own[r].alone);
    }
    llmcs_engine_free(&engine);
}
END_TEST

START_TEST(a_common_prefix_is_evaluated_once) {
    llmcs_engine *engine = new_engine(model, NULL);
    request_case *own = calloc(50, sizeof *own);
    uint64_t seed = 3;
    int32_t shop[200];
    llmcs_request *requests[50];
    for (size_t i = 0; i < 200; i++) shop[i] = (int32_t)random_below(&seed, TINY_VOCAB);
    for (size_t i = 0; i < 50; i++) {
        make_case(&own[i], 0, shop, 200, &seed);
        own[i].n_ids = 220;
        own[i].params.max_new_tokens = 3;
        run_alone(&own[i], model);
    }
    for (size_t i = 0; i < 50; i++) requests[i] = submit(engine, &own[i]);
    for (size_t i = 0; i < 50; i++) check_result(requests[i], &own[i]);
    llmcs_engine_stats stats = stats_of(engine);
    ck_assert_uint_eq(stats.n_prompt_tokens, 50 * 220);
    ck_assert_uint_ge(stats.n_cached_tokens, 49 * 200);
    for (size_t i = 0; i < 50; i++) llmcs_result_free(&own[i].alone);
    llmcs_engine_free(&engine);
    free(own);
}
END_TEST

/* The next turn of a conversation finds prompt and answer of the one before. */
START_TEST(the_next_turn_finds_the_conversation_cached) {
    llmcs_engine *engine = new_engine(model, NULL);
    llmcs_generate_params p = defaults(40);
    llmcs_request *request = NULL;
    llmcs_result *first = NULL, *second = NULL;
    p.eos_token_id = cases[0].ids;
    p.n_eos_token_id = 0;
    OK(llmcs_engine_submit_ids(engine, cases[1].ids, 90, &p, NULL, &request));
    OK(llmcs_request_wait(request, -1, &first));
    llmcs_request_free(&request);
    ck_assert_uint_eq(first->sequences[0]->n_ids, 40);
    int32_t turn[140];
    memcpy(turn, cases[1].ids, 90 * sizeof *turn);
    memcpy(turn + 90, first->sequences[0]->ids, 40 * sizeof *turn);
    for (int32_t i = 0; i < 10; i++) turn[130 + i] = 17 + i;
    OK(llmcs_engine_submit_ids(engine, turn, 140, &p, NULL, &request));
    OK(llmcs_request_wait(request, -1, &second));
    ck_assert_uint_ge(second->n_cached_tokens, 128); /* the last token was sampled, not evaluated */
    llmcs_request_free(&request);
    llmcs_result_free(&first);
    llmcs_result_free(&second);
    llmcs_engine_free(&engine);
}
END_TEST

START_TEST(the_higher_priority_comes_first) {
    llmcs_engine_options o = engine_options();
    o.flags = LLMCS_ENGINE_NO_THREAD;
    o.max_batch = 1;
    llmcs_engine *engine = new_engine(model, &o);
    llmcs_submit_options low, high;
    llmcs_submit_options_init(&low);
    llmcs_submit_options_init(&high);
    high.priority = 1;
    llmcs_generate_params p = defaults(20);
    p.eos_token_id = cases[0].ids;
    p.n_eos_token_id = 0;
    llmcs_request *a = NULL, *b = NULL;
    llmcs_result *result = NULL;
    int progressed;
    OK(llmcs_engine_submit_ids(engine, cases[0].ids, 3, &p, &low, &a));
    for (int i = 0; i < 5; i++) OK(llmcs_engine_step(engine, &progressed));
    OK(llmcs_engine_submit_ids(engine, cases[0].ids, 4, &p, &high, &b));
    OK(llmcs_request_wait(b, -1, &result));
    llmcs_result_free(&result);
    FAILS(LLMCS_PENDING, "not finished", llmcs_request_wait(a, 0, &result));
    OK(llmcs_request_wait(a, -1, &result));
    ck_assert_uint_eq(result->sequences[0]->n_ids, 20);
    llmcs_result_free(&result);
    ck_assert_uint_eq(stats_of(engine).n_preempted, 1);
    llmcs_request_free(&a);
    llmcs_request_free(&b);
    llmcs_engine_free(&engine);
}
END_TEST

/* ---- reading, events, callbacks */

START_TEST(text_is_read_while_it_grows) {
    llmcs_engine_options o = engine_options();
    if (_i) o.flags = LLMCS_ENGINE_NO_THREAD;
    llmcs_engine *engine = new_engine(model, &o);
    static const size_t capacities[] = {4, 5, 7, 100}; /* a character of UTF-8 always fits */
    for (size_t k = 0; k < sizeof capacities / sizeof *capacities; k++) {
        request_case *a = &cases[k == 2 ? 5 : k % 2 ? 1 : 0];
        llmcs_request *request = submit(engine, a);
        char text[4096], piece[100];
        size_t n = 0, n_bytes;
        int finished = 0;
        for (llmcs_engine_event event = {.struct_size = sizeof event}; !finished;) {
            OK(llmcs_request_read(request, piece, capacities[k], &n_bytes, &finished));
            memcpy(text + n, piece, n_bytes);
            n += n_bytes;
            if (!n_bytes && !finished) OK(llmcs_engine_next(engine, -1, &event));
        }
        ck_assert_uint_eq(n, a->alone->sequences[0]->text_bytes);
        ck_assert_mem_eq(text, a->alone->sequences[0]->text, n);
        check_result(request, a);
    }
    llmcs_engine_free(&engine);
}
END_TEST

START_TEST(the_descriptor_is_readable_while_there_are_events) {
    llmcs_engine *engine = new_engine(model, NULL);
    struct pollfd fd = {.fd = llmcs_engine_fd(engine), .events = POLLIN};
    llmcs_engine_event event = {.struct_size = sizeof event};
    llmcs_request *requests[7];
    size_t n_finished = 0;
    ck_assert_int_eq(poll(&fd, 1, 0), 0);
    FAILS(LLMCS_PENDING, "no request has an event", llmcs_engine_next(engine, 0, &event));
    FAILS(LLMCS_PENDING, "no request has an event", llmcs_engine_next(engine, 5, &event));
    for (size_t i = 0; i < 7; i++) {
        llmcs_submit_options options;
        llmcs_submit_options_init(&options);
        options.user = &cases[i];
        OK(llmcs_engine_submit_ids(engine, cases[i].ids, cases[i].n_ids, &cases[i].params, &options, &requests[i]));
    }
    while (n_finished < 7) {
        ck_assert_int_eq(poll(&fd, 1, 10000), 1);
        if (llmcs_engine_next(engine, 0, &event) == LLMCS_PENDING) continue;
        request_case *a = event.user;
        ck_assert_ptr_eq(event.request, requests[a - cases]);
        if (!event.finished) continue;
        n_finished++;
        check_result(event.request, a);
    }
    ck_assert_int_eq(poll(&fd, 1, 0), 0);
    llmcs_engine_free(&engine);
}
END_TEST

typedef struct collected {
    char text[4096];
    size_t n_bytes;
    size_t n_ids;
    int stop_after; /* calls; 0: never */
} collected;

static int collect_text(void *user, const char *text, size_t text_bytes) {
    collected *h = user;
    memcpy(h->text + h->n_bytes, text, text_bytes);
    h->n_bytes += text_bytes;
    return --h->stop_after == 0;
}

static int count_token(void *user, int32_t id) {
    collected *h = user;
    (void)id;
    h->n_ids++;
    return 0;
}

START_TEST(callbacks_get_all_text_and_tokens) {
    llmcs_engine *engine = new_engine(model, NULL);
    for (size_t i = 0; i < 14; i++) {
        const request_case *a = &cases[i];
        collected h = {0};
        llmcs_submit_options options;
        llmcs_submit_options_init(&options);
        options.on_text = collect_text;
        options.on_token = count_token;
        options.user = &h;
        llmcs_request *request = NULL;
        llmcs_status st = llmcs_engine_submit_ids(engine, a->ids, a->n_ids, &a->params, &options, &request);
        if (a->params.num_return_sequences > 1) {
            ck_assert_int_eq(st, LLMCS_ARG);
            continue;
        }
        OK(st);
        check_result(request, a);
        ck_assert_uint_eq(h.n_bytes, a->alone->sequences[0]->text_bytes);
        ck_assert_mem_eq(h.text, a->alone->sequences[0]->text, h.n_bytes);
    }
    collected h = {.stop_after = 2};
    llmcs_submit_options options;
    llmcs_submit_options_init(&options);
    options.on_text = collect_text;
    options.user = &h;
    llmcs_request *request = NULL;
    llmcs_result *result = NULL;
    OK(llmcs_engine_submit(engine, "Hello", LLMCS_NUL, &cases[0].params, &options, &request));
    OK(llmcs_request_wait(request, -1, &result));
    ck_assert_int_eq(result->sequences[0]->finish_reason, LLMCS_FINISH_CALLBACK);
    ck_assert_mem_eq(result->sequences[0]->text, h.text, h.n_bytes);
    llmcs_result_free(&result);
    llmcs_request_free(&request);
    llmcs_engine_free(&engine);
}
END_TEST

/* Frees its own request in the second call. */
typedef struct token_counter {
    llmcs_request *request;
    atomic_int n_calls;
} token_counter;

static int free_own_request(void *user, int32_t id) {
    token_counter *q = user;
    (void)id;
    if (atomic_fetch_add(&q->n_calls, 1) == 1) llmcs_request_free(&q->request);
    return 0;
}

static int count_slowly(void *user, int32_t id) {
    token_counter *q = user;
    (void)id;
    atomic_fetch_add(&q->n_calls, 1);
    usleep(2000);
    atomic_fetch_add(&q->n_calls, 1);
    return 0;
}

START_TEST(no_callback_runs_after_the_handle_is_freed) {
    llmcs_engine_options o = engine_options();
    llmcs_submit_options options;
    llmcs_submit_options_init(&options);
    llmcs_generate_params p = defaults(200);
    p.eos_token_id = cases[0].ids;
    p.n_eos_token_id = 0;
    token_counter q = {0};
    options.user = &q;
    options.on_token = free_own_request;
    o.flags = LLMCS_ENGINE_NO_THREAD; /* so that the handle is there before the first call */
    llmcs_engine *engine = new_engine(model, &o);
    OK(llmcs_engine_submit_ids(engine, cases[0].ids, 3, &p, &options, &q.request));
    for (int progressed = 1; progressed;) OK(llmcs_engine_step(engine, &progressed));
    ck_assert_int_eq(q.n_calls, 2);
    ck_assert_ptr_null(q.request);
    llmcs_engine_free(&engine);
    engine = new_engine(model, NULL);
    options.on_token = count_slowly;
    for (int round = 0; round < 10; round++) {
        token_counter slow = {0};
        options.user = &slow;
        OK(llmcs_engine_submit_ids(engine, cases[0].ids, 3, &p, &options, &slow.request));
        while (slow.n_calls < 1 + round) usleep(100);
        llmcs_request_free(&slow.request);
        int n_calls = slow.n_calls;
        ck_assert_int_eq(n_calls % 2, 0); /* none was on its way */
        usleep(3000);
        ck_assert_int_eq(slow.n_calls, n_calls);
    }
    llmcs_engine_free(&engine);
}
END_TEST

/* ---- cancelled, late, freed */

/* The partial result is a prefix of the whole one. */
static void check_prefix(const llmcs_result *part, const llmcs_result *whole, llmcs_finish_reason reason) {
    ck_assert_int_eq(part->sequences[0]->finish_reason, reason);
    ck_assert_uint_le(part->sequences[0]->n_ids, whole->sequences[0]->n_ids);
    ck_assert_mem_eq(part->sequences[0]->ids, whole->sequences[0]->ids,
                     part->sequences[0]->n_ids * sizeof *part->sequences[0]->ids);
}

START_TEST(requests_end_when_cancelled_late_or_freed) {
    llmcs_generate_params p = endless();
    llmcs_session *session = new_session(model);
    llmcs_result *whole = generate_ids(session, cases[1].ids, 9, &p), *result = NULL;
    llmcs_session_free(&session);
    llmcs_engine *engine = new_engine(model, NULL);
    llmcs_request *request = NULL, *other = NULL;
    llmcs_engine_event event = {.struct_size = sizeof event};

    for (int tries = 0; tries < 50 && !result; tries++) { /* a busy machine may come to cancel it too late */
        OK(llmcs_engine_submit_ids(engine, cases[1].ids, 9, &p, NULL, &request));
        event.finished = 0;
        for (int i = 0; i < 3 && !event.finished; i++) OK(llmcs_engine_next(engine, -1, &event));
        llmcs_request_cancel(request);
        OK(llmcs_request_wait(request, -1, &result));
        if (result->sequences[0]->n_ids == 280) llmcs_result_free(&result);
        llmcs_request_free(&request);
    }
    ck_assert_ptr_nonnull(result);
    check_prefix(result, whole, LLMCS_FINISH_CANCELLED);
    llmcs_result_free(&result);

    p.deadline_ms = 5;
    OK(llmcs_engine_submit_ids(engine, cases[1].ids, 9, &p, NULL, &request));
    llmcs_status st = llmcs_request_wait(request, -1, &result);
    if (!st) {
        if (result->sequences[0]->n_ids < 280) check_prefix(result, whole, LLMCS_FINISH_DEADLINE);
    } else { /* a slow machine: not even one token */
        ck_assert_int_eq(st, LLMCS_DEADLINE);
    }
    llmcs_result_free(&result);
    llmcs_request_free(&request);

    /* Over before it begins. */
    p.deadline_ms = 1e-6;
    OK(llmcs_engine_submit_ids(engine, cases[1].ids, 9, &p, NULL, &request));
    FAILS(LLMCS_DEADLINE, "deadline", llmcs_request_wait(request, -1, &result));
    llmcs_request_free(&request);

    /* The handle goes while it runs; the engine goes while two run, one of which nobody has looked at. */
    p.deadline_ms = 0;
    OK(llmcs_engine_submit_ids(engine, cases[1].ids, 9, &p, NULL, &request));
    llmcs_request_free(&request);
    OK(llmcs_engine_submit_ids(engine, cases[1].ids, 9, &p, NULL, &request));
    OK(llmcs_engine_submit_ids(engine, cases[2].ids, 30, &p, NULL, &other));
    OK(llmcs_engine_next(engine, -1, &event));
    llmcs_engine_free(&engine);
    for (int i = 0; i < 2; i++) {
        st = llmcs_request_wait(i ? other : request, -1, &result);
        if (st)
            ck_assert_int_eq(st, LLMCS_CANCELLED);
        else if (result->sequences[0]->n_ids < 280)
            ck_assert_int_eq(result->sequences[0]->finish_reason, LLMCS_FINISH_CANCELLED);
        llmcs_result_free(&result);
    }
    llmcs_request_free(&other);
    llmcs_request_free(&request);
    llmcs_result_free(&whole);
}
END_TEST

/* The address sanitizer marks the stack around locals, and does not take the marks away where a thread is cancelled. */
#define ENDS_CANCELLED __attribute__((no_sanitize("address")))

ENDS_CANCELLED static void *wait_for_it(void *arg) {
    llmcs_result *result = NULL;
    (void)llmcs_request_wait(arg, -1, &result);
    llmcs_result_free(&result);
    while (arg) pthread_testcancel();
    return NULL;
}

ENDS_CANCELLED static void *wait_for_news(void *arg) {
    llmcs_engine_event event = {.struct_size = sizeof event};
    while (arg) {
        (void)llmcs_engine_next(arg, 1, &event);
        pthread_testcancel();
    }
    return NULL;
}

/* A host that ends its threads with pthread_cancel: they go, and the engine goes on. */
START_TEST(waiting_threads_are_cancelled_and_the_engine_goes_on) {
    llmcs_engine *engine = new_engine(model, NULL);
    llmcs_generate_params p = endless();
    llmcs_request *request = NULL;
    pthread_t waiting, listening;
    for (int round = 0; round < 5; round++) {
        OK(llmcs_engine_submit_ids(engine, cases[1].ids, 9, &p, NULL, &request));
        ck_assert_int_eq(pthread_create(&waiting, NULL, wait_for_it, request), 0);
        ck_assert_int_eq(pthread_create(&listening, NULL, wait_for_news, engine), 0);
        usleep(2000);
        pthread_cancel(waiting);
        pthread_cancel(listening);
        pthread_join(waiting, NULL);
        llmcs_request_free(&request);
        llmcs_request *another = submit(engine, &cases[0]);
        check_result(another, &cases[0]);
        pthread_join(listening, NULL);
    }
    llmcs_engine_free(&engine);
}
END_TEST

START_TEST(a_child_of_fork_may_only_free) {
    llmcs_engine *engine = new_engine(model, NULL);
    llmcs_generate_params p = endless();
    llmcs_request *request = NULL;
    llmcs_result *result = NULL;
    OK(llmcs_engine_submit_ids(engine, cases[1].ids, 9, &p, NULL, &request));
    pid_t child = fork();
    if (child == 0) {
        llmcs_request *another = NULL;
        llmcs_engine_event event = {.struct_size = sizeof event};
        int wrong = llmcs_engine_submit_ids(engine, cases[1].ids, 9, &p, NULL, &another) != LLMCS_FORK;
        wrong |= llmcs_request_wait(request, -1, &result) != LLMCS_FORK;
        wrong |= llmcs_engine_next(engine, -1, &event) != LLMCS_FORK;
        llmcs_request_free(&request);
        llmcs_engine_free(&engine);
        _exit(wrong);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    OK(llmcs_request_wait(request, -1, &result));
    ck_assert_uint_eq(result->sequences[0]->n_ids, 280);
    llmcs_result_free(&result);
    llmcs_request_free(&request);
    llmcs_engine_free(&engine);
}
END_TEST

/* ---- what is refused */

START_TEST(bad_arguments_are_refused) {
    llmcs_engine_options o = engine_options();
    llmcs_engine *engine = NULL;
    llmcs_generate_params p = defaults(4);
    llmcs_request *requests[4] = {0};
    llmcs_result *result = NULL;
    int progressed;
#define REFUSED(field, value, part)                                      \
    do {                                                                 \
        o = engine_options();                                            \
        o.field = (value);                                               \
        FAILS(LLMCS_ARG, part, llmcs_engine_create(model, &o, &engine)); \
        ck_assert_ptr_null(engine);                                      \
    } while (0)
    REFUSED(struct_size, 3, "struct_size");
    REFUSED(n_ctx, CONTEXT + 1, "n_ctx");
    REFUSED(n_ctx, -1, "n_ctx");
    REFUSED(max_batch, 0, "max_batch");
    REFUSED(max_batch, 4097, "max_batch");
    REFUSED(max_queue, 0, "max_queue");
    REFUSED(max_chunk, 15, "max_chunk");
    REFUSED(step_ms, -1, "step_ms");
    REFUSED(step_ms, (double)NAN, "step_ms");
    REFUSED(flags, 4, "flags");
    REFUSED(kv_bytes, 7, "kv_bytes");
    FAILS(LLMCS_ARG, "NULL", llmcs_engine_create(NULL, NULL, &engine));
    FAILS(LLMCS_ARG, "NULL", llmcs_engine_create(model, NULL, NULL));
    o = engine_options();
    o.flags = LLMCS_ENGINE_NO_THREAD;
    o.max_queue = 2;
    o.max_batch = 3;
    o.n_ctx = 64;
    o.kv_bytes = 2 * block_bytes();
    engine = new_engine(model, &o);
    const int32_t *ids = cases[0].ids;
    FAILS(LLMCS_CONTEXT_FULL, "65", llmcs_engine_submit_ids(engine, cases[1].ids, 65, &p, NULL, requests));
    FAILS(LLMCS_ARG, "NULL", llmcs_engine_submit_ids(engine, ids, 3, &p, NULL, NULL));
    FAILS(LLMCS_ARG, "no ids", llmcs_engine_submit_ids(engine, ids, 0, &p, NULL, requests));
    FAILS(LLMCS_ARG, "NULL", llmcs_engine_submit_ids(NULL, ids, 3, &p, NULL, requests));
    FAILS(LLMCS_ARG, "NULL", llmcs_engine_submit(engine, NULL, 3, &p, NULL, requests));
    FAILS(LLMCS_TOKEN_RANGE, "prompt[0]", llmcs_engine_submit_ids(engine, (int32_t[]){-1}, 1, &p, NULL, requests));
    p.do_sample = 1;
    p.num_return_sequences = 4;
    FAILS(LLMCS_LIMIT, "max_batch", llmcs_engine_submit_ids(engine, ids, 3, &p, NULL, requests));
    p.num_return_sequences = 3;
    FAILS(LLMCS_LIMIT, "blocks", llmcs_engine_submit_ids(engine, ids, 3, &p, NULL, requests));
    p.num_return_sequences = 1;
    p.max_new_tokens = 30;
    p.num_return_sequences = 2;
    OK(llmcs_engine_submit_ids(engine, ids, 1, &p, NULL, &requests[3]));
    FAILS(LLMCS_STATE, "several", llmcs_request_read(requests[3], NULL, 0, &(size_t){0}, NULL));
    llmcs_request_free(&requests[3]);
    for (int ends = 1; ends >= 0; ends--) { /* the first step ends the freed request, the second has nothing to do */
        OK(llmcs_engine_step(engine, &progressed));
        ck_assert_int_eq(progressed, ends);
    }
    p.num_return_sequences = 1;
    for (int i = 0; i < 2; i++) OK(llmcs_engine_submit_ids(engine, ids, 3, &p, NULL, &requests[i]));
    FAILS(LLMCS_QUEUE_FULL, "max_queue is 2", llmcs_engine_submit_ids(engine, ids, 3, &p, NULL, &requests[2]));
    ck_assert_uint_eq(stats_of(engine).n_refused, 1);
    FAILS(LLMCS_PENDING, "not finished", llmcs_request_wait(requests[0], 0, &result));
    OK(llmcs_engine_step(engine, &progressed));
    ck_assert_int_eq(progressed, 1);
    FAILS(LLMCS_ARG, "NULL", llmcs_request_wait(requests[0], 0, NULL));
    FAILS(LLMCS_ARG, "NULL", llmcs_request_wait(NULL, 0, &result));
    FAILS(LLMCS_ARG, "NULL", llmcs_request_read(requests[0], NULL, 4, &(size_t){0}, NULL));
    FAILS(LLMCS_ARG, "NULL", llmcs_engine_next(engine, 0, NULL));
    FAILS(LLMCS_ARG, "NULL", llmcs_engine_get_stats(engine, NULL));
    FAILS(LLMCS_ARG, "NULL", llmcs_engine_step(engine, NULL));
    for (int i = 0; i < 2; i++) {
        OK(llmcs_request_wait(requests[i], -1, &result));
        llmcs_result_free(&result);
        llmcs_request_free(&requests[i]);
    }
    llmcs_engine_free(&engine);
    llmcs_engine_free(&engine);
    llmcs_engine_free(NULL);
    llmcs_request_free(NULL);
    engine = new_engine(model, NULL);
    FAILS(LLMCS_STATE, "has its own thread", llmcs_engine_step(engine, &progressed));
    llmcs_engine_free(&engine);
    llmcs_model *encoder = open_golden("bert-cls", 1);
    FAILS(LLMCS_NO_HEAD, "an engine", llmcs_engine_create(encoder, NULL, &engine));
    llmcs_model_free(&encoder);
}
END_TEST

/* ---- memory */

START_TEST(each_allocation_may_fail) {
    fail_alloc counter;
    fail_alloc_init(&counter);
    llmcs_allocator allocator = fail_alloc_get(&counter);
    llmcs_model *m = open_with(folder, 2, &allocator);
    llmcs_engine_options o = engine_options();
    o.flags = LLMCS_ENGINE_NO_THREAD;
    llmcs_engine *engine = NULL;
    long before = counter.live;
    for (long n = 0; !engine; n++) {
        counter.fail_at = counter.calls + n;
        llmcs_status st = llmcs_engine_create(m, &o, &engine);
        counter.fail_at = -1;
        if (st) {
            ck_assert_int_eq(st, LLMCS_NOMEM);
            ck_assert_int_eq(counter.live, before);
        }
    }
    for (unsigned i = 0; i < 7; i++) {
        llmcs_request *request = NULL;
        before = counter.live;
        for (long n = 0; !request; n++) {
            counter.fail_at = counter.calls + n;
            counter.fail_after = n % 2;
            llmcs_status st =
                llmcs_engine_submit_ids(engine, cases[i].ids, cases[i].n_ids, &cases[i].params, NULL, &request);
            counter.fail_at = -1;
            if (st) {
                ck_assert_int_eq(st, LLMCS_NOMEM);
                ck_assert_int_eq(counter.live, before);
            }
        }
        /* Steps take nothing: each allocation would fail. */
        int progressed = 1;
        counter.fail_at = counter.calls;
        counter.fail_after = true;
        while (progressed) OK(llmcs_engine_step(engine, &progressed));
        llmcs_result *result = NULL;
        ck_assert_int_eq(llmcs_request_wait(request, 0, &result), LLMCS_NOMEM);
        counter.fail_at = -1;
        check_result(request, &cases[i]);
        ck_assert_int_eq(counter.live, before);
    }
    llmcs_engine_free(&engine);
    llmcs_model_free(&m);
    ck_assert_int_eq(counter.live, 0);
}
END_TEST

START_TEST(an_engine_takes_what_is_planned) {
    llmcs_engine_options o = engine_options();
    llmcs_engine_plan_info plan = {.struct_size = sizeof plan};
    fail_alloc counter;
    o.flags = LLMCS_ENGINE_NO_THREAD; /* no thread frees memory while it is measured */
    o.kv_bytes = 100 * block_bytes() + 5;
    llmcs_model_options mo;
    llmcs_model_options_init(&mo);
    mo.n_threads = 2;
    OK(llmcs_engine_plan(folder, &mo, &o, 100, &plan));
    ck_assert_uint_eq(plan.n_blocks, 100);
    ck_assert_uint_eq(plan.n_conversations, 100 / ((100 + plan.kv_block_tokens - 1) / plan.kv_block_tokens));
    fail_alloc_init(&counter);
    llmcs_allocator allocator = fail_alloc_get(&counter);
    llmcs_model *m = open_with(folder, 2, &allocator);
    long long before = counter.live_bytes;
    llmcs_engine *engine = new_engine(m, &o);
    long long taken = counter.live_bytes - before;
    ck_assert_msg(taken <= (long long)plan.engine_bytes && taken + 4096 > (long long)plan.engine_bytes,
                  "%lld planned, %lld taken", (long long)plan.engine_bytes, taken);
    for (size_t i = 0; i < 7; i++) { /* one sequence, three, four beams, stop strings */
        const request_case *a = &cases[i];
        const long long n_beams = a->params.num_beams, n_seqs = n_beams + a->params.num_return_sequences - 1;
        OK(llmcs_engine_plan(folder, &mo, &o, a->n_ids + (size_t)a->params.max_new_tokens, &plan));
        before = counter.live_bytes;
        llmcs_request *request = submit(engine, a);
        taken = counter.live_bytes - before;
        const long long planned = n_seqs * (long long)plan.request_bytes, lists = 4096; /* stop strings, EOS */
        ck_assert_msg(taken <= planned + lists && 8 * taken > planned, "request %zu: %lld planned, %lld taken", i,
                      planned, taken);
        check_result(request, a);
    }
    llmcs_engine_free(&engine);
    llmcs_model_free(&m);
    FAILS(LLMCS_NO_HEAD, "decoder", llmcs_engine_plan(GOLDEN_FOLDER "bert-cls", NULL, NULL, 10, &plan));
    FAILS(LLMCS_ARG, "NULL", llmcs_engine_plan(folder, NULL, NULL, 10, NULL));
}
END_TEST

START_TEST(histograms_count_every_token) {
    llmcs_histogram h = {0};
    ck_assert(llmcs_histogram_quantile(&h, 0.5) == 0);
    ck_assert(llmcs_histogram_quantile(NULL, 0.5) == 0);
    llmcs_engine *engine = new_engine(model, NULL);
    run_all(engine);
    llmcs_engine_stats s = stats_of(engine);
    ck_assert_uint_eq(s.waiting_ms.n, n_cases);
    ck_assert_uint_eq(s.first_token_ms.n, n_cases);
    ck_assert_uint_gt(s.per_token_ms.n, n_cases);
    double p50 = llmcs_histogram_quantile(&s.per_token_ms, 0.5), p99 = llmcs_histogram_quantile(&s.per_token_ms, 0.99);
    ck_assert(p50 > 0 && p50 <= p99 && p99 <= s.per_token_ms.max_ms);
    ck_assert(llmcs_histogram_quantile(&s.per_token_ms, 1) == s.per_token_ms.max_ms);
    llmcs_engine_free(&engine);
}
END_TEST

static void add_tests(TCase *tests) {
    tcase_add_unchecked_fixture(tests, set_up, tear_down);
    tcase_add_checked_fixture(tests, open_it, close_it);
    tcase_add_loop_test(tests, every_request_gets_what_it_gets_alone, 0, sizeof settings / sizeof *settings);
    tcase_add_loop_test(tests, thirty_requests_in_memory_for_three, 0, 2);
    tcase_add_loop_test(tests, many_beams_in_memory_for_few, 0, 2);
    tcase_add_test(tests, beams_that_find_their_prefix_again_decode_in_the_same_step);
    tcase_add_test(tests, a_common_prefix_is_evaluated_once);
    tcase_add_test(tests, the_next_turn_finds_the_conversation_cached);
    tcase_add_test(tests, the_higher_priority_comes_first);
    tcase_add_loop_test(tests, text_is_read_while_it_grows, 0, 2);
    tcase_add_test(tests, the_descriptor_is_readable_while_there_are_events);
    tcase_add_test(tests, callbacks_get_all_text_and_tokens);
    tcase_add_test(tests, no_callback_runs_after_the_handle_is_freed);
    tcase_add_test(tests, requests_end_when_cancelled_late_or_freed);
    tcase_add_test(tests, waiting_threads_are_cancelled_and_the_engine_goes_on);
    tcase_add_test(tests, a_child_of_fork_may_only_free);
    tcase_add_test(tests, bad_arguments_are_refused);
    tcase_add_test(tests, each_allocation_may_fail);
    tcase_add_test(tests, an_engine_takes_what_is_planned);
    tcase_add_test(tests, histograms_count_every_token);
}

SUITE_MAIN("runtime/engine", add_tests)
