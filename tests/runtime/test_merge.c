/* Calls of many threads that share passes: the same bits as alone, one's failure nobody else's, nobody left waiting. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "runtime/encoder/encoder.h"
#include "support/fail_alloc.h"
#include "support/model_fixture.h"
#include "support/random.h"
#include "support/suite.h"

/* Threads under observation are slow. */
#if defined(__SANITIZE_THREAD__)
#define FEWER 5
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define FEWER 5
#endif
#endif
#ifndef FEWER
#define FEWER 1
#endif

#define N_CALLERS 8
#define LABELS 3
#define N_TEXTS 40
#define WIDTH 64 /* at least n_embd and the labels of any of the models */

static char cls_folder[TEMP_PATH_BYTES], mlm_folder[TEMP_PATH_BYTES];
static char strings[N_TEXTS][3200];
static llmcs_text texts[N_TEXTS];

static void set_up(void) {
    static const char *const some[] = {"good ", "the ", "shop ", "shopping! ", "x. ", "abc "};
    uint64_t random = 5;
    text_bert_folder("bert-cls", cls_folder);
    text_bert_folder("bert-mlm", mlm_folder);
    for (size_t i = 0; i < N_TEXTS; i++) {
        strings[i][0] = 0;
        for (size_t k = random_below(&random, i % 8 ? 40 : 300); k > 0; k--)
            strcat(strings[i], some[random_below(&random, 6)]);
        texts[i] = (llmcs_text){strings[i], LLMCS_NUL, i % 3 ? NULL : "good", i % 3 ? 0 : LLMCS_NUL};
    }
}

static void tear_down(void) {
    temp_remove(cls_folder);
    temp_remove(mlm_folder);
}

static uint64_t fresh_seed(void) {
    const uint64_t seed = (uint64_t)time(NULL);
    printf("       seed %llu\n", (unsigned long long)seed);
    return seed;
}

/* ---------------------------------------------------------------------------- every kind of call on one text */

enum { CLASSIFY, WINDOWS, EMBED, POOLER, RERANK, EVAL, N_KINDS };

static llmcs_status call(llmcs_model *m, int kind, size_t i, float *out) {
    static const int32_t ids[7] = {2, 9, 14, 33, 5, 61, 3};
    const llmcs_text doc = {texts[i].text, texts[i].text_bytes, NULL, 0};
    llmcs_encoder_outputs o = {.struct_size = sizeof o, .pooled = out};
    llmcs_text_params p;
    size_t n = 1 + i % 7;
    switch (kind) {
        case CLASSIFY:
            return llmcs_classify(m, &texts[i], 1, NULL, out, NULL, NULL);
        case WINDOWS:
            llmcs_text_params_init(&p);
            p.overflow = LLMCS_OVERFLOW_WINDOWS;
            p.max_length = 24;
            return llmcs_classify(m, &texts[i], 1, &p, out, NULL, NULL);
        case EMBED:
            return embed_pooled(m, &texts[i], 1, LLMCS_POOL_MEAN, LLMCS_NORMALIZE_L2, NULL, out, NULL);
        case POOLER:
            return embed_pooled(m, &texts[i], 1, LLMCS_POOL_POOLER, LLMCS_NORMALIZE_NO, NULL, out, NULL);
        case RERANK:
            return llmcs_rerank(m, "the shop", LLMCS_NUL, &doc, 1, NULL, out, NULL);
        default:
            return llmcs_encoder_eval(m, ids, NULL, &n, 1, &o);
    }
}

static float expected[N_KINDS][N_TEXTS][WIDTH];

typedef struct caller {
    llmcs_model *model;
    uint64_t random;
    int n_wrong;
} caller;

static void *mixed_calls(void *arg) {
    caller *c = arg;
    for (int i = 0; i < 60 / FEWER; i++) {
        const int kind = (int)random_below(&c->random, N_KINDS);
        const size_t text = random_below(&c->random, N_TEXTS);
        float out[WIDTH] = {0};
        if (call(c->model, kind, text, out) || memcmp(out, expected[kind][text], sizeof out) != 0) c->n_wrong++;
    }
    return NULL;
}

