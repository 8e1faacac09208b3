/* The same bits: however a prompt is cut, whatever else is in its batch, on any number of threads. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/session/session.h"
#include "support/model_fixture.h"
#include "support/random.h"
#include "support/suite.h"

#define N_CTX 600 /* more than two passes of a session */
#define VOCAB 257 /* gpt2-tiny's */

static char folder[TEMP_PATH_BYTES];
static int32_t prompt[N_CTX];
/* Each test is run with keys and values in float32 and in float16. */
static const llmcs_kv_type kv_types[2] = {LLMCS_KV_F32, LLMCS_KV_F16};
static float *wholes[2]; /* [N_CTX, VOCAB] logits of the prompt at once, one thread */
static float *whole;     /* of them that of this test */

static void make_prompt(uint64_t seed) {
    printf("seed %llu\n", (unsigned long long)seed);
    for (size_t i = 0; i < N_CTX; i++) prompt[i] = (int32_t)random_below(&seed, VOCAB);
}

static void set_up(void) {
    temp_folder(folder);
    checkpoint *c = long_gpt2(N_CTX);
    checkpoint_write(c, folder, 1);
    checkpoint_free(c);
    make_prompt(20261121);
    for (size_t i = 0; i < 2; i++) {
        wholes[i] = malloc(N_CTX * VOCAB * sizeof *whole);
        llmcs_model *m = open_model_with_kv(folder, 1, kv_types[i]);
        llmcs_session *s = open_session(m);
        const float *logits;
        size_t n;
        ck_assert_int_eq(llmcs_session_eval(s, prompt, N_CTX, LLMCS_LOGITS_ALL), LLMCS_OK);
        ck_assert_int_eq(llmcs_session_logits(s, &logits, &n), LLMCS_OK);
        memcpy(wholes[i], logits, N_CTX * VOCAB * sizeof *whole);
        llmcs_session_free(&s);
        llmcs_model_free(&m);
    }
}

/* The model of a test: number i keeps keys and values as kv_types[i]. */
static llmcs_model *open_number(int i, int32_t n_threads) {
    whole = wholes[i];
    return open_model_with_kv(folder, n_threads, kv_types[i]);
}

static void tear_down(void) {
    free(wholes[0]);
    free(wholes[1]);
    temp_remove(folder);
}

static void check_rows(const float *logits, size_t first, size_t n, const char *what) {
    ck_assert_msg(memcmp(logits, whole + first * VOCAB, n * VOCAB * sizeof *whole) == 0,
                  "%s: other bits in rows %zu..%zu", what, first, first + n - 1);
}

static void eval_in_pieces(llmcs_session *s, size_t piece, size_t n_tokens, const char *what) {
    ck_assert_int_eq(llmcs_session_rewind(s, 0), LLMCS_OK);
    for (size_t done = 0, n; done < n_tokens; done += n) {
        const float *logits;
        size_t n_rows;
        n = piece < n_tokens - done ? piece : n_tokens - done;
        ck_assert_int_eq(llmcs_session_eval(s, prompt + done, n, LLMCS_LOGITS_ALL), LLMCS_OK);
        ck_assert_int_eq(llmcs_session_logits(s, &logits, &n_rows), LLMCS_OK);
        check_rows(logits, done, n, what);
    }
}

/* float16 is near float32, and not it. */
START_TEST(kept_as_asked) {
    float largest = 0, away = 0;
    for (size_t i = 0; i < N_CTX * VOCAB; i++) {
        largest = fmaxf(largest, fabsf(wholes[0][i]));
        away = fmaxf(away, fabsf(wholes[0][i] - wholes[1][i]));
    }
    ck_assert_msg(away > 0 && away < 2e-3f * largest, "%g of %g", (double)away, (double)largest);
    for (int i = 0; i < 2; i++) {
        llmcs_model *m = open_number(i, 1);
        llmcs_model_info info = {.struct_size = sizeof info};
        ck_assert_int_eq(llmcs_model_get_info(m, &info), LLMCS_OK);
        ck_assert_str_eq(info.kv_type, i ? "f16" : "f32");
        llmcs_model_free(&m);
    }
    llmcs_model *encoder = open_model_with_kv(GOLDEN_FOLDER "bert-cls", 1, LLMCS_KV_F16);
    llmcs_model_info info = {.struct_size = sizeof info};
    ck_assert_int_eq(llmcs_model_get_info(encoder, &info), LLMCS_OK);
    ck_assert_str_eq(info.kv_type, "f32");
    llmcs_model_free(&encoder);
}
END_TEST

