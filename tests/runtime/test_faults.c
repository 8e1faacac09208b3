/* The n-th allocation fails, for every n: NOMEM, nothing leaks, and the same call again gives the same bits. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/encoder/encoder.h"
#include "runtime/session/session.h"
#include "support/fail_alloc.h"
#include "support/model_fixture.h"
#include "support/suite.h"

#define MAX_POINTS 5000
#define OUT 4096

static char gpt2_folder[TEMP_PATH_BYTES], bert_folder[TEMP_PATH_BYTES], mlm_folder[TEMP_PATH_BYTES];
static fail_alloc faults;
static llmcs_allocator failing;

static void set_up(void) {
    text_gpt2_folder(gpt2_folder);
    text_bert_folder("bert-cls", bert_folder);
    text_bert_folder("bert-mlm", mlm_folder);
    fail_alloc_init(&faults);
    failing = fail_alloc_get(&faults);
}

static void tear_down(void) {
    temp_remove(gpt2_folder);
    temp_remove(bert_folder);
    temp_remove(mlm_folder);
}

static llmcs_status open_with_faults(const char *folder, llmcs_model **m) {
    llmcs_model_options o;
    llmcs_model_options_init(&o);
    o.allocator = &failing;
    o.n_threads = 1;
    return llmcs_model_open(folder, &o, m);
}

static llmcs_model *open_without_faults(const char *folder) {
    llmcs_model *m;
    faults.fail_at = -1;
    ck_assert_msg(!open_with_faults(folder, &m), "%s", llmcs_error_message());
    return m;
}

/* What one call answers, in floats. It is run on `target` and must leave it as it was. */
typedef llmcs_status (*call_fn)(void *target, float *out);

/* Fails allocation 0, 1, 2 ... of the call until it gets through, once or from there on. */
static long sweep(call_fn call, void *target, bool after) {
    float expected[OUT] = {0}, found[OUT] = {0};
    faults.fail_at = -1;
    ck_assert_msg(!call(target, expected), "%s", llmcs_error_message());
    long live = faults.live;
    for (long n = 0; n < MAX_POINTS; n++) {
        faults.fail_after = after;
        faults.fail_at = faults.calls + n;
        llmcs_status st = call(target, found);
        bool reached = faults.calls > faults.fail_at;
        faults.fail_at = -1;
        ck_assert_msg(st == (reached ? LLMCS_NOMEM : LLMCS_OK), "point %ld: %s: %s", n, llmcs_status_name(st),
                      llmcs_error_message());
        ck_assert_msg(faults.live == live, "point %ld: %ld allocations more", n, faults.live - live);
        if (!reached) return n;
        if (n % 16) continue; /* the same answer as ever, now and then */
        ck_assert_int_eq(call(target, found), LLMCS_OK);
        ck_assert_int_eq(memcmp(found, expected, sizeof found), 0);
    }
    ck_abort_msg("it never got through");
    return 0;
}

static void sweep_both(call_fn call, void *target, long least) {
    long once = sweep(call, target, false), ever = sweep(call, target, true);
    ck_assert_int_ge(once, least);
    ck_assert_int_ge(ever, least);
}

/* ---------------------------------------------------------------------------------------------------- calls */

static llmcs_status open_and_close(void *folder, float *out) {
    llmcs_model *m;
    llmcs_status st = open_with_faults(folder, &m);
    llmcs_model_info info = {.struct_size = sizeof info};
    if (!st) ck_assert_int_eq(llmcs_model_get_info(m, &info), LLMCS_OK);
    if (!st) out[0] = (float)info.n_parameters;
    llmcs_model_free(&m);
    return st;
}

static llmcs_status plan(void *folder, float *out) {
    llmcs_plan_info info = {.struct_size = sizeof info};
    llmcs_model_options o;
    llmcs_model_options_init(&o);
    o.allocator = &failing;
    llmcs_status st = llmcs_plan(folder, &o, NULL, &info);
    if (!st) out[0] = (float)info.model_bytes;
    return st;
}

