/* Calls that cannot be: each gets its status, and what was there before goes on with the same bits. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "runtime/session/session.h"
#include "support/model_fixture.h"
#include "support/suite.h"

static llmcs_model *gpt2, *opened_bert, *opened_mlm;
static llmcs_session *session;
static char gpt2_folder[TEMP_PATH_BYTES];

static void set_up(void) {
    text_gpt2_folder(gpt2_folder);
    gpt2 = open_model(gpt2_folder, 2);
    session = open_session(gpt2);
}

static llmcs_model *with_text(const char *name) {
    char folder[TEMP_PATH_BYTES];
    text_bert_folder(name, folder);
    llmcs_model *m = open_model(folder, 1);
    temp_remove(folder);
    return m;
}

/* The encoders are opened by the tests that want them. */
#define bert (opened_bert ? opened_bert : (opened_bert = with_text("bert-cls")))
#define mlm (opened_mlm ? opened_mlm : (opened_mlm = with_text("bert-mlm")))

static void tear_down(void) {
    llmcs_session_free(&session);
    llmcs_model_free(&gpt2);
    llmcs_model_free(&opened_bert);
    llmcs_model_free(&opened_mlm);
    temp_remove(gpt2_folder);
}

#define ARG(call) ck_assert_msg((call) == LLMCS_ARG, #call ": %s", llmcs_error_message())
#define IS(status, call)                                                                                        \
    do {                                                                                                        \
        llmcs_status found_ = (call);                                                                           \
        ck_assert_msg(found_ == (status), #call ": %s (%s)", llmcs_status_name(found_), llmcs_error_message()); \
    } while (0)

/* ---------------------------------------------------------------------------------------------------- NULL */

START_TEST(every_pointer_null_of_models) {
    llmcs_model *m;
    llmcs_model_info info = {.struct_size = sizeof info};
    llmcs_plan_info plan = {.struct_size = sizeof plan};
    ARG(llmcs_model_open(NULL, NULL, &m));
    ARG(llmcs_model_open("", NULL, &m));
    ARG(llmcs_model_open(gpt2_folder, NULL, NULL));
    ARG(llmcs_model_get_info(NULL, &info));
    ARG(llmcs_model_get_info(gpt2, NULL));
    ARG(llmcs_plan(NULL, NULL, NULL, &plan));
    ARG(llmcs_plan(gpt2_folder, NULL, NULL, NULL));
    ck_assert_ptr_null(llmcs_model_label(NULL, 0));
    ck_assert_ptr_null(llmcs_model_tokenizer(NULL));
    llmcs_model_free(NULL);
    m = NULL;
    llmcs_model_free(&m);
    llmcs_model_options_init_sized(NULL, sizeof(llmcs_model_options));
}
END_TEST

START_TEST(every_pointer_null_of_sessions) {
    llmcs_session *s = NULL;
    int32_t id = 1;
    size_t n;
    const float *logits;
    llmcs_score_result r;
    const char *candidates[] = {"a", NULL};
    ARG(llmcs_session_create(NULL, NULL, &s));
    ARG(llmcs_session_create(gpt2, NULL, NULL));
    ARG(llmcs_session_eval(NULL, &id, 1, LLMCS_LOGITS_LAST));
    ARG(llmcs_session_eval(session, NULL, 1, LLMCS_LOGITS_LAST));
    ARG(llmcs_session_eval(session, &id, 0, LLMCS_LOGITS_LAST));
    ARG(llmcs_session_eval(session, &id, 1, (llmcs_want_logits)3));
    ARG(llmcs_session_eval(session, &id, 1, (llmcs_want_logits)-1));
    ARG(llmcs_session_logits(NULL, &logits, &n));
    ARG(llmcs_session_logits(session, NULL, &n));
    ARG(llmcs_session_logits(session, &logits, NULL));
    ARG(llmcs_session_tokens(NULL, &id, 1, &n));
    ARG(llmcs_session_tokens(session, &id, 1, NULL));
    ARG(llmcs_session_rewind(NULL, 0));
    ARG(llmcs_session_fork(NULL, &s));
    ARG(llmcs_session_fork(session, NULL));
    ARG(llmcs_score(NULL, "a", 1, "b", 1, &r));
    ARG(llmcs_score(session, NULL, 1, "b", 1, &r));
    ARG(llmcs_score(session, "a", 1, NULL, 1, &r));
    ARG(llmcs_score(session, "a", 1, "b", 1, NULL));
    ARG(llmcs_score_ids(NULL, &id, 1, &id, 1, &r));
    ARG(llmcs_score_ids(session, NULL, 1, &id, 1, &r));
    ARG(llmcs_score_ids(session, &id, 1, NULL, 1, &r));
    ARG(llmcs_score_ids(session, &id, 1, &id, 1, NULL));
    ARG(llmcs_choose(NULL, "a", 1, candidates, 1, 0, &r, &n));
    ARG(llmcs_choose(session, NULL, 1, candidates, 1, 0, &r, &n));
    ARG(llmcs_choose(session, "a", 1, NULL, 1, 0, &r, &n));
    ARG(llmcs_choose(session, "a", 1, candidates, 0, 0, &r, &n));
    ARG(llmcs_choose(session, "a", 1, candidates, 1, 0, NULL, &n));
    ARG(llmcs_choose(session, "a", 1, candidates, 1, 0, &r, NULL));
    ARG(llmcs_choose(session, "a", 1, candidates, 2, 0, (llmcs_score_result[2]){{0}}, &n));
    llmcs_session_free(NULL);
    llmcs_session_free(&s);
    llmcs_session_cancel(NULL);
    llmcs_session_options_init_sized(NULL, sizeof(llmcs_session_options));
}
END_TEST

/* The calls with arrays that need no network. */
static void refuse_count_unread(llmcs_index *index, void *page, size_t n) {
    const llmcs_tokenizer *tokenizer = llmcs_model_tokenizer(gpt2);
    llmcs_grammar *grammar = NULL;
    uint64_t found;
    float score;
    size_t n_bytes;
    if (n > PTRDIFF_MAX / sizeof(int32_t)) ARG(llmcs_decode(tokenizer, page, n, 0, NULL, 0, &n_bytes));
    if (n > PTRDIFF_MAX / sizeof(char *)) ARG(llmcs_grammar_choices(tokenizer, page, n, &grammar));
    if (n > PTRDIFF_MAX / sizeof(uint64_t)) ARG(llmcs_index_remove(index, page, n, NULL));
    if (n > PTRDIFF_MAX / sizeof(float)) ARG(llmcs_index_search(index, page, n, NULL, &found, &score, NULL));
}

/* Counts that no array in memory can have are refused before an element is read: a page that may not be read says so.
 */
START_TEST(counts_beyond_memory_are_refused_unread) {
    void *page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(page, MAP_FAILED);
    const size_t counts[] = {(size_t)PTRDIFF_MAX, SIZE_MAX, SIZE_MAX / 4, SIZE_MAX / 8 + 1, SIZE_MAX / 32 + 1};
    llmcs_index *index = NULL;
    llmcs_index_options options;
    llmcs_index_options_init(&options);
    options.dim = 4;
    ck_assert_int_eq(llmcs_index_create(&options, &index), LLMCS_OK);
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        const size_t n = counts[i];
        float out[8];
        size_t best;
        llmcs_score_result scores[1];
        llmcs_result *result = NULL;
        llmcs_generate_params p;
        llmcs_encoder_outputs o = {.struct_size = sizeof o, .hidden = out};
        const int32_t id = 1;
        refuse_count_unread(index, page, n);
        ARG(llmcs_classify(bert, page, n, NULL, out, NULL, NULL));
        ARG(llmcs_embed(bert, page, n, NULL, out, NULL));
        ARG(llmcs_rerank(bert, "a", 1, page, n, NULL, out, NULL));
        if (n > PTRDIFF_MAX / sizeof(size_t)) ARG(llmcs_encoder_eval(bert, page, NULL, page, n, &o));
        if (n > PTRDIFF_MAX / sizeof(char *)) ARG(llmcs_choose(session, "a", 1, page, n, 0, scores, &best));
        static const size_t element_bytes[] = {sizeof(int32_t), sizeof(int32_t), sizeof(llmcs_logit_bias),
                                               sizeof(int32_t), sizeof(llmcs_ids)};
        for (int list = 0; list < 5; list++) {
            if (n <= PTRDIFF_MAX / element_bytes[list]) continue;
            llmcs_generate_params_init(&p, NULL);
            const llmcs_ids word = {page, n};
            if (list == 0) p.eos_token_id = page, p.n_eos_token_id = n;
            if (list == 1) p.bad_words_ids = &word, p.n_bad_words_ids = 1;
            if (list == 2) p.logit_bias = page, p.n_logit_bias = n;
            if (list == 3) p.prompt_lookup_ids = page, p.n_prompt_lookup_ids = n;
            if (list == 4) p.bad_words_ids = page, p.n_bad_words_ids = n;
            ARG(llmcs_generate_ids(session, &id, 1, &p, NULL, NULL, &result));
        }
    }
    llmcs_index_free(&index);
    llmcs_score_result r;
    IS(LLMCS_CONTEXT_FULL, llmcs_score(session, page, (size_t)1 << 30, "a", 1, &r));
    IS(LLMCS_CONTEXT_FULL, llmcs_score(session, "a", 1, page, (size_t)1 << 30, &r));
    munmap(page, 4096);
}
END_TEST

