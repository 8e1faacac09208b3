/* Encoder-decoders through the rest of the library: sources that follow each other, sessions that are saved and forked,
 * engines with many sources at once, memory, and what is refused. */
#include <math.h>

#include "base/file.h"
#include "runtime/engine/engine.h"
#include "runtime/generate_case.h"
#include "support/fail_alloc.h"
#include "support/golden.h"
#include "support/model_fixture.h"
#include "support/random.h"

#define MAX_SOURCE 44 /* bart-uneven holds 48 tokens */
#define N_REQUESTS 24

static void folder_of(char path[128], const char *name) { snprintf(path, 128, GOLDEN_FOLDER "%s", name); }

static llmcs_model *open_name(const char *name, int32_t n_threads, llmcs_weights weights) {
    char path[128];
    folder_of(path, name);
    return open_model_kept(path, n_threads, weights, LLMCS_KV_AUTO);
}

static uint64_t new_seed(void) {
    const uint64_t seed = 20261129;
    printf("seed %llu\n", (unsigned long long)seed);
    return seed;
}

static size_t make_source(int32_t ids[MAX_SOURCE], uint64_t *seed) {
    const size_t n = 1 + random_below(seed, MAX_SOURCE);
    for (size_t i = 0; i < n; i++) ids[i] = (int32_t)(3 + random_below(seed, 60));
    return n;
}

static llmcs_generate_params folder_params(const llmcs_model *model) {
    llmcs_generate_params p;
    OK(llmcs_generate_params_init(&p, model));
    return p;
}

/* What a session that never held another source answers. */
static llmcs_result *answer_alone(llmcs_model *m, const int32_t *ids, size_t n, const llmcs_generate_params *p) {
    llmcs_session *s = new_session(m);
    llmcs_result *r = generate_ids(s, ids, n, p);
    llmcs_session_free(&s);
    return r;
}

/* ------------------------------------------------------------------------------------------------- sessions */

/* A source with the same answer tokens so far must not find the keys and values of another one. */
START_TEST(sources_that_follow_each_other_do_not_mix) {
    llmcs_model *m = open_name(golden_seq2seq_names[_i], 1 + _i % 3, LLMCS_WEIGHTS_AUTO);
    llmcs_session *s = new_session(m);
    uint64_t seed = new_seed();
    int32_t sources[3][MAX_SOURCE];
    size_t lengths[3];
    for (size_t i = 0; i < 3; i++) lengths[i] = make_source(sources[i], &seed);
    for (size_t i = 0; i < 12; i++) {
        llmcs_generate_params p = folder_params(m);
        const size_t which = random_below(&seed, 3);
        p.max_new_tokens = (int32_t)(1 + random_below(&seed, 12));
        p.num_beams = (int32_t)(1 + random_below(&seed, 3));
        llmcs_result *alone = answer_alone(m, sources[which], lengths[which], &p);
        llmcs_result *here = generate_ids(s, sources[which], lengths[which], &p);
        same_result(here, alone);
        ck_assert_uint_eq(here->n_prompt_tokens, lengths[which]);
        llmcs_result_free(&here);
        llmcs_result_free(&alone);
    }
    llmcs_session_free(&s);
    llmcs_model_free(&m);
}
END_TEST

/* The logits of `n` tokens behind a source, evaluated `step` at a time. */
static void logits_behind(llmcs_model *m, const int32_t *source, size_t n_source, const int32_t *ids, size_t n,
                          size_t step, float *out, size_t vocab) {
    llmcs_session *s = new_session(m);
    const float *logits;
    size_t n_rows;
    OK(llmcs_session_encode(s, source, n_source, NULL));
    for (size_t i = 0; i < n; i += step)
        OK(llmcs_session_eval(s, ids + i, i + step < n ? step : n - i, LLMCS_LOGITS_LAST));
    OK(llmcs_session_logits(s, &logits, &n_rows));
    memcpy(out, logits, vocab * sizeof *out);
    llmcs_session_free(&s);
}

START_TEST(the_same_bits_for_threads_and_cuts) {
    static const llmcs_weights types[] = {LLMCS_WEIGHTS_F32, LLMCS_WEIGHTS_F16, LLMCS_WEIGHTS_INT8, LLMCS_WEIGHTS_INT4};
    uint64_t seed = new_seed();
    int32_t source[MAX_SOURCE], ids[20];
    const size_t n = make_source(source, &seed);
    for (size_t i = 0; i < 20; i++) ids[i] = (int32_t)(3 + random_below(&seed, 60));
    for (size_t t = 0; t < sizeof types / sizeof *types; t++) {
        float whole[128], cut[128];
        llmcs_model_info info = {.struct_size = sizeof info};
        for (int32_t n_threads = 1; n_threads <= 3; n_threads++) {
            llmcs_model *m = open_name(golden_seq2seq_names[_i], n_threads, types[t]);
            OK(llmcs_model_get_info(m, &info));
            const size_t vocab = (size_t)info.vocab_size;
            logits_behind(m, source, n, ids, 20, n_threads == 1 ? 20 : (size_t)n_threads * 3,
                          n_threads == 1 ? whole : cut, vocab);
            if (n_threads > 1) ck_assert_mem_eq(whole, cut, vocab * sizeof *whole);
            llmcs_model_free(&m);
        }
    }
}
END_TEST

