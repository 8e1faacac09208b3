/* Many threads, many handles, and children of fork. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/session/session.h"
#include "support/fail_alloc.h"
#include "support/model_fixture.h"
#include "support/suite.h"

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

/* ----------------------------------------------------------------------------------------- one model, many threads */

#define N_CALLERS 8
#define N_CALLS 25
#define N_TEXTS 12

typedef struct caller {
    llmcs_model *model;
    int index;
    const float *expected;
    int n_wrong;
} caller;

static const llmcs_text texts[N_TEXTS] = {{"good", LLMCS_NUL, NULL, 0},
                                          {"bad shop", LLMCS_NUL, NULL, 0},
                                          {"the good shop", LLMCS_NUL, "bad", 3},
                                          {"shopping shopping", LLMCS_NUL, NULL, 0},
                                          {"", 0, NULL, 0},
                                          {"abc def ghi", LLMCS_NUL, NULL, 0},
                                          {"the the the the", LLMCS_NUL, NULL, 0},
                                          {"!", LLMCS_NUL, NULL, 0},
                                          {"a", LLMCS_NUL, "b", LLMCS_NUL},
                                          {"good good good bad", LLMCS_NUL, NULL, 0},
                                          {"zz top", LLMCS_NUL, NULL, 0},
                                          {"bad bad", LLMCS_NUL, NULL, 0}};

static void *classify_again_and_again(void *arg) {
    caller *c = arg;
    for (int i = 0; i < N_CALLS; i++) {
        float scores[N_TEXTS * 3];
        size_t first = (size_t)(c->index + i) % N_TEXTS, n = N_TEXTS - first;
        if (llmcs_classify(c->model, texts + first, n, NULL, scores, NULL, NULL) ||
            memcmp(scores, c->expected + first * 3, n * 3 * sizeof *scores) != 0)
            c->n_wrong++;
    }
    return NULL;
}

static void check_callers(llmcs_model *m, void *(*work)(void *), const float *expected) {
    pthread_t threads[N_CALLERS];
    caller callers[N_CALLERS];
    for (int i = 0; i < N_CALLERS; i++) {
        callers[i] = (caller){m, i, expected, 0};
        ck_assert_int_eq(pthread_create(&threads[i], NULL, work, &callers[i]), 0);
    }
    for (int i = 0; i < N_CALLERS; i++) {
        pthread_join(threads[i], NULL);
        ck_assert_int_eq(callers[i].n_wrong, 0);
    }
}

START_TEST(many_threads_classify_on_one_model) {
    char folder[TEMP_PATH_BYTES];
    text_bert_folder("bert-cls", folder);
    for (int32_t n_threads = 1; n_threads <= 3; n_threads++) {
        float expected[N_TEXTS * 3];
        llmcs_model *m = open_model(folder, n_threads);
        ck_assert_int_eq(llmcs_classify(m, texts, N_TEXTS, NULL, expected, NULL, NULL), LLMCS_OK);
        check_callers(m, classify_again_and_again, expected);
        llmcs_model_free(&m);
    }
    temp_remove(folder);
}
END_TEST

static void *converse(void *arg) {
    caller *c = arg;
    for (int i = 0; i < 8; i++) {
        llmcs_session *s;
        int32_t ids[12];
        const float *logits;
        size_t n;
        for (int32_t k = 0; k < 12; k++) ids[k] = k * 5 % 257;
        llmcs_status st = llmcs_session_create(c->model, NULL, &s);
        for (size_t k = 0; !st && k < 12; k++) st = llmcs_session_eval(s, ids + k, 1, LLMCS_LOGITS_LAST);
        if (!st) st = llmcs_session_logits(s, &logits, &n);
        if (st || memcmp(logits, c->expected, 257 * sizeof *logits) != 0) c->n_wrong++;
        llmcs_session_free(&s);
    }
    return NULL;
}

START_TEST(many_sessions_of_one_model) {
    for (int32_t n_threads = 1; n_threads <= 3; n_threads++) {
        llmcs_model *m = open_golden("gpt2-tiny", n_threads);
        llmcs_session *s = open_session(m);
        int32_t ids[12];
        float expected[257];
        const float *logits;
        size_t n;
        for (int32_t k = 0; k < 12; k++) ids[k] = k * 5 % 257;
        ck_assert_int_eq(llmcs_session_eval(s, ids, 12, LLMCS_LOGITS_LAST), LLMCS_OK);
        ck_assert_int_eq(llmcs_session_logits(s, &logits, &n), LLMCS_OK);
        memcpy(expected, logits, sizeof expected);
        llmcs_session_free(&s);
        check_callers(m, converse, expected);
        llmcs_model_free(&m);
    }
}
END_TEST