START_TEST(every_pointer_null_of_encoders) {
    int32_t id = 1, label;
    size_t n = 1;
    float out[256];
    llmcs_text t = {"good", LLMCS_NUL, NULL, 0}, none = {NULL, 4, NULL, 0};
    llmcs_mask_token token;
    llmcs_encoder_outputs o = {.struct_size = sizeof o, .hidden = out};
    ARG(llmcs_encoder_eval(NULL, &id, NULL, &n, 1, &o));
    ARG(llmcs_encoder_eval(bert, NULL, NULL, &n, 1, &o));
    ARG(llmcs_encoder_eval(bert, &id, NULL, NULL, 1, &o));
    ARG(llmcs_encoder_eval(bert, &id, NULL, &n, 1, NULL));
    ARG(llmcs_classify(NULL, &t, 1, NULL, out, &label, NULL));
    ARG(llmcs_classify(bert, NULL, 1, NULL, out, &label, NULL));
    ARG(llmcs_classify(bert, &none, 1, NULL, out, &label, NULL));
    ARG(llmcs_embed(NULL, &t, 1, NULL, out, NULL));
    ARG(llmcs_embed(bert, NULL, 1, NULL, out, NULL));
    ARG(llmcs_embed(bert, &t, 1, NULL, NULL, NULL));
    ARG(embed_pooled(bert, &t, 1, (llmcs_pooling)9, LLMCS_NORMALIZE_AUTO, NULL, out, NULL));
    ARG(embed_pooled(bert, &t, 1, LLMCS_POOL_AUTO, (llmcs_normalize)-1, NULL, out, NULL));
    ARG(llmcs_rerank(NULL, "a", 1, &t, 1, NULL, out, NULL));
    ARG(llmcs_rerank(bert, NULL, 1, &t, 1, NULL, out, NULL));
    ARG(llmcs_rerank(bert, "a", 1, NULL, 1, NULL, out, NULL));
    ARG(llmcs_rerank(bert, "a", 1, &t, 1, NULL, NULL, NULL));
    ARG(llmcs_rerank(bert, "a", 1, &none, 1, NULL, out, NULL));
    ARG(llmcs_fill_mask(NULL, "[MASK]", 6, 1, &token, 1, &n));
    ARG(llmcs_fill_mask(mlm, NULL, 6, 1, &token, 1, &n));
    ARG(llmcs_fill_mask(mlm, "[MASK]", 6, 1, &token, 1, NULL));
}
END_TEST