START_TEST(saved_and_forked_sessions_hold_the_source) {
    llmcs_model *m = open_name(golden_seq2seq_names[_i], 2, LLMCS_WEIGHTS_AUTO);
    llmcs_session *s = new_session(m), *fork = NULL, *restored = new_session(m);
    uint64_t seed = new_seed();
    int32_t source[MAX_SOURCE], ids[12];
    const size_t n = make_source(source, &seed);
    for (size_t i = 0; i < 12; i++) ids[i] = (int32_t)(3 + random_below(&seed, 60));
    OK(llmcs_session_encode(s, source, n, NULL));
    OK(llmcs_session_eval(s, ids, 6, LLMCS_LOGITS_LAST));
    OK(llmcs_session_fork(s, &fork));
    size_t n_bytes, n_rows;
    OK(llmcs_session_save(s, NULL, 0, &n_bytes));
    unsigned char *bytes = malloc(n_bytes);
    OK(llmcs_session_save(s, bytes, n_bytes, &n_bytes));
    OK(llmcs_session_encode(restored, ids, 3, NULL)); /* which is replaced */
    OK(llmcs_session_restore(restored, bytes, n_bytes));
    llmcs_session *const all[] = {s, fork, restored};
    const float *logits[3];
    llmcs_model_info info = {.struct_size = sizeof info};
    OK(llmcs_model_get_info(m, &info));
    for (size_t i = 0; i < 3; i++) {
        OK(llmcs_session_eval(all[i], ids + 6, 6, LLMCS_LOGITS_LAST));
        OK(llmcs_session_logits(all[i], &logits[i], &n_rows));
        ck_assert_mem_eq(logits[0], logits[i], (size_t)info.vocab_size * sizeof(float));
    }
    bytes[64] = 0; /* n_source, below what there is */
    FAILS(LLMCS_FORMAT, "bytes of a session", llmcs_session_restore(restored, bytes, n_bytes));
    for (size_t cut = 0; cut < n_bytes; cut += 1 + n_bytes / 50)
        ck_assert_int_eq(llmcs_session_restore(restored, bytes, cut), LLMCS_FORMAT);
    free(bytes);
    llmcs_session_free(&restored);
    llmcs_session_free(&fork);
    llmcs_session_free(&s);
    llmcs_model_free(&m);
}
END_TEST

/* log p(continuation | source) is the sum over the logits after the start token. */
START_TEST(scores_begin_with_the_start_token) {
    llmcs_model *m = open_name("t5-tied", 1, LLMCS_WEIGHTS_AUTO);
    llmcs_session *s = new_session(m);
    const int32_t source[] = {5, 9, 33, 4}, ids[] = {0, 7, 12, 1};
    const float *logits;
    size_t n_rows;
    double expected = 0;
    OK(llmcs_session_encode(s, source, 4, NULL));
    OK(llmcs_session_eval(s, ids, 4, LLMCS_LOGITS_ALL));
    OK(llmcs_session_logits(s, &logits, &n_rows));
    for (size_t i = 0; i < 3; i++) {
        double sum = 0;
        for (size_t k = 0; k < 89; k++) sum += exp((double)logits[i * 89 + k]);
        expected += (double)logits[i * 89 + (size_t)ids[i + 1]] - log(sum);
    }
    llmcs_score_result r;
    OK(llmcs_score_ids(s, source, 4, ids + 1, 3, &r));
    ck_assert_double_le(fabs(r.logprob - expected), 1e-5);
    llmcs_session_free(&s);
    llmcs_model_free(&m);
}
END_TEST

/* ---------------------------------------------------------------------------------------------------- engine */

/* Greedy, sampled, three samples, beams, beams of groups; some sources twice, some after each other's tokens. */
static void make_params(const llmcs_model *m, size_t kind, uint64_t *seed, llmcs_generate_params *p) {
    *p = folder_params(m);
    p->max_new_tokens = (int32_t)(1 + random_below(seed, 24));
    p->seed = random_next(seed);
    p->do_sample = kind == 1 || kind == 2;
    p->num_return_sequences = kind == 2 || kind == 3 ? 3 : 1;
    p->num_beams = kind == 3 ? 3 : kind == 4 ? 4 : 1;
    p->num_beam_groups = kind == 4 ? 2 : 1;
    p->diversity_penalty = kind == 4 ? 0.5f : 0;
    llmcs_model_info info = {.struct_size = sizeof info};
    OK(llmcs_model_get_info(m, &info));
    if (strcmp(info.model_type, "marian") != 0) p->encoder_repetition_penalty = kind == 0 ? 1.2f : 1.0f;
    p->prompt_lookup_num_tokens = kind == 0 ? 3 : 0;
}

