/* A host with another rounding mode, flush-to-zero, or unmasked floating-point exceptions: every public call gives the
 * bits it gives otherwise, none raises a signal, and the host's environment is back afterwards. No thread's mode
 * reaches another thread's answer. */
#include <fenv.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

#include "llmcs.h"
#include "support/model_fixture.h"
#include "support/random.h"
#include "support/suite.h"

#define OUT_BYTES ((size_t)1 << 20)

static char gpt2_folder[TEMP_PATH_BYTES], bert_folder[TEMP_PATH_BYTES], mlm_folder[TEMP_PATH_BYTES];
static char gguf[TEMP_PATH_BYTES + 16];
static llmcs_model *gpt2, *bert, *mlm;
static llmcs_session *session;

static const llmcs_text texts[3] = {{"good shop", LLMCS_NUL, NULL, 0},
                                    {"bad", LLMCS_NUL, NULL, 0},
                                    {"the good shop the shopping bad", LLMCS_NUL, NULL, 0}};
static int32_t ids[20];

/* What a call gave. */
typedef struct output {
    llmcs_status status;
    size_t n;
    unsigned char bytes[OUT_BYTES];
} output;

static void keep(output *o, const void *data, size_t n) {
    ck_assert_uint_le(o->n + n, OUT_BYTES);
    memcpy(o->bytes + o->n, data, n);
    o->n += n;
}

/* ------------------------------------------------------------------------------------------------ the calls */

static void open_int8(output *o) {
    llmcs_model_options options;
    llmcs_model_options_init(&options);
    options.weights = LLMCS_WEIGHTS_INT8;
    options.n_threads = 2;
    options.max_bytes = (uint64_t)1 << 32; /* plans, too */
    llmcs_model *m = NULL;
    o->status = llmcs_model_open(gpt2_folder, &options, &m);
    if (o->status) return;
    llmcs_session *s = NULL;
    const float *logits;
    size_t n_rows;
    o->status = llmcs_session_create(m, NULL, &s);
    if (!o->status) o->status = llmcs_session_eval(s, ids, 20, LLMCS_LOGITS_ALL);
    if (!o->status) o->status = llmcs_session_logits(s, &logits, &n_rows);
    if (!o->status) keep(o, logits, n_rows * GPT2_VOCAB * sizeof *logits);
    llmcs_session_free(&s);
    llmcs_model_free(&m);
}

static void plan(output *o) {
    llmcs_plan_info p = {.struct_size = sizeof p};
    o->status = llmcs_plan(gpt2_folder, NULL, NULL, &p);
    keep(o, &p, sizeof p);
}

static void plan_engine(output *o) {
    llmcs_engine_plan_info p = {.struct_size = sizeof p};
    o->status = llmcs_engine_plan(gpt2_folder, NULL, NULL, 20, &p);
    keep(o, &p, sizeof p);
}

static void open_tokenizer(output *o) {
    llmcs_tokenizer *t = NULL;
    o->status = llmcs_tokenizer_open(bert_folder, NULL, &t);
    llmcs_tokenizer_free(&t);
}

static void eval(output *o) {
    const float *logits;
    size_t n_rows;
    llmcs_session_rewind(session, 0);
    o->status = llmcs_session_eval(session, ids, 20, LLMCS_LOGITS_ALL);
    if (!o->status) o->status = llmcs_session_logits(session, &logits, &n_rows);
    if (!o->status) keep(o, logits, n_rows * GPT2_VOCAB * sizeof *logits);
}

static void save_and_restore(output *o) {
    size_t n;
    eval(o);
    llmcs_session_save(session, NULL, 0, &n);
    void *bytes = temp_alloc(n);
    o->status = llmcs_session_save(session, bytes, n, &n);
    keep(o, bytes, n);
    if (!o->status) o->status = llmcs_session_restore(session, bytes, n);
    free(bytes);
}

static void keep_result(output *o, llmcs_result **r) {
    for (size_t i = 0; !o->status && i < (*r)->n_sequences; i++) {
        const llmcs_sequence *s = (*r)->sequences[i];
        keep(o, s->ids, s->n_ids * sizeof *s->ids);
        keep(o, s->text, s->text_bytes);
        keep(o, &s->score, sizeof s->score);
        if (s->logprobs) keep(o, s->logprobs, s->n_ids * sizeof *s->logprobs);
    }
    llmcs_result_free(r);
}