/* ------------------------------------------------------------------------------------------- option structs */

START_TEST(sizes_of_structs) {
    llmcs_model *m;
    struct {
        llmcs_model_options known;
        uint64_t unknown;
    } newer;
    llmcs_model_options o;
    llmcs_model_options_init(&o);
    ck_assert_uint_eq(o.struct_size, sizeof o);
    const size_t oldest = offsetof(llmcs_model_options, adapters); /* its size in 0.4.0 and before */
    for (size_t size = 0; size < oldest; size++) {
        o.struct_size = size;
        ARG(llmcs_model_open(gpt2_folder, &o, &m));
    }
    o.struct_size = oldest;
    IS(LLMCS_OK, llmcs_model_open(gpt2_folder, &o, &m));
    llmcs_model_free(&m);
    o.struct_size = sizeof o;
    o.weights = (llmcs_weights)77;
    ARG(llmcs_model_open(gpt2_folder, &o, &m));
    o.weights = LLMCS_WEIGHTS_AUTO;
    o.struct_size = (size_t)1 << 40;
    ARG(llmcs_model_open(gpt2_folder, &o, &m));
    memset(&newer, 0, sizeof newer);
    newer.known.struct_size = sizeof newer;
    newer.known.n_threads = 1;
    IS(LLMCS_OK, llmcs_model_open(gpt2_folder, &newer.known, &m));
    llmcs_model_free(&m);
    newer.unknown = 1;
    ARG(llmcs_model_open(gpt2_folder, &newer.known, &m));
    llmcs_session_options so = {.struct_size = 0};
    llmcs_session *s;
    ARG(llmcs_session_create(gpt2, &so, &s));
    llmcs_model_info info = {.struct_size = 3};
    ARG(llmcs_model_get_info(gpt2, &info));
    llmcs_plan_info plan = {.struct_size = 0};
    ARG(llmcs_plan(gpt2_folder, NULL, NULL, &plan));
    llmcs_encoder_outputs outputs = {.struct_size = 1};
    ARG(llmcs_encoder_eval(bert, NULL, NULL, NULL, 0, &outputs));
}
END_TEST

