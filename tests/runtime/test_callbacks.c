/* Callbacks that do not return, and threads that are cancelled inside the library: everything is released, and session
 * and model serve the next call. pthread_exit and pthread_cancel unwind the same frames as a C++ exception does, whose
 * own test is in tests/hosts. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/generate_case.h"
#include "support/fail_alloc.h"
#include "support/model_fixture.h"

static char folder[TEMP_PATH_BYTES];
static fail_alloc memory;
static llmcs_allocator allocator;

static void set_up(void) {
    make_text_folder(folder);
    fail_alloc_init(&memory);
    allocator = fail_alloc_get(&memory);
}

static void tear_down(void) { temp_remove(folder); }

/* ------------------------------------------------------------------------------------- callbacks that never return */

static int exit_at_third_text(void *user, const char *text, size_t text_bytes) {
    (void)text;
    (void)text_bytes;
    if (++*(int *)user == 3) pthread_exit(NULL);
    return 0;
}

static int exit_at_third_id(void *user, int32_t id) {
    (void)id;
    if (++*(int *)user == 3) pthread_exit(NULL);
    return 0;
}

/* Cancelled by itself, at the next cancellation point: usleep is one, in a callback. */
static int cancelled_at_third_id(void *user, int32_t id) {
    (void)id;
    if (++*(int *)user == 3) {
        pthread_cancel(pthread_self());
        usleep(1);
    }
    return 0;
}

typedef struct leaving {
    llmcs_session *session;
    int kind, n_called;
} leaving;

static void *leave_generation(void *arg) {
    leaving *l = arg;
    const int32_t prompt[] = {5, 9, 31};
    llmcs_generate_params p = defaults(20);
    p.eos_token_id = prompt;
    p.n_eos_token_id = 0;
    p.prompt_lookup_num_tokens = l->kind == 2 ? 4 : 0;
    llmcs_result *result = NULL;
    if (l->kind == 0)
        llmcs_generate(l->session, "the shop", LLMCS_NUL, &p, exit_at_third_text, &l->n_called, &result);
    else
        llmcs_generate_ids(l->session, prompt, 3, &p, l->kind == 3 ? cancelled_at_third_id : exit_at_third_id,
                           &l->n_called, &result);
    return &l->kind; /* not reached */
}

START_TEST(a_generation_left_from_its_callback_leaves_a_session_that_serves_the_next_call) {
    static const int32_t prompt[] = {5, 9, 31, 7};
    const llmcs_generate_params p = defaults(10);
    for (int n_threads = 1; n_threads <= 2; n_threads++) {
        llmcs_model *model = open_with(folder, n_threads, &allocator);
        llmcs_session *fresh = new_session(model);
        llmcs_result *expected = generate_ids(fresh, prompt, 4, &p);
        llmcs_session_free(&fresh);
        for (int kind = 0; kind < 4; kind++) {
            llmcs_session *session = new_session(model);
            llmcs_result_free((llmcs_result *[]){generate_ids(session, prompt, 3, &p)}); /* all buffers are there */
            const long live = memory.live;
            leaving l = {session, kind, 0};
            pthread_t thread;
            void *returned = NULL;
            ck_assert_int_eq(pthread_create(&thread, NULL, leave_generation, &l), 0);
            pthread_join(thread, &returned);
            ck_assert_ptr_ne(returned, &l.kind);
            ck_assert_int_eq(l.n_called, 3);
            if (kind != 2) ck_assert_int_eq(memory.live, live); /* lookup keeps a buffer for logits */
            llmcs_result *found = generate_ids(session, prompt, 4, &p);
            same_result(found, expected);
            llmcs_result_free(&found);
            llmcs_session_free(&session);
        }
        llmcs_result_free(&expected);
        llmcs_model_free(&model);
        ck_assert_int_eq(memory.live, 0);
    }
}
END_TEST

static int exit_from_progress(void *user, float done) {
    (void)done;
    ++*(int *)user;
    pthread_exit(NULL);
    return 0;
}

static void exit_from_log(void *user, llmcs_log_level level, const char *message) {
    (void)level;
    (void)message;
    ++*(int *)user;
    pthread_exit(NULL);
}

typedef struct opening {
    int n_threads, n_called;
    bool log;
} opening;

/* What the files' readers hold when the log leaves them is not freed, as llmcs.h says; LeakSanitizer need not. */
#if defined(__SANITIZE_ADDRESS__)
void __lsan_disable(void);
#define EXPECT_LEAKS() __lsan_disable()
#else
#define EXPECT_LEAKS() (void)0
#endif

static void *leave_opening(void *arg) {
    opening *o = arg;
    if (o->log) EXPECT_LEAKS();
    llmcs_model_options options;
    llmcs_model_options_init(&options);
    options.n_threads = o->n_threads;
    options.allocator = &allocator;
    if (o->log)
        options.log = exit_from_log;
    else
        options.progress = exit_from_progress;
    options.log_user = options.progress_user = &o->n_called;
    llmcs_model *model = NULL;
    llmcs_model_open(folder, &options, &model);
    return &o->log;
}

START_TEST(a_model_whose_opening_is_left_from_a_callback_leaves_no_thread_and_opens_again) {
    temp_write_text(folder, "generation_config.json", "{\"eos_token_id\": 99999}"); /* which is logged */
    for (int log = 0; log < 2; log++)
        for (int n_threads = 1; n_threads <= 3; n_threads++) {
            opening o = {n_threads, 0, log != 0};
            pthread_t thread;
            void *returned = NULL;
            ck_assert_int_eq(pthread_create(&thread, NULL, leave_opening, &o), 0);
            pthread_join(thread, &returned);
            ck_assert_int_gt(o.n_called, 0);
            ck_assert_ptr_ne(returned, &o.log);
            llmcs_model *model = open_with(folder, n_threads, NULL);
            llmcs_model_free(&model);
        }
}
END_TEST