/* All texts in one call, while there are threads with one text each. */
static void *whole_batches(void *arg) {
    caller *c = arg;
    for (int i = 0; i < (FEWER > 1 ? 2 : 6); i++) {
        float out[N_TEXTS][LABELS];
        if (llmcs_classify(c->model, texts, N_TEXTS, NULL, &out[0][0], NULL, NULL)) c->n_wrong++;
        for (size_t t = 0; t < N_TEXTS; t++)
            if (memcmp(out[t], expected[CLASSIFY][t], sizeof out[t]) != 0) c->n_wrong++;
    }
    return NULL;
}

START_TEST(random_mixes_have_the_bits_of_calls_alone) {
    uint64_t seed = fresh_seed();
    for (int32_t n_threads = 1; n_threads <= 3; n_threads++) {
        pthread_t threads[N_CALLERS];
        caller callers[N_CALLERS];
        llmcs_model *m = open_model(cls_folder, n_threads);
        if (n_threads == 1) m->encoder->max_leaders = 3; /* whatever the machine has */
        memset(expected, 0, sizeof expected);
        for (int kind = 0; kind < N_KINDS; kind++)
            for (size_t i = 0; i < N_TEXTS; i++)
                ck_assert_msg(!call(m, kind, i, expected[kind][i]), "%s", llmcs_error_message());
        for (size_t i = 0; i < N_CALLERS; i++) {
            callers[i] = (caller){m, seed + i * 977u, 0};
            ck_assert_int_eq(pthread_create(&threads[i], NULL, i ? mixed_calls : whole_batches, &callers[i]), 0);
        }
        for (size_t i = 0; i < N_CALLERS; i++) {
            pthread_join(threads[i], NULL);
            ck_assert_int_eq(callers[i].n_wrong, 0);
        }
        ck_assert_int_eq(m->encoder->n_leaders, 0);
        ck_assert_ptr_null(m->encoder->waiting);
        llmcs_model_free(&m);
    }
}
END_TEST

/* Masked words: a few rows, which share passes, and more than are kept together. */
#define VOCAB 173
static char masked[4][400];
static llmcs_mask_token words_alone[4][60];
static float logits_alone[40 * VOCAB];
static int32_t many_ids[40];

static void *fill_and_eval(void *arg) {
    caller *c = arg;
    for (int i = 0; i < 30 / FEWER; i++) {
        const size_t k = random_below(&c->random, 5);
        if (k == 4) {
            static const size_t lengths[2] = {25, 15};
            float *logits = malloc(sizeof logits_alone);
            llmcs_encoder_outputs o = {.struct_size = sizeof o, .logits = logits};
            if (llmcs_encoder_eval(c->model, many_ids, NULL, lengths, 2, &o) ||
                memcmp(logits, logits_alone, sizeof logits_alone) != 0)
                c->n_wrong++;
            free(logits);
        } else {
            llmcs_mask_token tokens[60] = {{0}};
            size_t n;
            if (llmcs_fill_mask(c->model, masked[k], LLMCS_NUL, 1, tokens, 60, &n) ||
                memcmp(tokens, words_alone[k], sizeof tokens) != 0)
                c->n_wrong++;
        }
    }
    return NULL;
}

START_TEST(masks_of_many_threads) {
    static const size_t lengths[2] = {25, 15}, n_masks[4] = {1, 3, 20, 50};
    pthread_t threads[N_CALLERS];
    caller callers[N_CALLERS];
    uint64_t seed = fresh_seed();
    llmcs_model *m = open_model(mlm_folder, 2);
    llmcs_encoder_outputs o = {.struct_size = sizeof o, .logits = logits_alone};
    size_t n;
    for (int32_t i = 0; i < 40; i++) many_ids[i] = i * 7 % VOCAB;
    ck_assert_int_eq(llmcs_encoder_eval(m, many_ids, NULL, lengths, 2, &o), LLMCS_OK);
    for (size_t k = 0; k < 4; k++) {
        strcpy(masked[k], "good ");
        for (size_t i = 0; i < n_masks[k]; i++) strcat(masked[k], "[MASK]");
        memset(words_alone[k], 0, sizeof words_alone[k]);
        ck_assert_int_eq(llmcs_fill_mask(m, masked[k], LLMCS_NUL, 1, words_alone[k], 60, &n), LLMCS_OK);
        ck_assert_uint_eq(n, n_masks[k]);
    }
    for (size_t i = 0; i < N_CALLERS; i++) {
        callers[i] = (caller){m, seed + i * 977u, 0};
        ck_assert_int_eq(pthread_create(&threads[i], NULL, fill_and_eval, &callers[i]), 0);
    }
    for (size_t i = 0; i < N_CALLERS; i++) {
        pthread_join(threads[i], NULL);
        ck_assert_int_eq(callers[i].n_wrong, 0);
    }
    llmcs_model_free(&m);
}
END_TEST