static void generate_sampled(output *o) {
    llmcs_generate_params p;
    llmcs_result *r = NULL;
    llmcs_generate_params_init(&p, gpt2);
    p.max_new_tokens = 12;
    p.do_sample = 1;
    p.top_p = 0.9f;
    p.temperature = 0.7f;
    p.repetition_penalty = 1.1f;
    p.logprobs = 1;
    o->status = llmcs_generate(session, "hello", LLMCS_NUL, &p, NULL, NULL, &r);
    keep_result(o, &r);
}

static void generate_beams(output *o) {
    llmcs_generate_params p;
    llmcs_result *r = NULL;
    llmcs_generate_params_init(&p, NULL);
    p.max_new_tokens = 8;
    p.num_beams = p.num_return_sequences = 3;
    p.length_penalty = 0.7f;
    o->status = llmcs_generate_ids(session, ids, 5, &p, NULL, NULL, &r);
    keep_result(o, &r);
}

static void default_params(output *o) {
    llmcs_generate_params p;
    o->status = llmcs_generate_params_init(&p, gpt2);
    keep(o, &p.temperature, sizeof p.temperature);
}

static void next_distribution(output *o) {
    float probabilities[GPT2_VOCAB];
    llmcs_generate_params p;
    llmcs_generate_params_init(&p, NULL);
    p.temperature = 0.7f;
    eval(o);
    o->status = llmcs_next_distribution(session, &p, probabilities);
    keep(o, probabilities, sizeof probabilities);
}

static void score(output *o) {
    llmcs_score_result r = {0};
    o->status = llmcs_score(session, "hello", LLMCS_NUL, " world", LLMCS_NUL, &r);
    keep(o, &r, sizeof r);
}

static void choose(output *o) {
    const char *const candidates[3] = {"a", "bcd", " zz"};
    llmcs_score_result r[3];
    size_t best;
    memset(r, 0, sizeof r);
    o->status = llmcs_choose(session, "hello", LLMCS_NUL, candidates, 3, 1, r, &best);
    keep(o, r, sizeof r);
}

static void classify(output *o) {
    float scores[9] = {0};
    int32_t labels[3];
    o->status = llmcs_classify(bert, texts, 3, NULL, scores, labels, NULL);
    keep(o, scores, sizeof scores);
}

static void classify_windows(output *o) {
    float scores[9] = {0};
    llmcs_text_params p;
    llmcs_text_params_init(&p);
    p.overflow = LLMCS_OVERFLOW_WINDOWS;
    p.max_length = 5;
    p.stride = 1;
    p.deadline_ms = 1e6;
    o->status = llmcs_classify(bert, texts, 3, &p, scores, NULL, NULL);
    keep(o, scores, sizeof scores);
}

static void embed_as(output *o, llmcs_pooling pooling, bool windows) {
    float vectors[3 * 64] = {0};
    llmcs_text_params p;
    llmcs_text_params_init(&p);
    p.pooling = pooling;
    p.normalize = LLMCS_NORMALIZE_L2;
    if (windows) p.overflow = LLMCS_OVERFLOW_WINDOWS;
    if (windows) p.max_length = 5;
    o->status = llmcs_embed(bert, texts, 3, &p, vectors, NULL);
    keep(o, vectors, sizeof vectors);
}

static void embed_mean(output *o) { embed_as(o, LLMCS_POOL_MEAN, false); }
static void embed_cls(output *o) { embed_as(o, LLMCS_POOL_CLS, false); }
static void embed_windows(output *o) { embed_as(o, LLMCS_POOL_MEAN, true); }

static void rerank(output *o) {
    float scores[3] = {0};
    o->status = llmcs_rerank(bert, "the shop", LLMCS_NUL, texts, 3, NULL, scores, NULL);
    keep(o, scores, sizeof scores);
}

static void encoder_eval(output *o) {
    static float hidden[20 * 64], logits[8];
    const size_t length = 20;
    llmcs_encoder_outputs out = {.struct_size = sizeof out, .hidden = hidden, .logits = logits};
    o->status = llmcs_encoder_eval(bert, ids, NULL, &length, 1, &out);
    keep(o, hidden, sizeof hidden);
    keep(o, logits, sizeof logits);
}