typedef struct quantizing {
    char target[TEMP_PATH_BYTES];
    int n_called;
} quantizing;

static void *leave_quantizing(void *arg) {
    quantizing *q = arg;
    llmcs_quantize_params p;
    llmcs_quantize_params_init(&p);
    p.allocator = &allocator;
    p.progress = exit_from_progress;
    p.progress_user = &q->n_called;
    llmcs_quantize(folder, q->target, &p);
    return q;
}

START_TEST(a_quantization_left_from_its_callback_leaves_no_file_and_no_memory) {
    quantizing q = {.n_called = 0};
    char target_folder[TEMP_PATH_BYTES];
    temp_folder(target_folder);
    snprintf(q.target, sizeof q.target, "%.240s/x.gguf", target_folder);
    pthread_t thread;
    void *returned = NULL;
    ck_assert_int_eq(pthread_create(&thread, NULL, leave_quantizing, &q), 0);
    pthread_join(thread, &returned);
    ck_assert_int_eq(q.n_called, 1);
    ck_assert_ptr_ne(returned, &q);
    ck_assert_int_eq(memory.live, 0);
    ck_assert_int_eq(rmdir(target_folder), 0); /* it is empty */
}
END_TEST

/* ---------------------------------------------------------------------------------------------- cancelled threads */

enum { OPEN, TOKENIZER, PLAN, QUANTIZE, GENERATE, EVAL, N_CALLS };

typedef struct cancelled {
    int call;
    llmcs_session *session;
    char target[TEMP_PATH_BYTES];
} cancelled;

/* The cancellation waits for this thread before it makes its call: it acts when the call is over. */
static void *call_with_cancellation_pending(void *arg) {
    cancelled *c = arg;
    int32_t ids[] = {5, 9, 31};
    llmcs_model_options options;
    llmcs_model_options_init(&options);
    options.allocator = &allocator;
    options.n_threads = 2;
    llmcs_quantize_params q;
    llmcs_quantize_params_init(&q);
    q.allocator = &allocator;
    llmcs_plan_info plan = {.struct_size = sizeof plan};
    llmcs_generate_params p = defaults(10);
    llmcs_model *model = NULL;
    llmcs_tokenizer *tokenizer = NULL;
    llmcs_result *result = NULL;
    pthread_cancel(pthread_self());
    if (c->call == OPEN && !llmcs_model_open(folder, &options, &model)) llmcs_model_free(&model);
    if (c->call == TOKENIZER && !llmcs_tokenizer_open(folder, &allocator, &tokenizer)) llmcs_tokenizer_free(&tokenizer);
    if (c->call == PLAN) llmcs_plan(folder, &options, NULL, &plan);
    if (c->call == QUANTIZE) llmcs_quantize(folder, c->target, &q);
    if (c->call == GENERATE && !llmcs_generate_ids(c->session, ids, 3, &p, NULL, NULL, &result))
        llmcs_result_free(&result);
    if (c->call == EVAL) llmcs_session_eval(c->session, ids, 3, LLMCS_LOGITS_LAST);
    pthread_testcancel();
    return c; /* not reached */
}

START_TEST(a_thread_that_is_cancelled_in_a_call_ends_after_it_and_leaves_nothing_behind) {
    if (suite_sanitized()) {
        suite_skip("a cancelled thread's callback", "AddressSanitizer leaves the unwound stack poisoned");
        return;
    }
    char target_folder[TEMP_PATH_BYTES];
    temp_folder(target_folder);
    llmcs_model *model = open_with(folder, 2, &allocator);
    llmcs_session *session = new_session(model);
    for (int call = 0; call < N_CALLS; call++) {
        cancelled c = {.call = call, .session = session};
        snprintf(c.target, sizeof c.target, "%.240s/x.gguf", target_folder);
        const long live = memory.live;
        pthread_t thread;
        void *returned = NULL;
        ck_assert_int_eq(pthread_create(&thread, NULL, call_with_cancellation_pending, &c), 0);
        pthread_join(thread, &returned);
        ck_assert_ptr_eq(returned, PTHREAD_CANCELED);
        ck_assert_msg(memory.live == live, "call %d: %ld allocations are left", call, (long)memory.live - live);
        OK(llmcs_session_rewind(session, 0)); /* not BUSY */
    }
    unlink(temp_path(target_folder, "x.gguf"));
    ck_assert_int_eq(rmdir(target_folder), 0);
    llmcs_session_free(&session);
    llmcs_model_free(&model);
    ck_assert_int_eq(memory.live, 0);
}
END_TEST

static void add_tests(TCase *t) {
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, a_generation_left_from_its_callback_leaves_a_session_that_serves_the_next_call);
    tcase_add_test(t, a_model_whose_opening_is_left_from_a_callback_leaves_no_thread_and_opens_again);
    tcase_add_test(t, a_quantization_left_from_its_callback_leaves_no_file_and_no_memory);
    tcase_add_test(t, a_thread_that_is_cancelled_in_a_call_ends_after_it_and_leaves_nothing_behind);
}

SUITE_MAIN("runtime/callbacks", add_tests)