static llmcs_status session_from_nothing(void *model, float *out) {
    static const int32_t ids[5] = {5, 6, 7, 8, 9};
    llmcs_session *s;
    const float *logits;
    size_t n;
    llmcs_status st = llmcs_session_create(model, NULL, &s);
    if (!st) st = llmcs_session_eval(s, ids, 5, LLMCS_LOGITS_ALL);
    if (!st) st = llmcs_session_logits(s, &logits, &n);
    if (!st) memcpy(out, logits, 5 * GPT2_VOCAB * sizeof *out);
    llmcs_session_free(&s);
    return st;
}

/* On a session that goes on living: whatever fails, it holds its ten tokens. */
static llmcs_status eval_and_rewind(void *session, float *out) {
    static const int32_t ids[2] = {11, 12};
    const float *logits;
    size_t n;
    llmcs_status st = llmcs_session_eval(session, ids, 2, LLMCS_LOGITS_LAST);
    if (!st) ck_assert_int_eq(llmcs_session_logits(session, &logits, &n), LLMCS_OK);
    if (!st) memcpy(out, logits, GPT2_VOCAB * sizeof *out);
    ck_assert_int_eq(llmcs_session_tokens(session, NULL, 0, &n), LLMCS_OK);
    ck_assert_uint_eq(n, st ? 10 : 12);
    ck_assert_int_eq(llmcs_session_rewind(session, 10), LLMCS_OK);
    return st;
}

static llmcs_status fork_and_eval(void *session, float *out) {
    llmcs_session *copy;
    llmcs_status st = llmcs_session_fork(session, &copy);
    if (!st) st = eval_and_rewind(copy, out);
    llmcs_session_free(&copy);
    return st;
}

static llmcs_status several_sequences(void *session, float *out) {
    static const size_t seqs[3] = {0, 1, 2};
    static const int32_t ids[3] = {1, 2, 3};
    const float *logits;
    ck_assert_int_eq(ll_session_enter(session), LLMCS_OK);
    llmcs_status st = ll_session_reserve(session, 3, 40);
    for (size_t i = 1; !st && i < 3; i++) ll_seq_copy(session, i, 0);
    if (!st) st = ll_seqs_eval(session, seqs, ids, 3, &logits);
    if (!st) memcpy(out, logits, 3 * GPT2_VOCAB * sizeof *out);
    if (!st) ll_seq_rewind(session, 0, 10);
    ll_session_release(session);
    ll_session_leave(session);
    return st;
}

static llmcs_status score(void *session, float *out) {
    llmcs_score_result r;
    llmcs_status st = llmcs_score(session, "hello hello", LLMCS_NUL, " shop, and more", LLMCS_NUL, &r);
    if (!st) out[0] = (float)r.logprob;
    return st;
}

static llmcs_status choose(void *session, float *out) {
    static const char *const candidates[3] = {"he", "shopping", "no"};
    llmcs_score_result r[3];
    size_t best;
    llmcs_status st = llmcs_choose(session, "hello", LLMCS_NUL, candidates, 3, 1, r, &best);
    for (size_t i = 0; !st && i < 3; i++) out[i] = (float)r[i].logprob;
    if (!st) out[3] = (float)best;
    return st;
}

static const llmcs_text texts[3] = {
    {"good shop", LLMCS_NUL, NULL, 0}, {"bad", LLMCS_NUL, "the shopping", LLMCS_NUL}, {"the shop", LLMCS_NUL, NULL, 0}};

/* As the first call of a model: nothing is left over from calls before. */
static llmcs_status classify_first(void *model, float *out) {
    llmcs_status st = llmcs_classify(model, texts, 3, NULL, out, NULL, NULL);
    ll_encoder_free_idle(model, ((llmcs_model *)model)->encoder);
    return st;
}

static llmcs_status classify_on(void *model, float *out) {
    return llmcs_classify(model, texts, 3, NULL, out, NULL, NULL);
}

static llmcs_status rerank_on(void *model, float *out) {
    return llmcs_rerank(model, "good", LLMCS_NUL, texts, 1, NULL, out, NULL);
}