/* ------------------------------------------------------------------------- a leader who is kept in his pass */

/* A request of the test's own whose outputs are not taken before so many others wait. */
typedef struct gate {
    llmcs_model *model;
    int n_others;
    atomic_bool open; /* with n_others 0 */
    atomic_bool inside;
    llmcs_status status;
} gate;

static int n_waiting(llmcs_model *m) {
    int n = 0;
    pthread_mutex_lock(&m->encoder->mutex);
    for (const ll_encoder_request *r = m->encoder->waiting; r; r = r->next) n++;
    pthread_mutex_unlock(&m->encoder->mutex);
    return n;
}

static void wait_at_gate(void *user, const ll_encoder_output *o) {
    gate *g = user;
    (void)o;
    atomic_store(&g->inside, true);
    while (g->n_others ? n_waiting(g->model) < g->n_others : !atomic_load(&g->open)) usleep(200);
}

static void *lead_and_wait(void *arg) {
    gate *g = arg;
    const int32_t ids[3] = {2, 9, 3};
    const size_t length = 3;
    ll_encoder_request r = {
        .ids = ids, .lengths = &length, .n = 1, .n_rows = 3, .want = LL_WANT_LOGITS, .sink = wait_at_gate, .user = g};
    g->status = ll_encoder_submit(g->model, &r);
    return NULL;
}

static void close_gate(gate *g, pthread_t *thread) {
    ck_assert_int_eq(pthread_create(thread, NULL, lead_and_wait, g), 0);
    while (!atomic_load(&g->inside)) usleep(200);
}

/* A thread with one text. */
typedef struct single {
    llmcs_model *model;
    llmcs_text text;
    const llmcs_text_params *params;
    float scores[LABELS];
    llmcs_status status;
    char message[256];
    atomic_int n_done;
} single;

static void *classify_one(void *arg) {
    single *s = arg;
    s->status = llmcs_classify(s->model, &s->text, 1, s->params, s->scores, NULL, NULL);
    strcpy(s->message, llmcs_error_message());
    atomic_fetch_add(&s->n_done, 1);
    pthread_testcancel();
    return NULL;
}

START_TEST(those_who_wait_go_together) {
    llmcs_model *m = open_model(cls_folder, 2);
    gate g = {.model = m, .n_others = N_CALLERS};
    pthread_t leader, threads[N_CALLERS];
    static single singles[N_CALLERS];
    close_gate(&g, &leader);
    for (size_t i = 0; i < N_CALLERS; i++) {
        singles[i] = (single){.model = m, .text = {"good shop", (i + 1) % 9, NULL, 0}};
        ck_assert_int_eq(pthread_create(&threads[i], NULL, classify_one, &singles[i]), 0);
    }
    pthread_join(leader, NULL);
    for (size_t i = 0; i < N_CALLERS; i++) {
        float alone[LABELS];
        pthread_join(threads[i], NULL);
        ck_assert_int_eq(singles[i].status, LLMCS_OK);
        if (i == 0) ck_assert_uint_eq(m->encoder->idle->n_slices, N_CALLERS); /* what the last pass was made of */
        ck_assert_int_eq(llmcs_classify(m, &singles[i].text, 1, NULL, alone, NULL, NULL), LLMCS_OK);
        ck_assert_int_eq(memcmp(alone, singles[i].scores, sizeof alone), 0);
    }
    ck_assert_int_eq(g.status, LLMCS_OK);
    ck_assert_uint_eq(m->encoder->n_idle, 1);
    llmcs_model_free(&m);
}
END_TEST