static void compare_with_sessions(const char *name, int32_t n_threads, const llmcs_engine_options *options) {
    static llmcs_result *alone[N_REQUESTS];
    llmcs_model *m = open_name(name, n_threads, LLMCS_WEIGHTS_AUTO);
    llmcs_engine *engine = NULL;
    llmcs_request *requests[N_REQUESTS];
    uint64_t seed = new_seed();
    OK(llmcs_engine_create(m, options, &engine));
    int32_t sources[N_REQUESTS][MAX_SOURCE];
    size_t lengths[N_REQUESTS];
    for (size_t i = 0; i < N_REQUESTS; i++) {
        llmcs_generate_params p;
        lengths[i] = make_source(sources[i], &seed);
        if (i % 5 == 4) memcpy(sources[i], sources[i - 1], sizeof sources[i]);
        if (i % 5 == 4) lengths[i] = lengths[i - 1];
        make_params(m, i % 5, &seed, &p);
        alone[i] = answer_alone(m, sources[i], lengths[i], &p);
        int32_t copy[MAX_SOURCE];
        memcpy(copy, sources[i], sizeof copy);
        OK(llmcs_engine_submit_ids(engine, copy, lengths[i], &p, NULL, &requests[i]));
        memset(copy, 0, sizeof copy); /* the engine has its own */
    }
    for (size_t i = 0; i < N_REQUESTS; i++) {
        llmcs_result *together = NULL;
        OK(llmcs_request_wait(requests[i], -1, &together));
        same_result(together, alone[i]);
        llmcs_result_free(&together);
        llmcs_result_free(&alone[i]);
        llmcs_request_free(&requests[i]);
    }
    llmcs_engine_free(&engine);
    llmcs_model_free(&m);
}

START_TEST(requests_get_the_bits_they_get_alone) {
    llmcs_engine_options o;
    llmcs_engine_options_init(&o);
    compare_with_sessions(golden_seq2seq_names[_i], 1 + _i % 3, &o);
}
END_TEST

/* With blocks for few sequences requests are preempted, and their sources encoded again. */
START_TEST(preempted_requests_get_them_too) {
    llmcs_engine_plan_info plan = {.struct_size = sizeof plan};
    char path[128];
    folder_of(path, golden_seq2seq_names[_i]);
    llmcs_engine_options o;
    llmcs_engine_options_init(&o);
    OK(llmcs_engine_plan(path, NULL, &o, 32, &plan));
    o.kv_bytes = 9 * plan.kv_block_bytes;
    o.max_batch = 8;
    o.max_chunk = 16;
    compare_with_sessions(golden_seq2seq_names[_i], 2, &o);
}
END_TEST

/* A cancelled request ends while its source waits or is encoded; the others go on. */
START_TEST(cancelled_requests_leave_the_others) {
    llmcs_model *m = open_name("bart-uneven", 2, LLMCS_WEIGHTS_AUTO);
    llmcs_engine *engine = NULL;
    llmcs_engine_options o;
    llmcs_engine_options_init(&o);
    o.flags = LLMCS_ENGINE_NO_THREAD;
    OK(llmcs_engine_create(m, &o, &engine));
    llmcs_generate_params p = folder_params(m);
    p.max_new_tokens = 8;
    const int32_t source[] = {4, 5, 6, 7, 8, 9};
    llmcs_request *first = NULL, *second = NULL;
    OK(llmcs_engine_submit_ids(engine, source, 6, &p, NULL, &first));
    OK(llmcs_engine_submit_ids(engine, source + 1, 5, &p, NULL, &second));
    llmcs_request_cancel(first);
    llmcs_result *got = NULL, *alone = answer_alone(m, source + 1, 5, &p);
    OK(llmcs_request_wait(second, -1, &got));
    same_result(got, alone);
    llmcs_result_free(&got);
    ck_assert_int_eq(llmcs_request_wait(first, -1, &got), LLMCS_CANCELLED);
    llmcs_result_free(&alone);
    llmcs_request_free(&first);
    llmcs_request_free(&second);
    llmcs_engine_free(&engine);
    llmcs_model_free(&m);
}
END_TEST

/* --------------------------------------------------------------------------------- sources encoded in parts */

/* Steps are made by the test. They are to take no time at all, so that every choice is the smallest: 16 rows. */
static llmcs_engine *stepped_engine(llmcs_model *m) {
    llmcs_engine_options o;
    llmcs_engine_options_init(&o);
    o.flags = LLMCS_ENGINE_NO_THREAD;
    o.max_chunk = 16;
    o.step_ms = 1e-9;
    llmcs_engine *engine = NULL;
    OK(llmcs_engine_create(m, &o, &engine));
    return engine;
}