/* The golden bart-cls, as the first call. */
static llmcs_status classify_ids(void *model, float *out) {
    static const int32_t ids[] = {0, 5, 2, 0, 7, 8, 2};
    static const size_t lengths[] = {3, 4};
    const llmcs_encoder_outputs o = {.struct_size = sizeof o, .logits = out};
    llmcs_status st = llmcs_encoder_eval(model, ids, NULL, lengths, 2, &o);
    ll_encoder_free_idle(model, ((llmcs_model *)model)->encoder);
    return st;
}

static llmcs_status zero_shot_on(void *model, float *out) {
    static const char *const labels[3] = {"good", "bad", "shop"};
    return llmcs_zero_shot(model, texts, 1, labels, 3, NULL, out, NULL);
}

static llmcs_status embed_on(void *model, float *out) { return llmcs_embed(model, texts, 3, NULL, out, NULL); }

static llmcs_status fill_mask_on(void *model, float *out) {
    llmcs_mask_token tokens[5];
    size_t n;
    llmcs_status st = llmcs_fill_mask(model, "good [MASK]", LLMCS_NUL, 5, tokens, 5, &n);
    for (size_t i = 0; !st && i < 5; i++) out[i] = tokens[i].probability;
    return st;
}

/* ---------------------------------------------------------------------------------------------------- sweeps */

START_TEST(open) {
    static const char *const plain[] = {"gpt2-untied", "bert-mlm", "distilbert-cls"};
    for (size_t i = 0; i < 3; i++) {
        char folder[128];
        snprintf(folder, sizeof folder, GOLDEN_FOLDER "%s", plain[i]);
        sweep_both(open_and_close, folder, 35);
    }
    /* With a tokenizer, which takes its time to build and has its own sweep. */
    ck_assert_int_ge(sweep(open_and_close, gpt2_folder, false), 80);
    ck_assert_int_eq(faults.live, 0);
}
END_TEST

START_TEST(planning) { sweep_both(plan, (void *)(uintptr_t)(GOLDEN_FOLDER "gpt2-tiny"), 10); }
END_TEST

START_TEST(sessions) {
    static const int32_t ids[10] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
    llmcs_model *m = open_without_faults(gpt2_folder);
    sweep_both(session_from_nothing, m, 8);
    llmcs_session *s = open_session(m);
    ck_assert_int_eq(llmcs_session_eval(s, ids, 10, LLMCS_LOGITS_NONE), LLMCS_OK);
    ck_assert_int_eq(sweep(eval_and_rewind, s, false), 0); /* takes nothing */
    sweep_both(fork_and_eval, s, 8);
    sweep_both(several_sequences, s, 8);
    sweep_both(score, s, 2);
    sweep_both(choose, s, 4);
    llmcs_session_free(&s);
    llmcs_model_free(&m);
    ck_assert_int_eq(faults.live, 0);
}
END_TEST

START_TEST(encoders) {
    llmcs_model *m = open_without_faults(bert_folder), *words = open_without_faults(mlm_folder);
    llmcs_model *decoder = open_without_faults(GOLDEN_FOLDER "bart-cls");
    sweep_both(classify_ids, decoder, 14);
    llmcs_model_free(&decoder);
    sweep_both(classify_first, m, 12);
    sweep_both(classify_on, m, 0);
    sweep_both(rerank_on, m, 1);
    sweep_both(zero_shot_on, m, 3);
    sweep_both(embed_on, m, 0);
    sweep_both(fill_mask_on, words, 2);
    llmcs_model_free(&m);
    llmcs_model_free(&words);
    ck_assert_int_eq(faults.live, 0);
}
END_TEST

/* ------------------------------------------------------------------------------------------- contract 2, plan */