START_TEST(a_newer_caller_gets_zeros_where_we_know_nothing) {
    struct {
        llmcs_model_info known;
        uint64_t unknown[4];
    } newer;
    memset(&newer, 0xff, sizeof newer);
    newer.known.struct_size = sizeof newer;
    IS(LLMCS_OK, llmcs_model_get_info(gpt2, &newer.known));
    ck_assert_uint_eq(newer.known.struct_size, sizeof newer);
    for (int i = 0; i < 4; i++) ck_assert_uint_eq(newer.unknown[i], 0);
    ck_assert_int_eq(newer.known.vocab_size, GPT2_VOCAB);
}
END_TEST

static void bad_option(llmcs_model_options o) {
    llmcs_model *m = gpt2;
    ARG(llmcs_model_open(gpt2_folder, &o, &m));
    ck_assert_ptr_null(m);
}

START_TEST(options_out_of_range) {
    llmcs_model_options good;
    llmcs_model_options_init(&good);
    llmcs_allocator none = {0};
    llmcs_model_options o = good;
    o.n_threads = -1;
    bad_option(o);
    o.n_threads = 513;
    bad_option(o);
    o = good;
    o.load_mode = (llmcs_load_mode)2;
    bad_option(o);
    o = good;
    o.backend = (llmcs_backend)3;
    bad_option(o);
    o = good;
    o.flags = 0x2;
    bad_option(o);
    o = good;
    o.allocator = &none;
    bad_option(o);
    llmcs_session_options so;
    llmcs_session *s = session;
    llmcs_session_options_init(&so);
    so.n_ctx = 65;
    ARG(llmcs_session_create(gpt2, &so, &s));
    ck_assert_ptr_null(s);
    so.n_ctx = -1;
    ARG(llmcs_session_create(gpt2, &so, &s));
}
END_TEST