START_TEST(however_a_prompt_is_cut) {
    static const size_t pieces[] = {599, 300, 256, 255, 97, 33, 32, 31, 13, 12, 7, 2};
    llmcs_model *m = open_number(_i, 1);
    llmcs_session *s = open_session(m);
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i += suite_step(3))
        eval_in_pieces(s, pieces[i], N_CTX, "in pieces");
    eval_in_pieces(s, 1, 140, "token by token");
    llmcs_session_free(&s);
    llmcs_model_free(&m);
}
END_TEST

START_TEST(on_any_number_of_threads) {
    for (int32_t n_threads = 2; n_threads <= 4; n_threads++) {
        llmcs_model *m = open_number(_i, n_threads);
        llmcs_session *s = open_session(m);
        eval_in_pieces(s, N_CTX, N_CTX, "at once on threads");
        eval_in_pieces(s, 5, 70, "in pieces on threads");
        llmcs_session_free(&s);
        llmcs_model_free(&m);
    }
}
END_TEST

START_TEST(the_last_row_alone_is_the_last_of_all) {
    llmcs_model *m = open_number(_i, 2);
    llmcs_session *s = open_session(m);
    const float *logits;
    size_t n_rows;
    ck_assert_int_eq(llmcs_session_eval(s, prompt, 290, LLMCS_LOGITS_NONE), LLMCS_OK);
    ck_assert_int_eq(llmcs_session_logits(s, &logits, &n_rows), LLMCS_STATE);
    ck_assert_int_eq(llmcs_session_eval(s, prompt + 290, 300, LLMCS_LOGITS_LAST), LLMCS_OK);
    ck_assert_int_eq(llmcs_session_logits(s, &logits, &n_rows), LLMCS_OK);
    ck_assert_uint_eq(n_rows, 1);
    check_rows(logits, 589, 1, "last");
    llmcs_session_free(&s);
    llmcs_model_free(&m);
}
END_TEST

START_TEST(after_a_rewind_and_on_a_fork) {
    llmcs_model *m = open_number(_i, 2);
    llmcs_session *s = open_session(m), *copy = NULL;
    const float *logits;
    size_t n_rows;
    int32_t other[3] = {1, 2, 3};
    ck_assert_int_eq(llmcs_session_eval(s, prompt, 70, LLMCS_LOGITS_LAST), LLMCS_OK);
    ck_assert_int_eq(llmcs_session_eval(s, other, 3, LLMCS_LOGITS_LAST), LLMCS_OK);
    ck_assert_int_eq(llmcs_session_rewind(s, 61), LLMCS_OK);
    ck_assert_int_eq(llmcs_session_logits(s, &logits, &n_rows), LLMCS_STATE);
    ck_assert_int_eq(llmcs_session_eval(s, prompt + 61, 20, LLMCS_LOGITS_LAST), LLMCS_OK);
    ck_assert_int_eq(llmcs_session_fork(s, &copy), LLMCS_OK);
    ck_assert_int_eq(llmcs_session_logits(copy, &logits, &n_rows), LLMCS_OK);
    check_rows(logits, 80, 1, "logits of a fork");
    ck_assert_int_eq(llmcs_session_eval(s, other, 3, LLMCS_LOGITS_LAST), LLMCS_OK);
    ck_assert_int_eq(llmcs_session_eval(copy, prompt + 81, 30, LLMCS_LOGITS_ALL), LLMCS_OK);
    ck_assert_int_eq(llmcs_session_logits(copy, &logits, &n_rows), LLMCS_OK);
    check_rows(logits, 81, 30, "a fork going on");
    llmcs_session_free(&s);
    llmcs_session_free(&copy);
    llmcs_model_free(&m);
}
END_TEST

/* ---------------------------------------------------------------------------------- sequences of one session */

#define N_SEQS 5

/* Sequence i holds prompt[0, 40 + i), then a token of its own. */
static void diverge(llmcs_session *s) {
    const float *logits;
    ck_assert_int_eq(ll_seq_eval(s, 0, prompt, 40, LLMCS_LOGITS_NONE, NULL), LLMCS_OK);
    for (size_t i = 1; i < N_SEQS; i++) {
        ll_seq_copy(s, i, 0);
        ck_assert_int_eq(ll_seq_eval(s, i, prompt + 40, i, LLMCS_LOGITS_LAST, &logits), LLMCS_OK);
        check_rows(logits, 40 + i - 1, 1, "a copy");
    }
}