static llmcs_engine_stats stats_of(llmcs_engine *engine) {
    llmcs_engine_stats stats = {.struct_size = sizeof stats};
    OK(llmcs_engine_get_stats(engine, &stats));
    return stats;
}

static void make_step(llmcs_engine *engine) {
    int progressed = 0;
    OK(llmcs_engine_step(engine, &progressed));
    ck_assert_int_eq(progressed, 1);
}

static llmcs_request *submit(llmcs_engine *engine, const int32_t *ids, size_t n, const llmcs_generate_params *p) {
    llmcs_request *r = NULL;
    OK(llmcs_engine_submit_ids(engine, ids, n, p, NULL, &r));
    return r;
}

static void check_alone(llmcs_model *m, llmcs_request *r, const int32_t *ids, size_t n,
                        const llmcs_generate_params *p) {
    llmcs_result *got = NULL, *alone = answer_alone(m, ids, n, p);
    OK(llmcs_request_wait(r, -1, &got));
    same_result(got, alone);
    llmcs_result_free(&got);
    llmcs_result_free(&alone);
    llmcs_request_free(&r);
}

/* Exactly n tokens. */
static llmcs_generate_params tokens_of(const llmcs_model *m, int32_t n) {
    llmcs_generate_params p = folder_params(m);
    p.num_beams = 1;
    p.max_new_tokens = p.min_new_tokens = n;
    p.logprobs = 1;
    return p;
}

/* While a long source is encoded, another request gets a token in each step, and no step encodes more than 16 rows or
 * one part; one whose source is short comes first though it was submitted later. */
START_TEST(a_long_source_does_not_hold_the_others) {
    llmcs_model *m = open_name(golden_seq2seq_names[_i], 2, LLMCS_WEIGHTS_AUTO);
    llmcs_engine *engine = stepped_engine(m);
    uint64_t seed = new_seed();
    int32_t source[MAX_SOURCE];
    for (size_t i = 0; i < MAX_SOURCE; i++) source[i] = (int32_t)(3 + random_below(&seed, 60));
    const llmcs_generate_params p = tokens_of(m, 30), one = tokens_of(m, 1);
    llmcs_request *running = submit(engine, source, 3, &p);
    while (stats_of(engine).n_new_tokens < 3) make_step(engine);
    llmcs_request *late = submit(engine, source, MAX_SOURCE, &one), *latest = submit(engine, source, 5, &one);
    size_t n_steps = 0;
    for (llmcs_engine_stats before = stats_of(engine), now; before.n_finished < 2; before = now, n_steps++) {
        make_step(engine);
        now = stats_of(engine);
        ck_assert_uint_ge(now.n_new_tokens, before.n_new_tokens + 1);
        ck_assert_uint_le(now.n_rows - before.n_rows, 2 + 16 + 5);
        if (n_steps == 1) ck_assert_uint_eq(now.n_finished, 1); /* the short one: encoded, and its token */
    }
    ck_assert_uint_ge(n_steps, 4); /* three parts at least, and the token */
    check_alone(m, late, source, MAX_SOURCE, &one);
    check_alone(m, latest, source, 5, &one);
    check_alone(m, running, source, 3, &p);
    llmcs_engine_free(&engine);
    llmcs_model_free(&m);
}
END_TEST

/* Of two sources that are encoded together one request is cancelled between two parts. */
START_TEST(a_source_that_is_dropped_leaves_its_neighbour) {
    llmcs_model *m = open_name(golden_seq2seq_names[_i / 4], 2, LLMCS_WEIGHTS_AUTO);
    llmcs_engine *engine = stepped_engine(m);
    uint64_t seed = new_seed();
    int32_t source[MAX_SOURCE];
    for (size_t i = 0; i < MAX_SOURCE; i++) source[i] = (int32_t)(3 + random_below(&seed, 60));
    const llmcs_generate_params p = tokens_of(m, 12);
    llmcs_request *running = submit(engine, source, 3, &p);
    while (stats_of(engine).n_new_tokens < 3) make_step(engine);
    llmcs_request *whole = submit(engine, source, 10, &p); /* takes 10 of 16 rows, so that the next ones do not fit */
    llmcs_request *first = submit(engine, source + 1, 8, &p), *second = submit(engine, source + 2, 8, &p);
    for (int i = 0; i < 1 + _i % 4; i++) make_step(engine);
    llmcs_request_cancel(_i % 2 ? first : second);
    check_alone(m, _i % 2 ? second : first, source + (_i % 2 ? 2 : 1), 8, &p);
    check_alone(m, whole, source, 10, &p);
    check_alone(m, running, source, 3, &p);
    const llmcs_engine_stats end = stats_of(engine); /* a row for each new token, and those of sources */
    if (_i % 4 == 0) ck_assert_uint_lt(end.n_rows, end.n_new_tokens + 3 + 10 + 8 + 8);
    llmcs_request_free(_i % 2 ? &first : &second);
    llmcs_engine_free(&engine);
    llmcs_model_free(&m);
}
END_TEST