/* ----------------------------------------------------------------------------------------------- wrong kind */

START_TEST(heads_a_model_has_not) {
    llmcs_session *s;
    float out[512];
    int32_t id = 1;
    size_t n = 1;
    llmcs_text t = {"good", LLMCS_NUL, NULL, 0};
    llmcs_mask_token token;
    llmcs_encoder_outputs o = {.struct_size = sizeof o, .hidden = out};
    IS(LLMCS_NO_HEAD, llmcs_session_create(bert, NULL, &s));
    ck_assert_ptr_null(s);
    IS(LLMCS_NO_HEAD, llmcs_classify(gpt2, &t, 1, NULL, out, NULL, NULL));
    IS(LLMCS_NO_HEAD, llmcs_classify(mlm, &t, 1, NULL, out, NULL, NULL));
    IS(LLMCS_NO_HEAD, llmcs_rerank(mlm, "a", 1, &t, 1, NULL, out, NULL));
    IS(LLMCS_NO_HEAD, llmcs_embed(gpt2, &t, 1, NULL, out, NULL));
    IS(LLMCS_NO_HEAD, llmcs_fill_mask(bert, "[MASK]", 6, 1, &token, 1, &n));
    IS(LLMCS_NO_HEAD, llmcs_encoder_eval(gpt2, &id, NULL, &n, 1, &o));
    llmcs_model *distil = open_golden("distilbert-cls", 1), *headless = open_golden("bert-embed", 1);
    o = (llmcs_encoder_outputs){.struct_size = sizeof o, .pooled = out};
    IS(LLMCS_NO_HEAD, llmcs_encoder_eval(distil, &id, NULL, &n, 1, &o));
    o = (llmcs_encoder_outputs){.struct_size = sizeof o, .logits = out};
    IS(LLMCS_NO_HEAD, llmcs_encoder_eval(headless, &id, NULL, &n, 1, &o));
    IS(LLMCS_TOKENIZER, llmcs_embed(headless, &t, 1, NULL, out, NULL));
    IS(LLMCS_TOKENIZER, llmcs_classify(distil, &t, 1, NULL, out, NULL, NULL));
    llmcs_model_free(&distil);
    llmcs_model_free(&headless);
}
END_TEST

START_TEST(ids_and_lengths_out_of_range) {
    float out[512];
    int32_t ids[80] = {0}, types[80] = {0};
    size_t n = 2, too_long = 65, none = 0, lengths[2] = {SIZE_MAX, 2};
    llmcs_encoder_outputs o = {.struct_size = sizeof o, .hidden = out};
    ids[1] = 211;
    IS(LLMCS_TOKEN_RANGE, llmcs_encoder_eval(bert, ids, types, &n, 1, &o));
    ids[1] = -1;
    IS(LLMCS_TOKEN_RANGE, llmcs_encoder_eval(bert, ids, types, &n, 1, &o));
    ids[1] = 0;
    types[1] = 2;
    IS(LLMCS_TOKEN_RANGE, llmcs_encoder_eval(bert, ids, types, &n, 1, &o));
    IS(LLMCS_CONTEXT_FULL, llmcs_encoder_eval(bert, ids, NULL, &too_long, 1, &o));
    IS(LLMCS_CONTEXT_FULL, llmcs_encoder_eval(bert, ids, NULL, lengths, 2, &o));
    IS(LLMCS_ARG, llmcs_encoder_eval(bert, ids, NULL, &none, 1, &o));
    IS(LLMCS_OK, llmcs_encoder_eval(bert, NULL, NULL, NULL, 0, &o));
    IS(LLMCS_OK, llmcs_encoder_eval(bert, ids, NULL, &n, 1, &o));
}
END_TEST

/* ------------------------------------------------------------------------------------- failures change nothing */