START_TEST(beside_other_sequences) {
    llmcs_model *m = open_number(_i, 2);
    llmcs_session *s = open_session(m);
    ck_assert_int_eq(ll_session_enter(s), LLMCS_OK);
    ck_assert_int_eq(ll_session_reserve(s, N_SEQS, 120), LLMCS_OK);
    diverge(s);
    for (size_t step = 0; step < 60; step++) {
        const size_t seqs[N_SEQS] = {3, 0, 4, 1, 2};
        int32_t ids[N_SEQS];
        const float *logits;
        for (size_t i = 0; i < N_SEQS; i++) ids[i] = prompt[40 + seqs[i] + step];
        ck_assert_int_eq(ll_seqs_eval(s, seqs, ids, N_SEQS, &logits), LLMCS_OK);
        for (size_t i = 0; i < N_SEQS; i++) check_rows(logits + i * VOCAB, 40 + seqs[i] + step, 1, "in a batch");
    }
    ll_session_release(s);
    const float *logits;
    ck_assert_int_eq(ll_seq_eval(s, 0, prompt + 100, 30, LLMCS_LOGITS_ALL, &logits), LLMCS_OK);
    check_rows(logits, 100, 30, "after the others have gone");
    ll_session_leave(s);
    llmcs_session_free(&s);
    llmcs_model_free(&m);
}
END_TEST

/* Sequences that share a beginning and then differ: each must be what a session of its own would be. */
typedef struct histories {
    int32_t ids[N_SEQS][300];
    size_t n[N_SEQS];
} histories;

static void check_against_own_session(llmcs_session *alone, const int32_t *ids, size_t n, const float *row) {
    const float *logits;
    size_t n_rows;
    ck_assert_int_eq(llmcs_session_rewind(alone, 0), LLMCS_OK);
    ck_assert_int_eq(llmcs_session_eval(alone, ids, n, LLMCS_LOGITS_LAST), LLMCS_OK);
    ck_assert_int_eq(llmcs_session_logits(alone, &logits, &n_rows), LLMCS_OK);
    ck_assert_int_eq(memcmp(logits, row, VOCAB * sizeof *row), 0);
}

/* One step as beams make it: places change, then every sequence gets a token of its own. */
static void step_as_beams(llmcs_session *s, histories *h, uint64_t *seed, const float **logits) {
    static const size_t all[N_SEQS] = {0, 1, 2, 3, 4};
    static histories before;
    size_t parents[N_SEQS];
    int32_t ids[N_SEQS];
    before = *h;
    for (size_t i = 0; i < N_SEQS; i++) {
        parents[i] = random_below(seed, 3) ? i : random_below(seed, N_SEQS);
        memcpy(h->ids[i], before.ids[parents[i]], sizeof h->ids[i]);
        h->n[i] = before.n[parents[i]];
        ids[i] = h->ids[i][h->n[i]++] = (int32_t)random_below(seed, VOCAB);
    }
    ll_seq_permute(s, parents, N_SEQS);
    ck_assert_msg(!ll_seqs_eval(s, all, ids, N_SEQS, logits), "%s", llmcs_error_message());
}

START_TEST(sequences_that_differ_are_as_if_alone) {
    static histories h;
    uint64_t seed = 7;
    llmcs_model *m = open_number(_i, 2);
    llmcs_session *s = open_session(m), *alone = open_session(m);
    const float *logits;
    size_t n;
    ck_assert_int_eq(ll_session_enter(s), LLMCS_OK);
    ck_assert_int_eq(ll_session_reserve(s, N_SEQS, 300), LLMCS_OK);
    ck_assert_int_eq(ll_seq_eval(s, 0, prompt, 40, LLMCS_LOGITS_NONE, NULL), LLMCS_OK);
    for (size_t i = 0; i < N_SEQS; i++) {
        ll_seq_copy(s, i, 0);
        memcpy(h.ids[i], prompt, 40 * sizeof *prompt);
        h.n[i] = 40;
    }
    for (size_t step = 0; step < 120 / suite_step(2); step++) {
        step_as_beams(s, &h, &seed, &logits);
        for (size_t i = 0; i < N_SEQS; i++) {
            ck_assert_int_eq(memcmp(ll_seq_tokens(s, i, &n), h.ids[i], h.n[i] * sizeof *prompt), 0);
            ck_assert_uint_eq(n, h.n[i]);
            if (step % 12 == 11) check_against_own_session(alone, h.ids[i], n, logits + i * VOCAB);
        }
    }
    ll_seq_copy(s, 0, 3); /* the one that is kept outlives the others' memory */
    ll_session_release(s);
    memcpy(h.ids[3] + h.n[3], prompt, 20 * sizeof *prompt);
    ck_assert_int_eq(ll_seq_eval(s, 0, prompt, 20, LLMCS_LOGITS_LAST, &logits), LLMCS_OK);
    check_against_own_session(alone, h.ids[3], h.n[3] + 20, logits);
    ll_session_leave(s);
    llmcs_session_free(&s);
    llmcs_session_free(&alone);
    llmcs_model_free(&m);
}
END_TEST