START_TEST(a_token_takes_no_memory) {
    static const size_t seqs[3] = {0, 1, 2};
    static const int32_t ids[3] = {1, 2, 3};
    llmcs_model *m = open_without_faults(gpt2_folder);
    llmcs_session *s = open_session(m);
    long calls = faults.calls;
    ck_assert_int_eq(llmcs_session_eval(s, ids, 3, LLMCS_LOGITS_LAST), LLMCS_OK);
    for (int i = 0; i < 20; i++) ck_assert_int_eq(llmcs_session_eval(s, ids, 1, LLMCS_LOGITS_LAST), LLMCS_OK);
    ck_assert_int_eq(faults.calls, calls);
    ck_assert_int_eq(ll_session_enter(s), LLMCS_OK);
    ck_assert_int_eq(ll_session_reserve(s, 3, 64), LLMCS_OK);
    calls = faults.calls;
    for (size_t i = 1; i < 3; i++) ll_seq_copy(s, i, 0);
    for (int i = 0; i < 40; i++) {
        const size_t parents[3] = {(size_t)i % 3, 1, (size_t)i % 2};
        ll_seq_permute(s, parents, 3);
        ck_assert_int_eq(ll_seqs_eval(s, seqs, ids, 3, NULL), LLMCS_OK);
    }
    ck_assert_int_eq(faults.calls, calls);
    ll_session_leave(s);
    llmcs_session_free(&s);
    llmcs_model_free(&m);
}
END_TEST

START_TEST(a_second_classify_takes_no_memory_but_the_tokenizers) {
    llmcs_model *m = open_without_faults(bert_folder);
    float out[3][3], again[3][3];
    ck_assert_int_eq(llmcs_classify(m, texts, 3, NULL, &out[0][0], NULL, NULL), LLMCS_OK);
    long long bytes = faults.bytes;
    ck_assert_int_eq(llmcs_classify(m, texts, 3, NULL, &again[0][0], NULL, NULL), LLMCS_OK);
    ck_assert_int_lt(faults.bytes - bytes, 16384);
    ck_assert_int_eq(memcmp(out, again, sizeof out), 0);
    llmcs_model_free(&m);
}
END_TEST

static void within(double found, double planned, const char *what) {
    ck_assert_msg(found <= planned * 1.03 && found >= planned * 0.97, "%s: %.0f bytes, planned %.0f", what, found,
                  planned);
}

/* fail_alloc counts the bytes of all allocations, not those that live: enough for what is allocated once and kept. */
START_TEST(a_plan_is_what_is_taken) {
    char folder[TEMP_PATH_BYTES];
    temp_folder(folder);
    checkpoint *c = long_gpt2(900);
    checkpoint_write(c, folder, 1);
    checkpoint_free(c);
    llmcs_plan_info p = {.struct_size = sizeof p}, full = p;
    llmcs_model_options o;
    llmcs_model_options_init(&o);
    o.n_threads = 1;
    o.allocator = &failing;
    o.kv_type = _i ? LLMCS_KV_F16 : LLMCS_KV_F32;
    llmcs_session_options so;
    llmcs_session_options_init(&so);
    so.n_ctx = 100;
    ck_assert_int_eq(llmcs_plan(folder, &o, &so, &p), LLMCS_OK);
    ck_assert_int_eq(llmcs_plan(folder, &o, NULL, &full), LLMCS_OK);
    ck_assert_int_eq(faults.live, 0);
    ck_assert_uint_gt(full.session_bytes, p.session_bytes);
    ck_assert_uint_eq(full.model_bytes, p.model_bytes);
    ck_assert_uint_ge(p.peak_bytes, p.model_bytes);
    llmcs_model *m = NULL;
    ck_assert_int_eq(llmcs_model_open(folder, &o, &m), LLMCS_OK);
    within((double)faults.live_bytes, (double)p.model_bytes, "model");
    within((double)faults.peak_bytes, (double)p.peak_bytes, "peak");
    llmcs_model_info info = {.struct_size = sizeof info};
    ck_assert_int_eq(llmcs_model_get_info(m, &info), LLMCS_OK);
    ck_assert_uint_le(info.weights_bytes, p.model_bytes);
    for (int i = 0; i < 2; i++) {
        long long before = faults.live_bytes;
        llmcs_session *s;
        ck_assert_int_eq(llmcs_session_create(m, i ? NULL : &so, &s), LLMCS_OK);
        within((double)(faults.live_bytes - before), (double)(i ? full : p).session_bytes, "session");
        llmcs_session_free(&s);
    }
    /* A bound below the plan is refused with nothing taken, one at it is not. */
    llmcs_model *bounded;
    o.max_bytes = p.peak_bytes - 1;
    ck_assert_int_eq(llmcs_model_open(folder, &o, &bounded), LLMCS_LIMIT);
    o.max_bytes = p.peak_bytes;
    ck_assert_int_eq(llmcs_model_open(folder, &o, &bounded), LLMCS_OK);
    llmcs_model_free(&bounded);
    llmcs_model_free(&m);
    temp_remove(folder);
}
END_TEST