/* The session holds these and must go on holding them; the logits are those of the last. */
static int32_t held[10] = {72, 101, 108, 108, 111, 32, 115, 104, 111, 112};

static void start(float *logits) {
    const float *now;
    size_t n;
    IS(LLMCS_OK, llmcs_session_rewind(session, 0));
    IS(LLMCS_OK, llmcs_session_eval(session, held, 10, LLMCS_LOGITS_LAST));
    IS(LLMCS_OK, llmcs_session_logits(session, &now, &n));
    memcpy(logits, now, GPT2_VOCAB * sizeof *logits);
}

static void is_as_before(const float *logits) {
    int32_t ids[64];
    size_t n;
    const float *now;
    IS(LLMCS_OK, llmcs_session_tokens(session, ids, 64, &n));
    ck_assert_uint_eq(n, 10);
    ck_assert_int_eq(memcmp(ids, held, sizeof held), 0);
    IS(LLMCS_OK, llmcs_session_logits(session, &now, &n));
    ck_assert_int_eq(memcmp(now, logits, GPT2_VOCAB * sizeof *now), 0);
}

START_TEST(failed_evals_leave_the_session_as_it_was) {
    float logits[GPT2_VOCAB];
    int32_t ids[64] = {0}, bad[2] = {1, GPT2_VOCAB}, negative = -1;
    llmcs_score_result r;
    start(logits);
    IS(LLMCS_CONTEXT_FULL, llmcs_session_eval(session, ids, 55, LLMCS_LOGITS_LAST));
    is_as_before(logits);
    IS(LLMCS_CONTEXT_FULL, llmcs_session_eval(session, ids, SIZE_MAX / 4, LLMCS_LOGITS_NONE)); /* reads none of them */
    IS(LLMCS_TOKEN_RANGE, llmcs_session_eval(session, bad, 2, LLMCS_LOGITS_LAST));
    IS(LLMCS_TOKEN_RANGE, llmcs_session_eval(session, &negative, 1, LLMCS_LOGITS_ALL));
    is_as_before(logits);
    IS(LLMCS_ARG, llmcs_session_rewind(session, 11));
    IS(LLMCS_TOKEN_RANGE, llmcs_score_ids(session, bad, 2, ids, 1, &r));
    IS(LLMCS_TOKEN_RANGE, llmcs_score_ids(session, ids, 2, bad, 2, &r));
    IS(LLMCS_CONTEXT_FULL, llmcs_score_ids(session, ids, 64, ids, 2, &r));
    IS(LLMCS_CONTEXT_FULL, llmcs_score_ids(session, ids, SIZE_MAX / 4, ids, 2, &r));
    IS(LLMCS_CONTEXT_FULL, llmcs_score_ids(session, ids, 2, ids, SIZE_MAX / 4, &r));
    IS(LLMCS_ARG, llmcs_score(session, "a", 1, "b", 1, NULL));
    is_as_before(logits);
    llmcs_session_cancel(session);
    IS(LLMCS_CANCELLED, llmcs_session_eval(session, ids, 3, LLMCS_LOGITS_LAST));
    is_as_before(logits);
    IS(LLMCS_OK, llmcs_session_eval(session, ids, 54, LLMCS_LOGITS_LAST));
    IS(LLMCS_CONTEXT_FULL, llmcs_session_eval(session, ids, 1, LLMCS_LOGITS_LAST));
}
END_TEST

START_TEST(a_session_of_fewer_tokens) {
    int32_t ids[64] = {0};
    llmcs_session_options o;
    llmcs_session *s;
    llmcs_session_options_init(&o);
    o.n_ctx = 5;
    IS(LLMCS_OK, llmcs_session_create(gpt2, &o, &s));
    IS(LLMCS_CONTEXT_FULL, llmcs_session_eval(s, ids, 6, LLMCS_LOGITS_LAST));
    IS(LLMCS_OK, llmcs_session_eval(s, ids, 5, LLMCS_LOGITS_ALL));
    IS(LLMCS_CONTEXT_FULL, llmcs_session_eval(s, ids, 1, LLMCS_LOGITS_LAST));
    llmcs_session_free(&s);
}
END_TEST

