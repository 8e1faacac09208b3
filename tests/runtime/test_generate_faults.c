/* Allocations of generation: each may fail and leaves everything as it was; none is made for a token. */
#include "runtime/generate_case.h"
#include "support/fail_alloc.h"

static char folder[TEMP_PATH_BYTES];
static fail_alloc counter;
static llmcs_allocator allocator;
static llmcs_model *model;
static llmcs_session *session;
static const int32_t prompt[] = {90, 56, 236};

static void setup(void) {
    make_text_folder(folder);
    fail_alloc_init(&counter);
    allocator = fail_alloc_get(&counter);
    model = open_with(folder, 1, &allocator);
    session = new_session(model);
}

static void teardown(void) {
    llmcs_session_free(&session);
    llmcs_model_free(&model);
    ck_assert_int_eq(counter.live, 0);
    temp_remove(folder);
}

typedef struct mode {
    const char *name;
    int do_sample, num_beams, num_return_sequences, stop_strings, text;
} mode;

static const mode modes[] = {{"greedy", 0, 1, 1, 0, 0},       {"greedy with text", 0, 1, 1, 1, 1},
                             {"sampling", 1, 1, 1, 0, 0},     {"several sequences", 1, 1, 4, 1, 0},
                             {"beam search", 0, 3, 2, 0, 0},  {"beam search with stop strings", 0, 3, 3, 1, 1},
                             {"beam sampling", 1, 3, 2, 0, 0}};
#define N_MODES (sizeof modes / sizeof *modes)

static const char *const stops[] = {"never said", "nor this"};

static llmcs_generate_params params_of(const mode *m, int32_t max_new_tokens) {
    llmcs_generate_params p = defaults(max_new_tokens);
    p.do_sample = m->do_sample;
    p.num_beams = m->num_beams;
    p.num_return_sequences = m->num_return_sequences;
    p.stop_strings = stops;
    p.n_stop_strings = m->stop_strings ? 2 : 0;
    p.repetition_penalty = 1.2f;
    p.no_repeat_ngram_size = 3;
    p.top_p = 0.9f;
    p.logprobs = 1;
    p.eos_token_id = prompt;
    p.n_eos_token_id = 0;
    return p;
}

static int ignore(void *user, const char *text, size_t text_bytes) {
    (void)user;
    (void)text;
    (void)text_bytes;
    return 0;
}

static llmcs_status generate(const mode *m, int32_t max_new_tokens, llmcs_result **result) {
    llmcs_generate_params p = params_of(m, max_new_tokens);
    if (!m->text) return llmcs_generate_ids(session, prompt, 3, &p, NULL, NULL, result);
    return llmcs_generate(session, "Hi!", 3, &p, m->num_beams == 1 ? ignore : NULL, NULL, result);
}

/* The n-th allocation of a call fails, for every n until the call gets through; with `after` all later ones too. */
static long sweep(const mode *m, bool after, const llmcs_result *expect) {
    for (long n = 0;; n++) {
        llmcs_result *result = NULL;
        OK(llmcs_session_rewind(session, 0));
        long live = counter.live;
        counter.fail_at = counter.calls + n;
        counter.fail_after = after;
        llmcs_status status = generate(m, 8, &result);
        counter.fail_at = -1;
        if (!status) {
            same_result(expect, result);
            llmcs_result_free(&result);
            return n;
        }
        ck_assert_msg(status == LLMCS_NOMEM, "%s, allocation %ld: %s", m->name, n, llmcs_error_message());
        ck_assert_ptr_null(result);
        ck_assert_msg(counter.live <= live, "%s: allocation %ld left something behind", m->name, n);
        status = generate(m, 8, &result); /* the session is as good as before */
        ck_assert_int_eq(status, LLMCS_OK);
        same_result(expect, result);
        llmcs_result_free(&result);
    }
}

START_TEST(every_allocation_may_fail) {
    for (size_t i = 0; i < N_MODES; i++) {
        llmcs_result *expect = NULL;
        OK(llmcs_session_rewind(session, 0));
        long live = counter.live;
        OK(generate(&modes[i], 8, &expect));
        llmcs_result_free(&expect);
        ck_assert_msg(counter.live == live, "%s: %ld allocations kept", modes[i].name, counter.live - live);
        OK(generate(&modes[i], 8, &expect));
        long n_once = sweep(&modes[i], false, expect), n_after = sweep(&modes[i], true, expect);
        ck_assert_int_eq(n_once, n_after);
        ck_assert_int_ge(n_once, 6);
        llmcs_result_free(&expect);
    }
}
END_TEST

/* Ten times the tokens, and not one allocation more. */
START_TEST(no_token_costs_an_allocation) {
    for (size_t i = 0; i < N_MODES; i++) {
        long calls[2];
        for (int longer = 0; longer < 2; longer++) {
            llmcs_result *result = NULL;
            OK(llmcs_session_rewind(session, 0));
            long before = counter.calls;
            OK(generate(&modes[i], longer ? 50 : 5, &result));
            calls[longer] = counter.calls - before;
            ck_assert_uint_eq(result->sequences[0]->n_ids, longer ? 50 : 5);
            llmcs_result_free(&result);
        }
        /* The result is copied into an arena, whose chunks are as large as what it holds. */
        ck_assert_msg(calls[1] <= calls[0] + 1, "%s: %ld allocations for 5 tokens, %ld for 50", modes[i].name, calls[0],
                      calls[1]);
    }
}
END_TEST

typedef struct watch {
    long first, last;
    int n;
} watch;

static int look(void *user, int32_t id) {
    (void)id;
    watch *w = user;
    long now = counter.calls;
    if (!w->n++) w->first = now;
    w->last = now;
    return 0;
}

START_TEST(between_the_first_token_and_the_last_nothing_is_allocated) {
    for (int sample = 0; sample < 2; sample++) {
        llmcs_generate_params p = params_of(&modes[0], 50);
        p.do_sample = sample;
        watch w = {0};
        llmcs_result *result = NULL;
        OK(llmcs_generate_ids(session, prompt, 3, &p, look, &w, &result));
        ck_assert_int_eq(w.n, 50);
        ck_assert_int_eq(w.first, w.last);
        llmcs_result_free(&result);
    }
}
END_TEST

START_TEST(a_distribution_may_run_out_of_memory) {
    llmcs_generate_params p = params_of(&modes[2], 1);
    float expect[TINY_VOCAB], got[TINY_VOCAB];
    OK(llmcs_session_eval(session, prompt, 3, LLMCS_LOGITS_LAST));
    OK(llmcs_next_distribution(session, &p, expect));
    long live = counter.live, n = 0;
    for (llmcs_status status = LLMCS_NOMEM; status; n++) {
        counter.fail_at = counter.calls + n;
        status = llmcs_next_distribution(session, &p, got);
        counter.fail_at = -1;
        ck_assert(status == LLMCS_OK || status == LLMCS_NOMEM);
        ck_assert_int_eq(counter.live, live);
    }
    ck_assert_int_ge(n, 4);
    ck_assert_mem_eq(expect, got, sizeof got);
}
END_TEST

static void add(TCase *t) {
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, every_allocation_may_fail);
    tcase_add_test(t, no_token_costs_an_allocation);
    tcase_add_test(t, between_the_first_token_and_the_last_nothing_is_allocated);
    tcase_add_test(t, a_distribution_may_run_out_of_memory);
}

SUITE_MAIN("runtime/generate_faults", add)