static void fill_mask(output *o) {
    llmcs_mask_token tokens[4];
    size_t n;
    memset(tokens, 0, sizeof tokens);
    o->status = llmcs_fill_mask(mlm, "the [MASK] shop", LLMCS_NUL, 4, tokens, 4, &n);
    keep(o, tokens, sizeof tokens);
}

static void quantize(output *o) {
    o->status = llmcs_quantize(gpt2_folder, gguf, NULL);
    FILE *f = o->status ? NULL : fopen(gguf, "rb");
    if (f) o->n = fread(o->bytes, 1, OUT_BYTES, f);
    if (f) fclose(f);
    unlink(gguf);
}

static void serve(output *o) {
    llmcs_engine *engine = NULL;
    llmcs_request *request = NULL;
    llmcs_result *r = NULL;
    llmcs_generate_params p;
    llmcs_engine_options options;
    llmcs_engine_options_init(&options);
    options.flags = LLMCS_ENGINE_NO_THREAD;
    llmcs_generate_params_init(&p, NULL);
    p.max_new_tokens = 8;
    p.do_sample = p.logprobs = 1;
    o->status = llmcs_engine_create(gpt2, &options, &engine);
    if (!o->status) o->status = llmcs_engine_submit_ids(engine, ids, 5, &p, NULL, &request);
    if (!o->status) o->status = llmcs_request_wait(request, -1, &r);
    if (r) keep_result(o, &r);
    llmcs_engine_stats stats = {.struct_size = sizeof stats};
    if (engine) llmcs_engine_get_stats(engine, &stats);
    (void)llmcs_histogram_quantile(&stats.per_token_ms, 0.5);
    llmcs_request_free(&request);
    llmcs_engine_free(&engine);
}

static const struct {
    const char *name;
    void (*call)(output *o);
} calls[] = {{"open int8", open_int8},
             {"plan", plan},
             {"engine plan", plan_engine},
             {"tokenizer open", open_tokenizer},
             {"eval", eval},
             {"save, restore", save_and_restore},
             {"generate", generate_sampled},
             {"generate with beams", generate_beams},
             {"generate_params_init", default_params},
             {"next_distribution", next_distribution},
             {"score", score},
             {"choose", choose},
             {"classify", classify},
             {"classify windows", classify_windows},
             {"embed mean", embed_mean},
             {"embed cls", embed_cls},
             {"embed windows", embed_windows},
             {"rerank", rerank},
             {"encoder_eval", encoder_eval},
             {"fill_mask", fill_mask},
             {"quantize", quantize},
             {"engine", serve}};
enum { N_CALLS = sizeof calls / sizeof *calls };

/* ------------------------------------------------------------------------------------------------ the modes */

enum { UPWARD, DOWNWARD, TOWARD_ZERO, FLUSH_TO_ZERO, UNMASKED, N_MODES };

static void set_mode(int mode) {
    static const int rounding[] = {FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO};
    if (mode <= TOWARD_ZERO) fesetround(rounding[mode]);
#if defined(__x86_64__)
    if (mode == FLUSH_TO_ZERO) _mm_setcsr(_mm_getcsr() | 0x8040u); /* FTZ, DAZ */
#endif
    if (mode == UNMASKED) feenableexcept(FE_ALL_EXCEPT);
}

static bool mode_is(int mode) {
    static const int rounding[] = {FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO};
    if (mode <= TOWARD_ZERO) return fegetround() == rounding[mode];
#if defined(__x86_64__)
    if (mode == FLUSH_TO_ZERO) return (_mm_getcsr() & 0x8040u) == 0x8040u;
    if (mode == UNMASKED) return fegetexcept() == FE_ALL_EXCEPT;
#endif
    return true; /* AArch64 processors need not have traps */
}