/* A running request, and an engine that knows no cost of sources. */
static llmcs_request *begin_running(llmcs_engine *engine, const int32_t *source, const llmcs_generate_params *p) {
    llmcs_request *running = submit(engine, source, 3, p);
    while (stats_of(engine).n_new_tokens < 3) make_step(engine);
    engine->sched.source_row_ns = 0;
    return running;
}

/* Of 44 rows a step evaluates one part in four, which is 11 rows; of a short source there are only 5. */
START_TEST(the_cost_of_a_source_is_learnt) {
    llmcs_model *m = open_name("bart-uneven", 1, LLMCS_WEIGHTS_AUTO);
    llmcs_engine *engine = stepped_engine(m);
    int32_t source[MAX_SOURCE];
    for (size_t i = 0; i < MAX_SOURCE; i++) source[i] = (int32_t)(3 + i);
    const llmcs_generate_params p = tokens_of(m, 30), one = tokens_of(m, 1);
    const size_t n = _i ? MAX_SOURCE : 5;
    llmcs_request *running = begin_running(engine, source, &p), *late = submit(engine, source, n, &one);
    make_step(engine);
    ck_assert_uint_eq(engine->sched.step.n.source_rows, _i ? 11 : 5);
    ck_assert_double_gt(engine->sched.source_row_ns, 0);
    check_alone(m, late, source, n, &one);
    check_alone(m, running, source, 3, &p);
    llmcs_engine_free(&engine);
    llmcs_model_free(&m);
}
END_TEST

/* The second source is left one part of four in the first step: less than one of its rows. */
START_TEST(each_row_of_a_source_counts_once) {
    llmcs_model *m = open_name("bart-uneven", 1, LLMCS_WEIGHTS_AUTO);
    llmcs_engine *engine = stepped_engine(m);
    int32_t source[MAX_SOURCE];
    for (size_t i = 0; i < MAX_SOURCE; i++) source[i] = (int32_t)(3 + i);
    const llmcs_generate_params p = tokens_of(m, 12);
    llmcs_request *running = begin_running(engine, source, &p);
    llmcs_request *whole = submit(engine, source, 15, &p), *small = submit(engine, source, 3, &p);
    make_step(engine);
    ck_assert_uint_eq(engine->sched.step.n.encoded_rows, 15 + 3);
    check_alone(m, small, source, 3, &p);
    check_alone(m, whole, source, 15, &p);
    check_alone(m, running, source, 3, &p);
    const llmcs_engine_stats end = stats_of(engine);
    ck_assert_uint_eq(end.n_rows, end.n_new_tokens + 3 + 15 + 3);
    llmcs_engine_free(&engine);
    llmcs_model_free(&m);
}
END_TEST

/* A step that has time for 20 tokens has 20 of a prompt and a source together, and at most one part more. */
START_TEST(prompts_and_sources_share_a_step) {
    llmcs_model *m = open_name("bart-uneven", 1, LLMCS_WEIGHTS_AUTO);
    llmcs_engine_options o;
    llmcs_engine_options_init(&o);
    o.flags = LLMCS_ENGINE_NO_THREAD;
    llmcs_engine *engine = NULL;
    OK(llmcs_engine_create(m, &o, &engine));
    int32_t source[MAX_SOURCE];
    for (size_t i = 0; i < MAX_SOURCE; i++) source[i] = (int32_t)(3 + i);
    const llmcs_generate_params p = tokens_of(m, 12);
    llmcs_generate_params prompted = tokens_of(m, 2);
    prompted.decoder_input_ids = (llmcs_ids){source, 40};
    llmcs_submit_options urgent;
    llmcs_submit_options_init(&urgent);
    urgent.priority = _i;
    llmcs_request *running = begin_running(engine, source, &p), *first = submit(engine, source, 3, &prompted);
    make_step(engine); /* encodes its source */
    llmcs_request *second = NULL;
    OK(llmcs_engine_submit_ids(engine, source, 18, &p, &urgent, &second));
    engine->sched.step_ns = 1e6;
    engine->sched.prompt_row_ns = engine->sched.source_row_ns = 1.25e6 / 20;
    make_step(engine);
    const ll_step_counts *n = &engine->sched.step.n;
    ck_assert_uint_eq(n->prompt_rows, _i ? 2 : 20);
    ck_assert_uint_eq(n->encoded_rows, 18);
    ck_assert_double_le((double)n->prompt_rows + n->source_work, 20 + 18.0 / 4);
    check_alone(m, first, source, 3, &prompted);
    check_alone(m, second, source, 18, &p);
    check_alone(m, running, source, 3, &p);
    llmcs_engine_free(&engine);
    llmcs_model_free(&m);
}
END_TEST

/* ---------------------------------------------------------------------------------------------------- memory */