/* One session, two threads: every call either works or is BUSY, and the tokens that were taken are those held. */
static void *push_tokens(void *arg) {
    caller *c = arg;
    llmcs_session *s = (llmcs_session *)(void *)c->model;
    for (int32_t i = 0; i < 200; i++) {
        int32_t id = i % 50;
        llmcs_status st = llmcs_session_eval(s, &id, 1, LLMCS_LOGITS_LAST);
        if (st == LLMCS_OK) c->index++;
        if (st != LLMCS_OK && st != LLMCS_BUSY && st != LLMCS_CONTEXT_FULL) c->n_wrong++;
    }
    return NULL;
}

START_TEST(one_session_and_two_threads) {
    llmcs_model *m = open_golden("gpt2-tiny", 1);
    llmcs_session *s = open_session(m);
    pthread_t threads[2];
    caller callers[2] = {{(llmcs_model *)(void *)s, 0, NULL, 0}, {(llmcs_model *)(void *)s, 0, NULL, 0}};
    size_t n;
    for (int i = 0; i < 2; i++) ck_assert_int_eq(pthread_create(&threads[i], NULL, push_tokens, &callers[i]), 0);
    for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
    ck_assert_int_eq(callers[0].n_wrong + callers[1].n_wrong, 0);
    ck_assert_int_eq(llmcs_session_tokens(s, NULL, 0, &n), LLMCS_OK);
    ck_assert_uint_eq(n, (size_t)(callers[0].index + callers[1].index));
    llmcs_session_free(&s);
    llmcs_model_free(&m);
}
END_TEST

/* ---------------------------------------------------------------------------------- cancel and free from outside */

typedef struct endless {
    llmcs_session *session;
    atomic_int n_evals;
    llmcs_status status;
} endless;

static void *eval_until_cancelled(void *arg) {
    endless *e = arg;
    int32_t ids[600];
    for (int32_t i = 0; i < 600; i++) ids[i] = i % 257;
    do {
        e->status = llmcs_session_eval(e->session, ids, 600, LLMCS_LOGITS_LAST);
        if (!e->status) e->status = llmcs_session_rewind(e->session, 0);
        atomic_fetch_add(&e->n_evals, 1);
    } while (!e->status);
    return NULL;
}

START_TEST(cancel_from_another_thread) {
    char folder[TEMP_PATH_BYTES];
    temp_folder(folder);
    checkpoint *c = long_gpt2(600);
    checkpoint_write(c, folder, 1);
    checkpoint_free(c);
    llmcs_model *m = open_model(folder, 2);
    endless e = {.session = open_session(m)};
    pthread_t thread;
    size_t n;
    int32_t id = 1;
    ck_assert_int_eq(pthread_create(&thread, NULL, eval_until_cancelled, &e), 0);
    while (atomic_load(&e.n_evals) < 2) usleep(1000);
    llmcs_session_cancel(e.session);
    pthread_join(thread, NULL);
    ck_assert_int_eq(e.status, LLMCS_CANCELLED);
    ck_assert_int_eq(llmcs_session_tokens(e.session, NULL, 0, &n), LLMCS_OK);
    ck_assert_uint_eq(n, 0);
    ck_assert_int_eq(llmcs_session_eval(e.session, &id, 1, LLMCS_LOGITS_LAST), LLMCS_OK);
    llmcs_session_free(&e.session);
    llmcs_model_free(&m);
    temp_remove(folder);
}
END_TEST

/* ------------------------------------------------------------------------------------------------ life cycles */

static long threads_of_this_process(void) {
    char line[128];
    long n = 0;
    FILE *f = fopen("/proc/self/status", "r");
    while (f && fgets(line, sizeof line, f))
        if (strncmp(line, "Threads:", 8) == 0) n = strtol(line + 8, NULL, 10);
    if (f) fclose(f);
    return n;
}

static long open_files(void) {
    long n = 0;
    for (int fd = 0; fd < 256; fd++) n += dup2(fd, fd) == fd;
    return n;
}

START_TEST(thousands_of_sessions) {
    fail_alloc f;
    fail_alloc_init(&f);
    llmcs_allocator a = fail_alloc_get(&f);
    llmcs_model_options o;
    llmcs_model_options_init(&o);
    o.allocator = &a;
    o.n_threads = 2;
    llmcs_model *m;
    ck_assert_int_eq(llmcs_model_open(GOLDEN_FOLDER "gpt2-tiny", &o, &m), LLMCS_OK);
    long live = f.live;
    for (int i = 0; i < 2000; i++) {
        int32_t id = i % 257;
        llmcs_session *s = open_session(m);
        if (i % 50 == 0) ck_assert_int_eq(llmcs_session_eval(s, &id, 1, LLMCS_LOGITS_ALL), LLMCS_OK);
        llmcs_session_free(&s);
    }
    ck_assert_int_eq(f.live, live);
    llmcs_model_free(&m);
    ck_assert_int_eq(f.live, 0);
}
END_TEST