/* One says a word that is not a number, one is not UTF-8, one is too long: each hears of it, the others do not. */
START_TEST(one_failure_is_nobody_elses) {
    char folder[TEMP_PATH_BYTES], too_long[1024] = "";
    temp_folder(folder);
    checkpoint *c = checkpoint_read(GOLDEN_FOLDER "bert-cls");
    const size_t width = (size_t)checkpoint_find(c, "bert.embeddings.word_embeddings.weight")->shape[1];
    checkpoint_f32(c, "bert.embeddings.word_embeddings.weight")[5 * width] = 0.0f / 0.0f; /* "a" */
    checkpoint_write(c, folder, 1);
    checkpoint_free(c);
    write_bert_vocabulary(folder);
    llmcs_model *m = open_model(folder, 2);
    for (int i = 0; i < 100; i++) strcat(too_long, "good ");
    llmcs_text_params strict;
    llmcs_text_params_init(&strict);
    strict.flags = LLMCS_STRICT_UTF8;
    strict.overflow = LLMCS_OVERFLOW_ERROR;
    static single singles[6];
    static const llmcs_status statuses[6] = {LLMCS_OK,   LLMCS_NUMERIC,      LLMCS_OK,
                                             LLMCS_UTF8, LLMCS_CONTEXT_FULL, LLMCS_OK};
    const char *const said[6] = {"good", "a", "bad", "\xff", too_long, "shop"};
    pthread_t leader, threads[6];
    gate g = {.model = m, .n_others = 4};
    close_gate(&g, &leader);
    for (size_t i = 0; i < 6; i++) {
        singles[i] = (single){.model = m, .text = {said[i], LLMCS_NUL, NULL, 0}, .params = &strict};
        ck_assert_int_eq(pthread_create(&threads[i], NULL, classify_one, &singles[i]), 0);
    }
    pthread_join(leader, NULL);
    for (size_t i = 0; i < 6; i++) {
        pthread_join(threads[i], NULL);
        ck_assert_msg(singles[i].status == statuses[i], "%zu: %s: %s", i, llmcs_status_name(singles[i].status),
                      singles[i].message);
        ck_assert_int_eq(singles[i].message[0] == 0, statuses[i] == LLMCS_OK); /* nor does a leader's message change */
        if (statuses[i]) continue;
        float alone[LABELS];
        ck_assert_int_eq(llmcs_classify(m, &singles[i].text, 1, NULL, alone, NULL, NULL), LLMCS_OK);
        ck_assert_int_eq(memcmp(alone, singles[i].scores, sizeof alone), 0);
    }
    ck_assert_ptr_nonnull(strstr(singles[1].message, "text 0"));
    /* The number is the caller's own. */
    const llmcs_text several[3] = {{"good", 4, NULL, 0}, {"bad", 3, NULL, 0}, {"a", 1, NULL, 0}};
    ck_assert_int_eq(llmcs_classify(m, several, 3, NULL, NULL, NULL, NULL), LLMCS_NUMERIC);
    ck_assert_ptr_nonnull(strstr(llmcs_error_message(), "text 2"));
    llmcs_model_free(&m);
    temp_remove(folder);
}
END_TEST

/* -------------------------------------------------------------------------------------- deadlines, cancellation */

static llmcs_status classify_stoppable(llmcs_model *m, double deadline_ms, const int32_t *cancel) {
    float scores[N_TEXTS][LABELS];
    llmcs_text_params p;
    llmcs_text_params_init(&p);
    p.deadline_ms = deadline_ms;
    p.cancel = cancel;
    return llmcs_classify(m, texts, N_TEXTS, &p, &scores[0][0], NULL, NULL);
}

START_TEST(a_call_ends_at_its_deadline_or_when_it_is_cancelled) {
    const int32_t no = 0, yes = 1;
    for (int32_t n_threads = 1; n_threads <= 2; n_threads++) {
        llmcs_model *m = open_model(cls_folder, n_threads);
        ck_assert_int_eq(classify_stoppable(m, 1e-6, NULL), LLMCS_DEADLINE);
        ck_assert_ptr_nonnull(strstr(llmcs_error_message(), "deadline"));
        ck_assert_int_eq(classify_stoppable(m, 0, &yes), LLMCS_CANCELLED);
        ck_assert_ptr_nonnull(strstr(llmcs_error_message(), "cancelled"));
        ck_assert_int_eq(classify_stoppable(m, 1e9, &no), LLMCS_OK);
        ck_assert_int_eq(m->encoder->n_leaders, 0);
        ck_assert_ptr_null(m->encoder->waiting);
        llmcs_model_free(&m);
    }
}
END_TEST