/* The plan says what is allocated, and a call allocates nothing that is not freed. */
START_TEST(plans_count_the_source) {
    char path[128];
    fail_alloc f;
    fail_alloc_init(&f);
    const llmcs_allocator counting = fail_alloc_get(&f);
    llmcs_model_options o;
    llmcs_model_options_init(&o);
    o.allocator = &counting;
    o.n_threads = 1;
    folder_of(path, golden_seq2seq_names[_i]);
    llmcs_model *m = NULL;
    llmcs_session *s = NULL;
    llmcs_engine *e = NULL;
    llmcs_plan_info plan = {.struct_size = sizeof plan};
    llmcs_engine_plan_info engine_plan = {.struct_size = sizeof engine_plan};
    llmcs_session_options of_session;
    llmcs_engine_options of_engine;
    llmcs_session_options_init(&of_session);
    llmcs_engine_options_init(&of_engine);
    of_session.n_ctx = of_engine.n_ctx = 40;
    OK(llmcs_plan(path, &o, &of_session, &plan));
    OK(llmcs_engine_plan(path, &o, &of_engine, 40, &engine_plan));
    OK(llmcs_model_open(path, &o, &m));
    const long long of_model = f.live_bytes;
    ck_assert(of_model <= (long long)plan.model_bytes && of_model > (long long)plan.model_bytes * 9 / 10);
    OK(llmcs_session_create(m, &of_session, &s));
    const long long of_s = f.live_bytes - of_model;
    ck_assert(of_s <= (long long)plan.session_bytes && of_s > (long long)plan.session_bytes * 9 / 10);
    const int32_t source[] = {3, 4, 5};
    llmcs_generate_params p = folder_params(m);
    p.max_new_tokens = 5;
    llmcs_result *r = generate_ids(s, source, 3, &p);
    llmcs_result_free(&r);
    ck_assert(f.live_bytes == of_model + of_s);
    llmcs_session_free(&s);
    OK(llmcs_engine_create(m, &of_engine, &e));
    const long long of_e = f.live_bytes - of_model;
    ck_assert(of_e <= (long long)engine_plan.engine_bytes && of_e > (long long)engine_plan.engine_bytes * 9 / 10);
    llmcs_engine_free(&e);
    llmcs_model_free(&m);
    ck_assert_int_eq(f.live, 0);
}
END_TEST

/* Opens, encodes, generates, and lets an engine generate. */
static llmcs_status use_all(const char *path, const llmcs_model_options *o) {
    llmcs_model *m = NULL;
    llmcs_session *s = NULL;
    llmcs_engine *e = NULL;
    llmcs_request *q = NULL;
    llmcs_result *r = NULL;
    llmcs_generate_params p;
    llmcs_engine_options of_engine;
    const int32_t source[] = {3, 4, 5};
    llmcs_engine_options_init(&of_engine);
    of_engine.flags = LLMCS_ENGINE_NO_THREAD;
    llmcs_status st = llmcs_model_open(path, o, &m);
    if (!st) st = llmcs_generate_params_init(&p, m);
    if (!st) p.max_new_tokens = p.num_beams = 2;
    if (!st) st = llmcs_session_create(m, NULL, &s);
    if (!st) st = llmcs_generate_ids(s, source, 3, &p, NULL, NULL, &r);
    llmcs_result_free(&r);
    if (!st) st = llmcs_engine_create(m, &of_engine, &e);
    if (!st) st = llmcs_engine_submit_ids(e, source, 3, &p, NULL, &q);
    if (!st) st = llmcs_request_wait(q, -1, &r);
    llmcs_result_free(&r);
    llmcs_request_free(&q);
    llmcs_engine_free(&e);
    llmcs_session_free(&s);
    llmcs_model_free(&m);
    return st;
}

START_TEST(every_allocation_may_fail) {
    char path[128];
    llmcs_status st = LLMCS_NOMEM;
    folder_of(path, "marian-pair");
    for (long at = 0; st; at += (long)suite_step(7)) {
        fail_alloc f;
        fail_alloc_init(&f);
        f.fail_at = at;
        const llmcs_allocator failing = fail_alloc_get(&f);
        llmcs_model_options o;
        llmcs_model_options_init(&o);
        o.allocator = &failing;
        o.n_threads = 1;
        st = use_all(path, &o);
        ck_assert_msg(st == LLMCS_NOMEM || (!st && f.calls <= at), "allocation %ld: %s", at, llmcs_status_name(st));
        ck_assert_int_eq(f.live, 0);
    }
}
END_TEST

/* --------------------------------------------------------------------------------------------------- refused */

