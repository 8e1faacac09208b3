/* Tokens of a request with their log-probabilities while it runs, and the most probable tokens at each place: those of
 * the finished request, of a session and of the model's logits. */
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>

#include "runtime/engine_case.h"
#include "support/fail_alloc.h"

#define N_CASES 9
#define N_TOP 5
#define MAX_TOP 20

static char folder[TEMP_PATH_BYTES];
static request_case cases[N_CASES]; /* one of each kind, with top_logprobs where it may be */
static llmcs_model *model;

static bool is_single(const request_case *a) { return a->params.num_beams == 1 && a->params.num_return_sequences == 1; }

static void set_up(void) {
    uint64_t seed = 20261130;
    int32_t first = 9;
    make_long_folder(folder);
    model = open_model(folder, 2);
    for (unsigned i = 0; i < N_CASES; i++) {
        make_case(&cases[i], i, &first, 1, &seed);
        if (i == 0) cases[i].params.max_new_tokens = 200;
        if (cases[i].params.num_beams == 1) cases[i].params.top_logprobs = N_TOP;
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

/* ---- streams */

/* What has been read of a request. */
typedef struct stream {
    llmcs_request *request;
    int32_t ids[CONTEXT];
    float logprobs[CONTEXT];
    llmcs_top_token top[CONTEXT * N_TOP];
    size_t n, n_reads; /* tokens; reads that found some */
    llmcs_status status;
} stream;

/* Reads what is there, at most `capacity` tokens at a time. */
static void read_on(stream *s, size_t capacity) {
    for (size_t n = 1; n && !s->status;) {
        const size_t space = capacity < CONTEXT - s->n ? capacity : CONTEXT - s->n;
        s->status =
            llmcs_request_tokens(s->request, s->n, space, s->ids + s->n, s->logprobs + s->n, s->top + s->n * N_TOP, &n);
        s->n += n;
        s->n_reads += n > 0;
    }
}

static void same_tokens(const stream *s, const llmcs_sequence *expected) {
    ck_assert_int_eq(s->status, LLMCS_OK);
    ck_assert_uint_eq(s->n, expected->n_ids);
    ck_assert_uint_eq(expected->n_top_logprobs, N_TOP);
    ck_assert_mem_eq(s->ids, expected->ids, s->n * sizeof *s->ids);
    ck_assert_mem_eq(s->logprobs, expected->logprobs, s->n * sizeof *s->logprobs);
    ck_assert_mem_eq(s->top, expected->top_logprobs, s->n * N_TOP * sizeof *s->top);
}

/* Polls while the scheduler thread appends. */
static void *read_to_the_end(void *arg) {
    stream *s = arg;
    llmcs_status status = LLMCS_PENDING;
    while (status == LLMCS_PENDING && !s->status) {
        llmcs_result *result = NULL;
        status = llmcs_request_wait(s->request, 0, &result);
        llmcs_result_free(&result);
        read_on(s, 1 + s->n % 3);
    }
    if (status) s->status = status;
    return NULL;
}

START_TEST(tokens_of_streams_are_those_of_the_finished_requests) {
    llmcs_engine *engine = engine_with(0);
    static stream streams[2 * N_CASES];
    pthread_t threads[2 * N_CASES];
    memset(streams, 0, sizeof streams);
    for (size_t i = 0; i < 2 * N_CASES; i++) {
        if (!is_single(&cases[i % N_CASES])) continue;
        streams[i].request = submit(engine, &cases[i % N_CASES]);
        ck_assert_int_eq(pthread_create(&threads[i], NULL, read_to_the_end, &streams[i]), 0);
    }
    for (size_t i = 0; i < 2 * N_CASES; i++) {
        const request_case *a = &cases[i % N_CASES];
        if (!streams[i].request) continue;
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
        same_tokens(&streams[i], a->alone->sequences[0]);
        check_result(streams[i].request, a);
    }
    llmcs_engine_free(&engine);
}
END_TEST

/* Each step's token can be read before the next step; text and tokens do not disturb each other. */
START_TEST(a_token_is_there_after_its_step) {
    llmcs_engine *engine = engine_with(LLMCS_ENGINE_NO_THREAD);
    const request_case *a = &cases[0];
    stream s = {.request = submit(engine, a)};
    llmcs_result *result = NULL;
    int progressed = 1;
    read_on(&s, CONTEXT);
    ck_assert_uint_eq(s.n, 0);
    while (llmcs_request_wait(s.request, 0, &result) == LLMCS_PENDING) {
        const size_t before = s.n;
        char text[8];
        size_t n_bytes;
        OK(llmcs_engine_step(engine, &progressed));
        OK(llmcs_request_read(s.request, text, sizeof text, &n_bytes, NULL));
        read_on(&s, CONTEXT);
        ck_assert_uint_eq(s.n, before + 1);
        if (s.n == 100) break;
    }
    ck_assert_uint_eq(s.n, 100); /* of 200 */
    llmcs_request_cancel(s.request);
    OK(llmcs_request_wait(s.request, -1, &result));
    same_tokens(&s, result->sequences[0]);
    ck_assert_mem_eq(s.logprobs, a->alone->sequences[0]->logprobs, s.n * sizeof *s.logprobs);
    llmcs_result_free(&result);
    llmcs_request_free(&s.request);
    llmcs_engine_free(&engine);
}
END_TEST

START_TEST(any_part_can_be_read_again) {
    llmcs_engine *engine = engine_with(0);
    const llmcs_sequence *expected = cases[0].alone->sequences[0];
    llmcs_request *request = submit(engine, &cases[0]);
    llmcs_result *result = NULL;
    int32_t ids[3] = {-7, -7, -7};
    float logprobs[3];
    size_t n;
    OK(llmcs_request_wait(request, -1, &result));
    llmcs_result_free(&result);
    OK(llmcs_request_tokens(request, 10, 2, ids, NULL, NULL, &n));
    ck_assert_uint_eq(n, 2);
    ck_assert_mem_eq(ids, expected->ids + 10, 2 * sizeof *ids);
    ck_assert_int_eq(ids[2], -7);
    OK(llmcs_request_tokens(request, expected->n_ids - 1, 3, NULL, logprobs, NULL, &n));
    ck_assert_uint_eq(n, 1);
    ck_assert_mem_eq(logprobs, expected->logprobs + expected->n_ids - 1, sizeof *logprobs);
    OK(llmcs_request_tokens(request, 0, SIZE_MAX, NULL, NULL, NULL, &n)); /* counts */
    ck_assert_uint_eq(n, expected->n_ids);
    const size_t beyond[] = {expected->n_ids, expected->n_ids + 1, SIZE_MAX};
    for (size_t i = 0; i < 3; i++) {
        OK(llmcs_request_tokens(request, beyond[i], SIZE_MAX, ids, logprobs, NULL, &n));
        ck_assert_uint_eq(n, 0);
    }
    llmcs_request_free(&request);
    llmcs_engine_free(&engine);
}
END_TEST

/* ---- the most probable tokens */

/* The MAX_TOP best of the model's logits after ids, by their definition. */
static void expected_top(llmcs_session *session, const int32_t *ids, size_t n_ids, llmcs_top_token *best) {
    const float *logits;
    size_t n_rows;
    double sum = 0;
    bool taken[TINY_VOCAB] = {false};
    OK(llmcs_session_rewind(session, 0));
    OK(llmcs_session_eval(session, ids, n_ids, LLMCS_LOGITS_LAST));
    OK(llmcs_session_logits(session, &logits, &n_rows));
    for (size_t i = 0; i < TINY_VOCAB; i++) sum += exp((double)logits[i]);
    for (size_t k = 0; k < MAX_TOP; k++) {
        size_t at = TINY_VOCAB;
        for (size_t i = 0; i < TINY_VOCAB; i++)
            if (!taken[i] && (at == TINY_VOCAB || logits[i] > logits[at])) at = i;
        taken[at] = true;
        best[k] = (llmcs_top_token){(int32_t)at, (float)((double)logits[at] - log(sum))};
    }
}

/* Compares the tokens of one sequence with the logits. */
static void check_top(llmcs_session *session, const request_case *a, const llmcs_sequence *s) {
    int32_t ids[2 * CONTEXT];
    memcpy(ids, a->ids, a->n_ids * sizeof *ids);
    ck_assert_uint_eq(s->n_top_logprobs, MAX_TOP);
    for (size_t i = 0; i < s->n_ids; i++) {
        llmcs_top_token best[MAX_TOP];
        const llmcs_top_token *found = s->top_logprobs + i * MAX_TOP;
        expected_top(session, ids, a->n_ids + i, best);
        for (size_t k = 0; k < MAX_TOP; k++) {
            ck_assert_int_eq(found[k].id, best[k].id);
            ck_assert_float_eq_tol(found[k].logprob, best[k].logprob, 1e-5f);
            if (found[k].id == s->ids[i]) ck_assert_mem_eq(&found[k].logprob, &s->logprobs[i], sizeof(float));
        }
        ids[a->n_ids + i] = s->ids[i];
    }
}

/* They are the model's, before penalties, guidance, a grammar and sampling. */
START_TEST(top_tokens_are_those_of_the_models_logits) {
    llmcs_engine *engine = engine_with(0);
    llmcs_session *session = new_session(model);
    llmcs_grammar *grammar = NULL;
    OK(llmcs_grammar_regex(llmcs_model_tokenizer(model), "[a-c]{6}", LLMCS_NUL, &grammar));
    for (size_t i = 0; i <= N_CASES; i++) {
        request_case a = cases[i % N_CASES];
        if (a.params.num_beams > 1) continue;
        a.params.top_logprobs = MAX_TOP;
        if (i == N_CASES) a.params.grammar = grammar;
        llmcs_request *request = submit(engine, &a);
        llmcs_result *result = NULL;
        OK(llmcs_request_wait(request, -1, &result));
        llmcs_request_free(&request);
        run_alone(&a, model);
        same_result(a.alone, result);
        for (size_t k = 0; k < result->n_sequences; k++) {
            const llmcs_sequence *s = result->sequences[k];
            check_top(session, &a, s);
            if (s->n_ids)
                ck_assert_mem_eq(s->top_logprobs, a.alone->sequences[k]->top_logprobs,
                                 s->n_ids * MAX_TOP * sizeof *s->top_logprobs);
        }
        llmcs_result_free(&result);
        llmcs_result_free(&a.alone);
    }
    llmcs_grammar_free(&grammar);
    llmcs_session_free(&session);
    llmcs_engine_free(&engine);
}
END_TEST

/* Asking for them changes nothing else, and without it there are none. */
START_TEST(the_answer_is_the_same_without_top_logprobs) {
    for (size_t i = 0; i < N_CASES; i++) {
        request_case a = cases[i];
        a.params.top_logprobs = 0;
        run_alone(&a, model);
        same_result(a.alone, cases[i].alone);
        ck_assert_ptr_null(a.alone->sequences[0]->top_logprobs);
        ck_assert_uint_eq(a.alone->sequences[0]->n_top_logprobs, 0);
        llmcs_result_free(&a.alone);
    }
}
END_TEST

/* ---- what is refused, older programs, memory */

START_TEST(what_is_refused) {
    llmcs_engine *engine = engine_with(LLMCS_ENGINE_NO_THREAD);
    request_case a = cases[0];
    llmcs_request *request = NULL;
    int32_t id;
    float logprob;
    llmcs_top_token top[N_TOP];
    size_t n = 5;
    const int32_t out_of_range[] = {-1, MAX_TOP + 1, INT32_MAX, INT32_MIN};
    for (size_t i = 0; i < 4; i++) {
        a.params.top_logprobs = out_of_range[i];
        FAILS(LLMCS_ARG, "expected 0 to 20",
              llmcs_engine_submit_ids(engine, a.ids, a.n_ids, &a.params, NULL, &request));
    }
    a.params.top_logprobs = 2;
    a.params.logprobs = 0;
    FAILS(LLMCS_ARG, "top_logprobs needs logprobs",
          llmcs_engine_submit_ids(engine, a.ids, a.n_ids, &a.params, NULL, &request));
    a.params.logprobs = 1;
    a.params.num_beams = 2;
    FAILS(LLMCS_ARG, "num_beams = 1", llmcs_engine_submit_ids(engine, a.ids, a.n_ids, &a.params, NULL, &request));
    FAILS(LLMCS_ARG, "NULL", llmcs_request_tokens(NULL, 0, 1, &id, NULL, NULL, &n));
    ck_assert_uint_eq(n, 0);
    for (size_t kind = 2; kind < 4; kind++) { /* three samples, beams */
        request = submit(engine, &cases[kind]);
        FAILS(LLMCS_STATE, "several sequences", llmcs_request_tokens(request, 0, 1, &id, NULL, NULL, &n));
        llmcs_request_free(&request);
    }
    a = cases[0];
    a.params.top_logprobs = 0;
    for (int32_t with = 1; with >= 0; with--) {
        a.params.logprobs = with;
        request = submit(engine, &a);
        FAILS(LLMCS_ARG, "n_tokens", llmcs_request_tokens(request, 0, 1, &id, NULL, NULL, NULL));
        FAILS(LLMCS_ARG, "params.top_logprobs", llmcs_request_tokens(request, 0, 1, &id, NULL, top, &n));
        if (with)
            OK(llmcs_request_tokens(request, 0, 1, &id, &logprob, NULL, &n));
        else
            FAILS(LLMCS_ARG, "params.logprobs", llmcs_request_tokens(request, 0, 1, &id, &logprob, NULL, &n));
        OK(llmcs_request_tokens(request, 0, 1, &id, NULL, NULL, &n));
        llmcs_request_free(&request);
    }
    llmcs_engine_free(&engine);
}
END_TEST

/* A program that was compiled before the field was there: what lies after its struct is neither read nor written. */
START_TEST(older_parameters_have_no_top_logprobs) {
    llmcs_generate_params p;
    const size_t older = offsetof(llmcs_generate_params, top_logprobs);
    memset(&p, 0xA5, sizeof p);
    OK(llmcs_generate_params_init_sized(&p, older, model));
    ck_assert_uint_eq(p.struct_size, older);
    const int32_t untouched = p.top_logprobs;
    ck_assert_int_eq(untouched, (int32_t)0xA5A5A5A5);
    p.max_new_tokens = 4;
    p.logprobs = 1;
    llmcs_session *session = new_session(model);
    llmcs_result *result = generate_ids(session, cases[0].ids, cases[0].n_ids, &p);
    ck_assert_ptr_nonnull(result->sequences[0]->logprobs);
    ck_assert_ptr_null(result->sequences[0]->top_logprobs);
    llmcs_result_free(&result);
    llmcs_session_free(&session);
    llmcs_generate_params_init(&p, model);
    ck_assert_int_eq(p.top_logprobs, 0);
}
END_TEST

/* They are allocated with the request, so that steps allocate nothing: 8 bytes for each token and alternative. */
START_TEST(memory_comes_with_the_request) {
    fail_alloc counter;
    fail_alloc_init(&counter);
    llmcs_allocator allocator = fail_alloc_get(&counter);
    llmcs_model *counted = open_with(folder, 1, &allocator);
    llmcs_engine_options o = engine_options();
    o.flags = LLMCS_ENGINE_NO_THREAD;
    llmcs_engine *engine = new_engine(counted, &o);
    long long bytes[2];
    for (int32_t with = 0; with < 2; with++) {
        request_case a = cases[0];
        int progressed = 1;
        a.params.top_logprobs = with * N_TOP;
        const long long before = counter.live_bytes;
        llmcs_request *request = submit(engine, &a);
        const long long submitted = counter.live_bytes;
        bytes[with] = submitted - before;
        for (int i = 0; i < 20; i++) OK(llmcs_engine_step(engine, &progressed));
        ck_assert_int_eq(counter.live_bytes, submitted);
        llmcs_request_free(&request);
        while (progressed) OK(llmcs_engine_step(engine, &progressed));
        ck_assert_int_eq(counter.live_bytes, before);
    }
    ck_assert_int_eq(bytes[1] - bytes[0], (long long)sizeof(llmcs_top_token) * N_TOP * cases[0].params.max_new_tokens);
    llmcs_engine_free(&engine);
    llmcs_model_free(&counted);
    ck_assert_int_eq(counter.live, 0);
}
END_TEST

static void add_tests(TCase *tests) {
    tcase_add_unchecked_fixture(tests, set_up, tear_down);
    tcase_add_checked_fixture(tests, open_it, close_it);
    tcase_add_test(tests, tokens_of_streams_are_those_of_the_finished_requests);
    tcase_add_test(tests, a_token_is_there_after_its_step);
    tcase_add_test(tests, any_part_can_be_read_again);
    tcase_add_test(tests, top_tokens_are_those_of_the_models_logits);
    tcase_add_test(tests, the_answer_is_the_same_without_top_logprobs);
    tcase_add_test(tests, what_is_refused);
    tcase_add_test(tests, older_parameters_have_no_top_logprobs);
    tcase_add_test(tests, memory_comes_with_the_request);
}

SUITE_MAIN("runtime/engine_tokens", add_tests)