static void set_up(void) {
    text_gpt2_folder(gpt2_folder);
    text_bert_folder("bert-cls", bert_folder);
    text_bert_folder("bert-mlm", mlm_folder);
    snprintf(gguf, sizeof gguf, "%.240s/x.gguf", mlm_folder);
    for (size_t i = 0; i < 20; i++) ids[i] = (int32_t)(i * 7 % 60);
    gpt2 = open_model(gpt2_folder, 2);
    bert = open_model(bert_folder, 2);
    mlm = open_model(mlm_folder, 1);
    session = open_session(gpt2);
}

static void tear_down(void) {
    llmcs_session_free(&session);
    llmcs_model_free(&gpt2);
    llmcs_model_free(&bert);
    llmcs_model_free(&mlm);
    temp_remove(gpt2_folder);
    temp_remove(bert_folder);
    temp_remove(mlm_folder);
}

/* SIGFPE would end this test. */
START_TEST(no_mode_of_the_host_reaches_a_result) {
    static output expected, found;
    fenv_t ours;
    if (suite_emulated(NULL)) {
        suite_skip("modes of floating point", "an emulator has its own");
        return;
    }
    for (size_t i = 0; i < N_CALLS; i++) {
        expected.n = 0;
        calls[i].call(&expected);
        ck_assert_msg(expected.status == LLMCS_OK, "%s: %s", calls[i].name, llmcs_error_message());
        for (int mode = 0; mode < N_MODES; mode++) {
            found.n = 0;
            fegetenv(&ours);
            set_mode(mode);
            calls[i].call(&found);
            const bool kept = mode_is(mode);
            fesetenv(&ours);
            ck_assert_msg(kept, "%s: mode %d was not put back", calls[i].name, mode);
            ck_assert_msg(found.status == expected.status, "%s, mode %d: %s", calls[i].name, mode,
                          llmcs_error_message());
            ck_assert_msg(found.n == expected.n && memcmp(found.bytes, expected.bytes, found.n) == 0,
                          "%s, mode %d: other bits", calls[i].name, mode);
        }
    }
}
END_TEST

/* ------------------------------------------------------------------------------- callers that share forward passes */

#define N_CALLERS 4

typedef struct caller {
    int mode; /* -1: the default */
    float expected[9], vectors[3 * 64];
    int n_wrong;
} caller;

static void *classify_and_embed(void *arg) {
    caller *c = arg;
    llmcs_text_params p;
    llmcs_text_params_init(&p);
    p.normalize = LLMCS_NORMALIZE_L2;
    if (c->mode >= 0) set_mode(c->mode);
    for (int i = 0; i < (suite_sanitized() ? 20 : 200); i++) {
        float scores[9] = {0}, vectors[3 * 64] = {0}; /* as `expected`: rows may be shorter */
        if (llmcs_classify(bert, texts, 3, NULL, scores, NULL, NULL) || memcmp(scores, c->expected, sizeof scores) != 0)
            c->n_wrong++;
        if (llmcs_embed(bert, texts, 3, &p, vectors, NULL) || memcmp(vectors, c->vectors, sizeof vectors) != 0)
            c->n_wrong++;
    }
    return NULL;
}

START_TEST(no_callers_mode_reaches_another_callers_answer) {
    caller callers[N_CALLERS];
    pthread_t threads[N_CALLERS];
    static output once;
    once.n = 0;
    classify(&once);
    memcpy(callers[0].expected, once.bytes, sizeof callers[0].expected);
    once.n = 0;
    embed_mean(&once);
    memcpy(callers[0].vectors, once.bytes, sizeof callers[0].vectors);
    for (int i = 0; i < N_CALLERS; i++) {
        callers[i] = callers[0];
        callers[i].mode = i - 1;
        callers[i].n_wrong = 0;
        ck_assert_int_eq(pthread_create(&threads[i], NULL, classify_and_embed, &callers[i]), 0);
    }
    for (int i = 0; i < N_CALLERS; i++) pthread_join(threads[i], NULL);
    for (int i = 0; i < N_CALLERS; i++)
        ck_assert_msg(callers[i].n_wrong == 0, "caller %d: %d wrong answers", i, callers[i].n_wrong);
}
END_TEST

static void add_tests(TCase *t) {
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, no_mode_of_the_host_reaches_a_result);
    tcase_add_test(t, no_callers_mode_reaches_another_callers_answer);
}

SUITE_MAIN("runtime/fpenv", add_tests)