/* S41: weights that are not numbers load, and are told when they reach an answer. */
START_TEST(a_network_that_gives_no_numbers) {
    char folder[TEMP_PATH_BYTES];
    float out[64 * 48];
    int32_t ids[3] = {1, 2, 3};
    size_t n = 3;
    llmcs_text t = {"good", LLMCS_NUL, NULL, 0};
    const float *logits;
    temp_folder(folder);
    checkpoint *c = checkpoint_read(GOLDEN_FOLDER "gpt2-tiny");
    checkpoint_f32(c, "transformer.wpe.weight")[2 * 48] = 1.0f / 0.0f;
    checkpoint_write(c, folder, 1);
    checkpoint_free(c);
    llmcs_model *m = open_model(folder, 2);
    llmcs_session *s = open_session(m);
    IS(LLMCS_OK, llmcs_session_eval(s, ids, 2, LLMCS_LOGITS_LAST));
    IS(LLMCS_NUMERIC, llmcs_session_eval(s, ids, 1, LLMCS_LOGITS_LAST));
    IS(LLMCS_STATE, llmcs_session_logits(s, &logits, &n));
    IS(LLMCS_OK, llmcs_session_tokens(s, NULL, 0, &n));
    ck_assert_uint_eq(n, 2);
    IS(LLMCS_OK, llmcs_session_rewind(s, 1));
    IS(LLMCS_OK, llmcs_session_eval(s, ids, 1, LLMCS_LOGITS_LAST));
    IS(LLMCS_NUMERIC, llmcs_session_eval(s, ids, 3, LLMCS_LOGITS_ALL));
    llmcs_session_free(&s);
    llmcs_model_free(&m);
    c = checkpoint_read(GOLDEN_FOLDER "bert-cls");
    checkpoint_f32(c, "classifier.bias")[1] = 0.0f / 0.0f;
    checkpoint_write(c, folder, 1);
    checkpoint_free(c);
    write_bert_vocabulary(folder);
    m = open_model(folder, 1);
    IS(LLMCS_NUMERIC, llmcs_classify(m, &t, 1, NULL, out, NULL, NULL));
    IS(LLMCS_OK, llmcs_embed(m, &t, 1, NULL, out, NULL));
    llmcs_encoder_outputs o = {.struct_size = sizeof o, .hidden = out};
    n = 3;
    IS(LLMCS_OK, llmcs_encoder_eval(m, ids, NULL, &n, 1, &o));
    o.logits = out;
    o.hidden = NULL;
    IS(LLMCS_NUMERIC, llmcs_encoder_eval(m, ids, NULL, &n, 1, &o));
    llmcs_model_free(&m);
    temp_remove(folder);
}
END_TEST

/* ---------------------------------------------------------------------------------------------------- busy */

START_TEST(a_session_serves_one_call_at_a_time) {
    int32_t id = 1;
    size_t n;
    const float *logits;
    llmcs_score_result r;
    llmcs_session *copy, *other = open_session(gpt2);
    IS(LLMCS_OK, ll_session_enter(session));
    IS(LLMCS_BUSY, llmcs_session_eval(session, &id, 1, LLMCS_LOGITS_LAST));
    IS(LLMCS_BUSY, llmcs_session_logits(session, &logits, &n));
    IS(LLMCS_BUSY, llmcs_session_tokens(session, NULL, 0, &n));
    IS(LLMCS_BUSY, llmcs_session_rewind(session, 0));
    IS(LLMCS_BUSY, llmcs_session_fork(session, &copy));
    ck_assert_ptr_null(copy);
    IS(LLMCS_BUSY, llmcs_score_ids(session, &id, 1, &id, 1, &r));
    IS(LLMCS_OK, llmcs_session_eval(other, &id, 1, LLMCS_LOGITS_LAST));
    ll_session_leave(session);
    IS(LLMCS_OK, llmcs_session_rewind(session, 0));
    llmcs_session_free(&other);
}
END_TEST