/* -------------------------------------------------------------------------------------------------- encoders */

#define MAX_TEXTS 150
#define MAX_TOKENS (MAX_TEXTS * 64)

typedef struct texts {
    int32_t ids[MAX_TOKENS], types[MAX_TOKENS];
    size_t lengths[MAX_TEXTS], n_tokens;
} texts;

static texts *make_texts(uint64_t seed, int32_t vocab, int32_t n_types) {
    texts *t = calloc(1, sizeof *t);
    ck_assert_ptr_nonnull(t);
    for (size_t i = 0; i < MAX_TEXTS; i++) {
        t->lengths[i] = 1 + (i < 100 ? random_below(&seed, 6) : random_below(&seed, 64));
        for (size_t k = 0; k < t->lengths[i]; k++, t->n_tokens++) {
            t->ids[t->n_tokens] = (int32_t)random_below(&seed, (size_t)vocab);
            t->types[t->n_tokens] = n_types > 1 ? (int32_t)random_below(&seed, (size_t)n_types) : 0;
        }
    }
    return t;
}

static void check_alone(llmcs_model *m, const texts *t, const float *hidden, const float *logits, size_t n,
                        size_t n_logits, bool words) {
    float *hidden_one = malloc(64 * n * sizeof *hidden_one), *logits_one = malloc(64 * n_logits * sizeof *logits_one);
    for (size_t i = 0, at = 0; i < MAX_TEXTS; at += t->lengths[i++]) {
        size_t rows = words ? t->lengths[i] : 1, first = words ? at : i;
        llmcs_encoder_outputs o = {.struct_size = sizeof o, .hidden = hidden_one, .logits = logits ? logits_one : NULL};
        ck_assert_int_eq(llmcs_encoder_eval(m, t->ids + at, t->types + at, &t->lengths[i], 1, &o), LLMCS_OK);
        ck_assert_int_eq(memcmp(hidden_one, hidden + at * n, t->lengths[i] * n * sizeof *hidden), 0);
        if (logits)
            ck_assert_int_eq(memcmp(logits_one, logits + first * n_logits, rows * n_logits * sizeof *logits), 0);
    }
    free(hidden_one);
    free(logits_one);
}

static void check_neighbours(const char *name, int32_t n_threads) {
    llmcs_model *m = open_golden(name, n_threads);
    llmcs_model_info info = {.struct_size = sizeof info};
    ck_assert_int_eq(llmcs_model_get_info(m, &info), LLMCS_OK);
    bool words = info.heads & LLMCS_HEAD_MASKED_LM;
    size_t n = (size_t)info.n_embd, n_logits = (size_t)(words ? info.vocab_size : info.n_labels);
    texts *t = make_texts(99, info.vocab_size, strncmp(name, "bert", 4) == 0 ? 2 : 1);
    float *hidden = malloc(t->n_tokens * n * sizeof *hidden);
    float *logits = n_logits ? malloc(t->n_tokens * n_logits * sizeof *logits) : NULL;
    llmcs_encoder_outputs o = {.struct_size = sizeof o, .hidden = hidden, .logits = logits};
    ck_assert_msg(!llmcs_encoder_eval(m, t->ids, t->types, t->lengths, MAX_TEXTS, &o), "%s", llmcs_error_message());
    llmcs_model *single = open_golden(name, 1);
    check_alone(single, t, hidden, logits, n, n_logits, words);
    llmcs_model_free(&single);
    llmcs_model_free(&m);
    free(hidden);
    free(logits);
    free(t);
}

START_TEST(texts_beside_other_texts) {
    static const char *const names[] = {"bert-cls", "bert-embed", "bert-mlm", "distilbert-cls", "roberta-cls"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) check_neighbours(names[i], 1 + (int32_t)(i % 3));
}
END_TEST

static void add(TCase *t) {
    tcase_add_unchecked_fixture(t, set_up, tear_down);
    tcase_add_test(t, kept_as_asked);
    tcase_add_loop_test(t, however_a_prompt_is_cut, 0, 2);
    tcase_add_loop_test(t, on_any_number_of_threads, 0, 2);
    tcase_add_loop_test(t, the_last_row_alone_is_the_last_of_all, 0, 2);
    tcase_add_loop_test(t, after_a_rewind_and_on_a_fork, 0, 2);
    tcase_add_loop_test(t, beside_other_sequences, 0, 2);
    tcase_add_loop_test(t, sequences_that_differ_are_as_if_alone, 0, 2);
    tcase_add_test(t, texts_beside_other_texts);
}

SUITE_MAIN("runtime/bits", add)