START_TEST(what_does_not_fit_is_named) {
    llmcs_model *m = open_name("bart-uneven", 1, LLMCS_WEIGHTS_AUTO),
                *gpt2 = open_name("gpt2-tiny", 1, LLMCS_WEIGHTS_AUTO);
    llmcs_session *s = new_session(m), *of_gpt2 = new_session(gpt2);
    llmcs_engine *e = NULL;
    llmcs_request *q = NULL;
    llmcs_result *r = NULL;
    int32_t ids[64] = {0};
    const int32_t start = 2, beyond = 97;
    FAILS(LLMCS_STATE, "llmcs_session_encode first", llmcs_session_eval(s, &start, 1, LLMCS_LOGITS_LAST));
    FAILS(LLMCS_CONTEXT_FULL, "the source has 49 tokens", llmcs_session_encode(s, ids, 49, NULL));
    FAILS(LLMCS_TOKEN_RANGE, "source[0] is 97", llmcs_session_encode(s, &beyond, 1, NULL));
    FAILS(LLMCS_ARG, "no tokens", llmcs_session_encode(s, ids, 0, NULL));
    FAILS(LLMCS_NO_HEAD, "is not an encoder-decoder", llmcs_session_encode(of_gpt2, ids, 3, NULL));
    llmcs_generate_params p = folder_params(m);
    FAILS(LLMCS_CONTEXT_FULL, "the source has 49 tokens", llmcs_generate_ids(s, ids, 49, &p, NULL, NULL, &r));
    FAILS(LLMCS_TOKEN_RANGE, "source[0] is 97", llmcs_generate_ids(s, &beyond, 1, &p, NULL, NULL, &r));
    OK(llmcs_engine_create(m, NULL, &e));
    FAILS(LLMCS_CONTEXT_FULL, "the source has 49 tokens", llmcs_engine_submit_ids(e, ids, 49, &p, NULL, &q));
    p.guidance_scale = 2;
    FAILS(LLMCS_ARG, "guidance_scale", llmcs_generate_ids(s, ids, 3, &p, NULL, NULL, &r));
    p = folder_params(gpt2);
    p.decoder_input_ids = (llmcs_ids){&start, 1};
    FAILS(LLMCS_ARG, "decoder_input_ids", llmcs_generate_ids(of_gpt2, ids, 3, &p, NULL, NULL, &r));
    llmcs_model *pair = open_name("marian-pair", 1, LLMCS_WEIGHTS_AUTO);
    llmcs_session *of_pair = new_session(pair);
    p = folder_params(pair);
    p.encoder_no_repeat_ngram_size = 2;
    FAILS(LLMCS_ARG, "vocabularies of their own", llmcs_generate_ids(of_pair, ids, 3, &p, NULL, NULL, &r));
    p = folder_params(pair);
    p.encoder_repetition_penalty = 1.5f;
    FAILS(LLMCS_ARG, "encoder_repetition_penalty", llmcs_generate_ids(of_pair, ids, 3, &p, NULL, NULL, &r));
    llmcs_session_free(&of_pair);
    llmcs_model_free(&pair);
    llmcs_engine_free(&e);
    llmcs_session_free(&of_gpt2);
    llmcs_session_free(&s);
    llmcs_model_free(&gpt2);
    llmcs_model_free(&m);
}
END_TEST

/* What the decoder starts with is no part of the answer, and an answer continues what it was given. */
START_TEST(answers_continue_decoder_input_ids) {
    llmcs_model *m = open_name("mt5-gated", 1, LLMCS_WEIGHTS_AUTO);
    llmcs_session *s = new_session(m);
    const int32_t source[] = {5, 9, 33, 4};
    int32_t given[4] = {0};
    llmcs_generate_params p = folder_params(m);
    p.max_new_tokens = 8;
    llmcs_result *whole = generate_ids(s, source, 4, &p);
    ck_assert_uint_ge(whole->sequences[0]->n_ids, 4);
    memcpy(given + 1, whole->sequences[0]->ids, 3 * sizeof *given);
    p.decoder_input_ids = (llmcs_ids){given, 4};
    p.max_new_tokens = 5;
    llmcs_result *rest = generate_ids(s, source, 4, &p);
    ck_assert_uint_eq(rest->sequences[0]->n_ids, whole->sequences[0]->n_ids - 3);
    ck_assert_mem_eq(rest->sequences[0]->ids, whole->sequences[0]->ids + 3, rest->sequences[0]->n_ids * sizeof *given);
    llmcs_result_free(&rest);
    llmcs_result_free(&whole);
    llmcs_session_free(&s);
    llmcs_model_free(&m);
}
END_TEST