START_TEST(a_busy_session_dies_when_its_call_ends) {
    llmcs_session *s = open_session(gpt2), *same = s;
    llmcs_model *m = gpt2;
    IS(LLMCS_OK, ll_session_enter(s));
    llmcs_session_free(&s);
    ck_assert_ptr_null(s);
    int32_t id = 1;
    IS(LLMCS_CANCELLED, ll_seq_eval(same, 0, &id, 1, LLMCS_LOGITS_NONE, NULL));
    IS(LLMCS_BUSY, llmcs_session_rewind(same, 0));
    ck_assert_ptr_eq(ll_session_model(same), m);
    ll_session_leave(same); /* frees it; a sanitizer or valgrind would hear of it if not */
}
END_TEST

START_TEST(cancel_is_for_one_call) {
    int32_t id = 1;
    IS(LLMCS_OK, llmcs_session_rewind(session, 0));
    llmcs_session_cancel(session);
    llmcs_session_cancel(session);
    IS(LLMCS_OK, llmcs_session_rewind(session, 0)); /* not a call that could be cancelled: it takes no notice */
    IS(LLMCS_CANCELLED, llmcs_session_eval(session, &id, 1, LLMCS_LOGITS_LAST));
    IS(LLMCS_OK, llmcs_session_eval(session, &id, 1, LLMCS_LOGITS_LAST));
}
END_TEST

START_TEST(a_deadline_ends_evals_of_its_call) {
    int32_t id = 1;
    IS(LLMCS_OK, ll_session_enter(session));
    ll_session_set_limits(session, (ll_limits){.deadline_ns = 1});
    IS(LLMCS_DEADLINE, ll_seq_eval(session, 0, &id, 1, LLMCS_LOGITS_LAST, NULL));
    ll_session_leave(session);
    IS(LLMCS_OK, llmcs_session_eval(session, &id, 1, LLMCS_LOGITS_LAST));
}
END_TEST

START_TEST(a_model_lives_as_long_as_its_sessions) {
    int32_t id = 1;
    llmcs_model *m = open_golden("gpt2-tiny", 2);
    llmcs_session *a = open_session(m), *b = open_session(m);
    llmcs_model_free(&m);
    IS(LLMCS_OK, llmcs_session_eval(a, &id, 1, LLMCS_LOGITS_LAST));
    llmcs_session_free(&a);
    IS(LLMCS_OK, llmcs_session_eval(b, &id, 1, LLMCS_LOGITS_LAST));
    llmcs_session_free(&b);
}
END_TEST

static void add(TCase *t) {
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, every_pointer_null_of_models);
    tcase_add_test(t, every_pointer_null_of_sessions);
    tcase_add_test(t, every_pointer_null_of_encoders);
    tcase_add_test(t, counts_beyond_memory_are_refused_unread);
    tcase_add_test(t, sizes_of_structs);
    tcase_add_test(t, a_newer_caller_gets_zeros_where_we_know_nothing);
    tcase_add_test(t, options_out_of_range);
    tcase_add_test(t, heads_a_model_has_not);
    tcase_add_test(t, ids_and_lengths_out_of_range);
    tcase_add_test(t, failed_evals_leave_the_session_as_it_was);
    tcase_add_test(t, a_session_of_fewer_tokens);
    tcase_add_test(t, a_network_that_gives_no_numbers);
    tcase_add_test(t, a_session_serves_one_call_at_a_time);
    tcase_add_test(t, a_busy_session_dies_when_its_call_ends);
    tcase_add_test(t, cancel_is_for_one_call);
    tcase_add_test(t, a_deadline_ends_evals_of_its_call);
    tcase_add_test(t, a_model_lives_as_long_as_its_sessions);
}

SUITE_MAIN("runtime/misuse", add)