/* Calls by token ids and for masks, with limits of their own. */
START_TEST(calls_by_ids_and_for_masks_end_likewise) {
    enum { N = 200 };
    static int32_t ids[N * 8];
    static size_t lengths[N];
    static float hidden[N * 8 * 64];
    const int32_t no = 0, yes = 1;
    char mlm[TEMP_PATH_BYTES];
    text_bert_folder("bert-mlm", mlm);
    llmcs_model *m = open_model(mlm, 2);
    llmcs_encoder_outputs out = {.struct_size = sizeof out, .hidden = hidden};
    llmcs_call_limits limits = {.struct_size = sizeof limits};
    llmcs_mask_token tokens[3];
    size_t n;
    for (size_t i = 0; i < N * 8; i++) ids[i] = (int32_t)(i % 60);
    for (size_t i = 0; i < N; i++) lengths[i] = 8;
    const struct {
        double deadline_ms;
        const int32_t *cancel;
        llmcs_status status;
    } all[] = {{1e-6, NULL, LLMCS_DEADLINE}, {0, &yes, LLMCS_CANCELLED}, {1e9, &no, LLMCS_OK}, {-1, NULL, LLMCS_ARG}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        limits.deadline_ms = all[i].deadline_ms;
        limits.cancel = all[i].cancel;
        ck_assert_int_eq(llmcs_encoder_eval_within(m, ids, NULL, lengths, N, &limits, &out), all[i].status);
        ck_assert_int_eq(llmcs_fill_mask_within(m, "a [MASK]", LLMCS_NUL, 3, &limits, tokens, 3, &n), all[i].status);
    }
    limits.struct_size = 3;
    ck_assert_int_eq(llmcs_encoder_eval_within(m, ids, NULL, lengths, N, &limits, &out), LLMCS_ARG);
    ck_assert_int_eq(llmcs_encoder_eval_within(m, ids, NULL, lengths, N, NULL, &out), LLMCS_OK);
    llmcs_model_free(&m);
    temp_remove(mlm);
}
END_TEST

/* While another thread's forward pass goes on for ever, too. */
START_TEST(a_call_that_waits_ends_at_its_deadline_or_when_it_is_cancelled) {
    llmcs_model *m = open_model(cls_folder, 2);
    gate g = {.model = m};
    pthread_t leader, thread;
    static int32_t cancel;
    llmcs_text_params p;
    llmcs_text_params_init(&p);
    p.cancel = &cancel;
    single s = {.model = m, .text = {"good", LLMCS_NUL, NULL, 0}, .params = &p};
    close_gate(&g, &leader);
    ck_assert_int_eq(classify_stoppable(m, 20, NULL), LLMCS_DEADLINE);
    ck_assert_int_eq(pthread_create(&thread, NULL, classify_one, &s), 0);
    while (n_waiting(m) < 1) usleep(200);
    __atomic_store_n(&cancel, 1, __ATOMIC_RELAXED);
    pthread_join(thread, NULL);
    ck_assert_int_eq(s.status, LLMCS_CANCELLED);
    ck_assert_int_eq(n_waiting(m), 0);
    atomic_store(&g.open, true);
    pthread_join(leader, NULL);
    ck_assert_int_eq(g.status, LLMCS_OK);
    llmcs_model_free(&m);
}
END_TEST

static void cancel_at_eighth(void *user, const ll_encoder_output *o) {
    int32_t *counters = user; /* outputs, cancel */
    (void)o;
    if (++counters[0] == 8) __atomic_store_n(&counters[1], 1, __ATOMIC_RELAXED);
}

/* A text of many windows ends between two forward passes, and whatever it was led by goes on. */
START_TEST(a_long_text_ends_between_two_forward_passes) {
    enum { N = 200, LENGTH = 60 };
    llmcs_model *m = open_model(cls_folder, 2);
    static int32_t ids[N * LENGTH];
    static size_t lengths[N], text_of[N];
    int32_t counters[2] = {0, 0};
    for (size_t i = 0; i < N * LENGTH; i++) ids[i] = (int32_t)(i % 60);
    for (size_t i = 0; i < N; i++) lengths[i] = LENGTH;
    ll_encoder_request r = {.ids = ids,
                            .lengths = lengths,
                            .n = N,
                            .n_rows = N * LENGTH,
                            .text_of = text_of,
                            .want = LL_WANT_LOGITS,
                            .sink = cancel_at_eighth,
                            .user = counters,
                            .limits.cancel = &counters[1]};
    ck_assert_int_eq(ll_encoder_submit(m, &r), LLMCS_CANCELLED);
    ck_assert_int_eq(counters[0], 8); /* four a forward pass */
    ck_assert_int_eq(m->encoder->n_leaders, 0);
    llmcs_model_free(&m);
}
END_TEST