/* A folder with other members of config.json. */
static void open_edited(const char *name, const char *from, const char *to, llmcs_status expected, const char *needle) {
    char folder[TEMP_PATH_BYTES], path[256], *text, *at, edited[4096];
    size_t n_bytes;
    llmcs_model *m = NULL;
    llmcs_allocator a = ll_allocator_default();
    temp_folder(folder);
    snprintf(path, sizeof path, GOLDEN_FOLDER "%s/model.safetensors", name);
    OK(ll_file_read_all(&a, path, 1 << 22, &text, &n_bytes));
    temp_write(folder, "model.safetensors", text, n_bytes);
    ll_free(&a, text);
    snprintf(path, sizeof path, GOLDEN_FOLDER "%s/config.json", name);
    OK(ll_file_read_all(&a, path, sizeof edited / 2, &text, &n_bytes));
    ck_assert_msg((at = strstr(text, from)) != NULL, "%s", from);
    snprintf(edited, sizeof edited, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    ll_free(&a, text);
    temp_write_text(folder, "config.json", edited);
    FAILS(expected, needle, llmcs_model_open(folder, NULL, &m));
    temp_remove(folder);
}

START_TEST(folders_that_contradict_themselves_are_named) {
    static const struct {
        const char *name, *from, *to;
        llmcs_status status;
        const char *needle;
    } cases[] = {
        {"bart-uneven", "\"encoder_layers\": 1", "\"encoder_layers\": 2", LLMCS_FORMAT, "encoder.layers.1."},
        {"bart-uneven", "\"decoder_layers\": 3", "\"decoder_layers\": 4", LLMCS_FORMAT, "decoder.layers.3."},
        {"bart-uneven", "\"encoder_attention_heads\": 4", "\"encoder_attention_heads\": 5", LLMCS_CONFIG,
         "encoder_attention_heads: 5"},
        {"bart-uneven", "\"encoder_ffn_dim\": 40", "\"encoder_ffn_dim\": 44", LLMCS_CONFIG, "fc1.weight"},
        {"bart-uneven", "\"decoder_ffn_dim\": 56,", "", LLMCS_CONFIG, "decoder_ffn_dim is missing"},
        {"bart-uneven", "\"max_position_embeddings\": 48", "\"max_position_embeddings\": 49", LLMCS_CONFIG,
         "embed_positions"},
        {"bart-uneven", "\"is_encoder_decoder\": true", "\"is_encoder_decoder\": false", LLMCS_UNSUPPORTED,
         "is_encoder_decoder"},
        {"bart-uneven", "BartForConditionalGeneration", "BartForCausalLM", LLMCS_UNSUPPORTED, "architectures"},
        {"marian-pair", "\"decoder_vocab_size\": 71", "\"decoder_vocab_size\": 72", LLMCS_CONFIG, "embed_tokens"},
        {"t5-tied", "\"relative_attention_max_distance\": 20", "\"relative_attention_max_distance\": 4", LLMCS_CONFIG,
         "relative_attention_max_distance: 4"},
        {"t5-tied", "\"feed_forward_proj\": \"relu\"", "\"feed_forward_proj\": \"gated-mish\"", LLMCS_UNSUPPORTED,
         "feed_forward_proj"},
        {"mt5-gated", "\"tie_word_embeddings\": false", "\"tie_word_embeddings\": 3", LLMCS_CONFIG,
         "tie_word_embeddings"},
        {"mt5-gated", "\"d_kv\": 5", "\"d_kv\": 6", LLMCS_CONFIG, "SelfAttention.q.weight"},
        {"mt5-gated", "\"feed_forward_proj\": \"gated-gelu\"", "\"feed_forward_proj\": \"relu\"", LLMCS_FORMAT,
         "DenseReluDense.wi.weight\" is missing"},
        {"t5-tied", "\"feed_forward_proj\": \"relu\"", "\"feed_forward_proj\": \"gated-gelu\"", LLMCS_FORMAT,
         "DenseReluDense.wi_0.weight\" is missing"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        open_edited(cases[i].name, cases[i].from, cases[i].to, cases[i].status, cases[i].needle);
}
END_TEST

static void add(TCase *t) {
    tcase_add_loop_test(t, sources_that_follow_each_other_do_not_mix, 0, 5);
    tcase_add_loop_test(t, the_same_bits_for_threads_and_cuts, 0, 5);
    tcase_add_loop_test(t, saved_and_forked_sessions_hold_the_source, 0, 5);
    tcase_add_test(t, scores_begin_with_the_start_token);
    tcase_add_loop_test(t, requests_get_the_bits_they_get_alone, 0, 5);
    tcase_add_loop_test(t, preempted_requests_get_them_too, 0, 5);
    tcase_add_test(t, cancelled_requests_leave_the_others);
    tcase_add_loop_test(t, a_long_source_does_not_hold_the_others, 0, 5);
    tcase_add_loop_test(t, a_source_that_is_dropped_leaves_its_neighbour, 0, 20);
    tcase_add_loop_test(t, the_cost_of_a_source_is_learnt, 0, 2);
    tcase_add_test(t, each_row_of_a_source_counts_once);
    tcase_add_loop_test(t, prompts_and_sources_share_a_step, 0, 2);
    tcase_add_loop_test(t, plans_count_the_source, 0, 5);
    tcase_add_test(t, every_allocation_may_fail);
    tcase_add_test(t, what_does_not_fit_is_named);
    tcase_add_test(t, answers_continue_decoder_input_ids);
    tcase_add_test(t, folders_that_contradict_themselves_are_named);
}

SUITE_MAIN("runtime/seq2seq", add)