START_TEST(nothing_takes_more_than_its_plan) {
    const char *const folders[] = {gpt2_folder, bert_folder};
    for (size_t f = 0; f < 2; f++)
        for (int n_threads = 1; n_threads <= 5; n_threads += 2)
            for (int weights = LLMCS_WEIGHTS_AUTO; weights <= LLMCS_WEIGHTS_BF16; weights++) {
                llmcs_plan_info p = {.struct_size = sizeof p};
                llmcs_model_options o;
                llmcs_model_options_init(&o);
                o.n_threads = n_threads;
                o.weights = (llmcs_weights)weights;
                o.allocator = &failing;
                ck_assert_int_eq(llmcs_plan(folders[f], &o, NULL, &p), LLMCS_OK);
                fail_alloc_init(&faults);
                llmcs_model *m = NULL;
                ck_assert_int_eq(llmcs_model_open(folders[f], &o, &m), LLMCS_OK);
                ck_assert_uint_le((uint64_t)faults.live_bytes, p.model_bytes);
                ck_assert_uint_le((uint64_t)faults.peak_bytes, p.peak_bytes);
                const uint64_t of_model = (uint64_t)faults.live_bytes;
                llmcs_session *s = NULL;
                if (f == 0) {
                    ck_assert_int_eq(llmcs_session_create(m, NULL, &s), LLMCS_OK);
                    ck_assert_uint_le((uint64_t)faults.live_bytes - of_model, p.session_bytes);
                }
                if (s && weights == LLMCS_WEIGHTS_AUTO) {
                    static const int32_t prompt[] = {5, 9, 31};
                    llmcs_generate_params gp;
                    llmcs_result *r = NULL;
                    llmcs_generate_params_init(&gp, NULL);
                    gp.num_beams = 9;
                    const uint64_t with_session = (uint64_t)faults.live_bytes;
                    faults.peak_bytes = 0;
                    ck_assert_int_eq(llmcs_generate_ids(s, prompt, 3, &gp, NULL, NULL, &r), LLMCS_OK);
                    ck_assert_uint_le((uint64_t)faults.peak_bytes - with_session, 9 * p.sequence_bytes);
                    llmcs_result_free(&r);
                }
                if (f > 0) {
                    float out[3 * 3];
                    ck_assert_int_eq(llmcs_classify(m, texts, 3, NULL, out, NULL, NULL), LLMCS_OK);
                    ck_assert_uint_le((uint64_t)faults.live_bytes - of_model, p.encoder_bytes);
                    ck_assert_uint_ge(((uint64_t)faults.live_bytes - of_model) * 51 / 50, p.encoder_bytes);
                }
                llmcs_session_free(&s);
                llmcs_model_free(&m);
            }
}
END_TEST

static void add(TCase *t) {
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, open);
    tcase_add_test(t, planning);
    tcase_add_test(t, sessions);
    tcase_add_test(t, encoders);
    tcase_add_test(t, a_token_takes_no_memory);
    tcase_add_test(t, a_second_classify_takes_no_memory_but_the_tokenizers);
    tcase_add_loop_test(t, a_plan_is_what_is_taken, 0, 2);
    tcase_add_test(t, nothing_takes_more_than_its_plan);
}

SUITE_MAIN("runtime/faults", add)