/* ---------------------------------------------------------------------------------------------- turns */

typedef struct turns {
    const ll_encoder_request *small;
    size_t n_outputs, small_done_at; /* which output of the large one was the first to see it */
} turns;

static void count_outputs(void *user, const ll_encoder_output *o) {
    turns *t = user;
    (void)o;
    if (t->small->done && !t->small_done_at) t->small_done_at = t->n_outputs;
    t->n_outputs++;
}

static void *work(void *arg) {
    void **pair = arg;
    ll_encoder_submit(pair[0], pair[1]);
    return NULL;
}

/* A text of ten passes does not keep a short one waiting for all of them. */
START_TEST(a_long_text_lets_others_in) {
    enum { N = 200, LENGTH = 60 };
    llmcs_model *m = open_model(cls_folder, 2);
    static int32_t ids[N * LENGTH];
    static size_t lengths[N];
    pthread_t leader, large_thread, small_thread;
    for (size_t i = 0; i < N * LENGTH; i++) ids[i] = (int32_t)(i % 60);
    for (size_t i = 0; i < N; i++) lengths[i] = LENGTH;
    gate g = {.model = m};
    turns t = {0};
    ll_encoder_request small = {.ids = ids, .lengths = lengths, .n = 1, .n_rows = LENGTH};
    ll_encoder_request large = {.ids = ids,
                                .lengths = lengths,
                                .n = N,
                                .n_rows = N * LENGTH,
                                .want = LL_WANT_LOGITS,
                                .sink = count_outputs,
                                .user = &t};
    void *large_work[2] = {m, &large}, *small_work[2] = {m, &small};
    t.small = &small;
    close_gate(&g, &leader);
    ck_assert_int_eq(pthread_create(&large_thread, NULL, work, large_work), 0);
    while (n_waiting(m) < 1) usleep(200);
    ck_assert_int_eq(pthread_create(&small_thread, NULL, work, small_work), 0);
    while (n_waiting(m) < 2) usleep(200);
    atomic_store(&g.open, true);
    pthread_join(leader, NULL);
    pthread_join(large_thread, NULL);
    pthread_join(small_thread, NULL);
    ck_assert_uint_ge(t.n_outputs, N);
    ck_assert_uint_eq(t.small_done_at, 4 + 3); /* it was in the second forward pass, after four, with three more */
    ck_assert_int_eq(large.status, LLMCS_OK);
    ck_assert_int_eq(small.status, LLMCS_OK);
    llmcs_model_free(&m);
}
END_TEST

/* ------------------------------------------------------------------------------------- cancel, fork, memory */

/* A thread that is cancelled while it waits finishes its call first. */
START_TEST(a_cancelled_thread_leaves_nothing_behind) {
    llmcs_model *m = open_model(cls_folder, 2);
    gate g = {.model = m};
    pthread_t leader, thread;
    static single s;
    void *result;
    s = (single){.model = m, .text = {"good", 4, NULL, 0}};
    close_gate(&g, &leader);
    ck_assert_int_eq(pthread_create(&thread, NULL, classify_one, &s), 0);
    while (n_waiting(m) < 1) usleep(200);
    pthread_cancel(thread);
    usleep(2000);
    ck_assert_int_eq(atomic_load(&s.n_done), 0);
    atomic_store(&g.open, true);
    pthread_join(leader, NULL);
    pthread_join(thread, &result);
    ck_assert(result == PTHREAD_CANCELED);
    ck_assert_int_eq(atomic_load(&s.n_done), 1);
    ck_assert_int_eq(s.status, LLMCS_OK);
    llmcs_model_free(&m);
}
END_TEST