START_TEST(hundreds_of_models) {
    fail_alloc f;
    fail_alloc_init(&f);
    llmcs_allocator a = fail_alloc_get(&f);
    llmcs_model_options o;
    llmcs_model_options_init(&o);
    o.allocator = &a;
    o.n_threads = 3;
    /* The first threads of a process may bring others along: ThreadSanitizer starts one of its own. */
    llmcs_model *m;
    ck_assert_int_eq(llmcs_model_open(GOLDEN_FOLDER "gpt2-untied", &o, &m), LLMCS_OK);
    llmcs_model_free(&m);
    long threads = threads_of_this_process(), files = open_files();
    for (int i = 0; i < 200; i++) {
        o.load_mode = i % 2 ? LLMCS_LOAD_MMAP : LLMCS_LOAD_COPY;
        ck_assert_int_eq(llmcs_model_open(i % 3 ? GOLDEN_FOLDER "gpt2-untied" : GOLDEN_FOLDER "bert-mlm", &o, &m),
                         LLMCS_OK);
        llmcs_model_free(&m);
    }
    ck_assert_int_eq(f.live, 0);
    /* A thread that was joined is still counted until the kernel has cleared it away. */
    for (int i = 0; i < 1000 && threads_of_this_process() > threads; i++) usleep(1000);
    ck_assert_int_eq(threads_of_this_process(), threads);
    ck_assert_int_eq(open_files(), files);
}
END_TEST

/* --------------------------------------------------------------------------------------------------------- fork */

/* The child's answer: 0, or which of its checks failed. */
static int child(llmcs_model *gpt2, llmcs_session *s, llmcs_model *bert, llmcs_session *busy) {
    int32_t id = 1;
    float out[512];
    size_t n = 1;
    llmcs_session *other;
    llmcs_score_result r;
    llmcs_encoder_outputs o = {.struct_size = sizeof o, .hidden = out};
    if (llmcs_session_eval(s, &id, 1, LLMCS_LOGITS_LAST) != LLMCS_FORK) return 1;
    if (llmcs_session_create(gpt2, NULL, &other) != LLMCS_FORK) return 2;
    if (llmcs_session_fork(s, &other) != LLMCS_FORK) return 3;
    if (llmcs_score_ids(s, &id, 1, &id, 1, &r) != LLMCS_FORK) return 4;
    if (llmcs_encoder_eval(bert, &id, NULL, &n, 1, &o) != LLMCS_FORK) return 5;
    if (llmcs_classify(bert, texts, 1, NULL, out, NULL, NULL) != LLMCS_FORK) return 6;
    if (llmcs_session_rewind(busy, 0) != LLMCS_FORK) return 7;
    llmcs_session_free(&s);
    llmcs_session_free(&busy);
    llmcs_model_free(&gpt2);
    llmcs_model_free(&bert);
    if (SANITIZED) return 0; /* their runtimes do not follow threads made after fork */
    llmcs_model *own = NULL;
    llmcs_model_options options;
    llmcs_model_options_init(&options);
    options.n_threads = 2;
    if (llmcs_model_open(GOLDEN_FOLDER "gpt2-tiny", &options, &own)) return 8;
    if (llmcs_session_create(own, NULL, &s)) return 9;
    if (llmcs_session_eval(s, &id, 1, LLMCS_LOGITS_LAST)) return 10;
    llmcs_session_free(&s);
    llmcs_model_free(&own);
    return 0;
}

START_TEST(a_child_gets_a_status_and_may_free) {
    char folder[TEMP_PATH_BYTES];
    text_bert_folder("bert-cls", folder);
    llmcs_model *gpt2 = open_golden("gpt2-tiny", 2), *bert = open_model(folder, 2);
    llmcs_session *s = open_session(gpt2), *busy = open_session(gpt2);
    float out[3 * N_TEXTS];
    int32_t id = 1;
    int status = 0;
    ck_assert_int_eq(llmcs_classify(bert, texts, N_TEXTS, NULL, out, NULL, NULL), LLMCS_OK);
    ck_assert_int_eq(ll_session_enter(busy), LLMCS_OK);
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        alarm(20); /* a hang would be killed, and seen */
        _exit(child(gpt2, s, bert, busy));
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "child ended with 0x%x", status);
    ll_session_leave(busy);
    ck_assert_int_eq(llmcs_session_eval(s, &id, 1, LLMCS_LOGITS_LAST), LLMCS_OK);
    ck_assert_int_eq(llmcs_classify(bert, texts, 1, NULL, out, NULL, NULL), LLMCS_OK);
    llmcs_session_free(&s);
    llmcs_session_free(&busy);
    llmcs_model_free(&gpt2);
    llmcs_model_free(&bert);
    temp_remove(folder);
}
END_TEST

static void add(TCase *t) {
    tcase_add_test(t, many_threads_classify_on_one_model);
    tcase_add_test(t, many_sessions_of_one_model);
    tcase_add_test(t, one_session_and_two_threads);
    tcase_add_test(t, cancel_from_another_thread);
    tcase_add_test(t, thousands_of_sessions);
    tcase_add_test(t, hundreds_of_models);
    tcase_add_test(t, a_child_gets_a_status_and_may_free);
}

SUITE_MAIN("runtime/threads", add)