/* A child made while a pass runs and others wait. */
START_TEST(a_child_of_a_busy_model) {
    llmcs_model *m = open_model(cls_folder, 2);
    gate g = {.model = m};
    pthread_t leader, thread;
    static single s;
    int status = 0;
    s = (single){.model = m, .text = {"good", 4, NULL, 0}};
    close_gate(&g, &leader);
    ck_assert_int_eq(pthread_create(&thread, NULL, classify_one, &s), 0);
    while (n_waiting(m) < 1) usleep(200);
    const pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        float out[LABELS];
        alarm(20); /* a hang would be killed, and seen */
        if (llmcs_classify(m, &s.text, 1, NULL, out, NULL, NULL) != LLMCS_FORK) _exit(1);
        if (llmcs_embed(m, &s.text, 1, NULL, out, NULL) != LLMCS_FORK) _exit(2);
        llmcs_model_free(&m);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "child ended with 0x%x", status);
    atomic_store(&g.open, true);
    pthread_join(leader, NULL);
    pthread_join(thread, NULL);
    ck_assert_int_eq(s.status, LLMCS_OK);
    llmcs_model_free(&m);
}
END_TEST

typedef struct sharer {
    llmcs_model *model;
    int n_nomem, n_wrong;
    uint64_t random;
} sharer;

static void *call_and_count(void *arg) {
    sharer *s = arg;
    for (int i = 0; i < 4; i++) {
        const size_t text = random_below(&s->random, N_TEXTS);
        float out[WIDTH] = {0};
        const llmcs_status st = call(s->model, CLASSIFY, text, out);
        if (st == LLMCS_NOMEM)
            s->n_nomem++;
        else if (st || memcmp(out, expected[CLASSIFY][text], sizeof out) != 0)
            s->n_wrong++;
    }
    return NULL;
}

/* One allocation fails while four threads call: one call says NOMEM, the others have their answers. */
START_TEST(one_allocation_fails_among_many_threads) {
    enum { N = 4 };
    uint64_t seed = fresh_seed();
    fail_alloc faults;
    fail_alloc_init(&faults);
    llmcs_allocator failing = fail_alloc_get(&faults);
    llmcs_model_options o;
    llmcs_model *m;
    llmcs_model_options_init(&o);
    o.allocator = &failing;
    o.n_threads = 2;
    ck_assert_int_eq(llmcs_model_open(cls_folder, &o, &m), LLMCS_OK);
    const long live = faults.live;
    memset(expected, 0, sizeof expected);
    for (size_t i = 0; i < N_TEXTS; i++) ck_assert_int_eq(call(m, CLASSIFY, i, expected[CLASSIFY][i]), LLMCS_OK);
    for (long n = 0; n < 120; n += FEWER) {
        pthread_t threads[N];
        sharer sharers[N];
        int n_nomem = 0;
        if (n % 2) ll_encoder_free_idle(m, m->encoder); /* so that a leader has to take one */
        faults.fail_at = faults.calls + n;
        for (size_t i = 0; i < N; i++) {
            sharers[i] = (sharer){.model = m, .random = seed + (uint64_t)n * N + i};
            ck_assert_int_eq(pthread_create(&threads[i], NULL, call_and_count, &sharers[i]), 0);
        }
        for (size_t i = 0; i < N; i++) {
            pthread_join(threads[i], NULL);
            n_nomem += sharers[i].n_nomem;
            ck_assert_int_eq(sharers[i].n_wrong, 0);
        }
        ck_assert_int_eq(n_nomem, faults.calls > faults.fail_at);
        faults.fail_at = -1;
        ck_assert_int_eq(m->encoder->n_leaders, 0);
        ck_assert_ptr_null(m->encoder->waiting);
    }
    ll_encoder_free_idle(m, m->encoder);
    ck_assert_int_eq(faults.live, live);
    llmcs_model_free(&m);
    ck_assert_int_eq(faults.live, 0);
}
END_TEST

static void add(TCase *t) {
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, random_mixes_have_the_bits_of_calls_alone);
    tcase_add_test(t, masks_of_many_threads);
    tcase_add_test(t, those_who_wait_go_together);
    tcase_add_test(t, one_failure_is_nobody_elses);
    tcase_add_test(t, a_call_ends_at_its_deadline_or_when_it_is_cancelled);
    tcase_add_test(t, calls_by_ids_and_for_masks_end_likewise);
    tcase_add_test(t, a_call_that_waits_ends_at_its_deadline_or_when_it_is_cancelled);
    tcase_add_test(t, a_long_text_ends_between_two_forward_passes);
    tcase_add_test(t, a_long_text_lets_others_in);
    tcase_add_test(t, a_cancelled_thread_leaves_nothing_behind);
    tcase_add_test(t, a_child_of_a_busy_model);
    tcase_add_test(t, one_allocation_fails_among_many_threads);
}

SUITE_MAIN("runtime/merge", add)
