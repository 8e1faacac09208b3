/* llmcs_generate_ids: how sequences end, callbacks, several sequences, what the session holds afterwards. */
#include <fenv.h>
#include <float.h>
#include <math.h>
#include <pthread.h>
#include <time.h>

#include "base/clock.h"
#include "generate/random.h"
#include "runtime/generate/generation.h"
#include "runtime/generate_case.h"
#include "runtime/session/session_internal.h"
#include "support/checkpoint.h"

static llmcs_model *model;
static llmcs_session *session;
static const int32_t prompt[] = {90, 56, 236, 12, 200};
#define N_PROMPT (sizeof prompt / sizeof *prompt)

static void setup(void) {
    model = open_with(TINY, 2, NULL);
    session = new_session(model);
}

static void teardown(void) {
    llmcs_session_free(&session);
    llmcs_model_free(&model);
}

static llmcs_result *run(const llmcs_generate_params *p) { return generate_ids(session, prompt, N_PROMPT, p); }

static size_t n_held(void) {
    size_t n;
    OK(llmcs_session_tokens(session, NULL, 0, &n));
    return n;
}

/* ------------------------------------------------------------------------------------------------ ends */

START_TEST(a_full_context_ends_with_length) {
    llmcs_generate_params p = defaults(1000);
    p.eos_token_id = prompt;
    p.n_eos_token_id = 0; /* no EOS at all */
    llmcs_result *r = run(&p);
    ck_assert_int_eq(r->sequences[0]->finish_reason, LLMCS_FINISH_LENGTH);
    /* Every position is evaluated once, and the last evaluation gives one more token. */
    ck_assert_uint_eq(r->sequences[0]->n_ids, TINY_CONTEXT - N_PROMPT + 1);
    ck_assert_uint_eq(n_held(), TINY_CONTEXT);
    llmcs_result_free(&r);
    p.num_beams = 3;
    r = run(&p);
    ck_assert_uint_eq(r->sequences[0]->n_ids, TINY_CONTEXT - N_PROMPT + 1);
    llmcs_result_free(&r);
    int32_t full[TINY_CONTEXT + 1];
    for (int i = 0; i <= TINY_CONTEXT; i++) full[i] = i;
    p = defaults(5);
    r = generate_ids(session, full, TINY_CONTEXT, &p);
    ck_assert_uint_eq(r->sequences[0]->n_ids, 1);
    llmcs_result_free(&r);
    FAILS(LLMCS_CONTEXT_FULL, "65", llmcs_generate_ids(session, full, TINY_CONTEXT + 1, &p, NULL, NULL, &r));
}
END_TEST

/* EOS is whatever the third greedy token is: the result is the two before it. */
START_TEST(eos_is_counted_but_not_shown) {
    llmcs_generate_params p = defaults(8);
    llmcs_result *whole = run(&p), *cut;
    size_t at = 1;
    while (whole->sequences[0]->ids[at] == whole->sequences[0]->ids[0]) at++; /* the first token that is new */
    p.eos_token_id = &whole->sequences[0]->ids[at];
    p.n_eos_token_id = 1;
    cut = run(&p);
    ck_assert_int_eq(cut->sequences[0]->finish_reason, LLMCS_FINISH_EOS);
    ck_assert_uint_eq(cut->sequences[0]->n_ids, at);
    ck_assert_uint_eq(cut->n_new_tokens, at + 1);
    ck_assert_mem_eq(cut->sequences[0]->ids, whole->sequences[0]->ids, at * sizeof(int32_t));
    ck_assert_uint_eq(n_held(), N_PROMPT + at);
    llmcs_result_free(&cut);
    p.min_new_tokens = 8;
    cut = run(&p);
    ck_assert_int_eq(cut->sequences[0]->finish_reason, LLMCS_FINISH_LENGTH);
    for (size_t i = 0; i < 8; i++) ck_assert_int_ne(cut->sequences[0]->ids[i], *p.eos_token_id);
    llmcs_result_free(&cut);
    llmcs_result_free(&whole);
}
END_TEST

START_TEST(nothing_left_to_choose_is_an_error_that_names_the_step) {
    static llmcs_logit_bias bias[TINY_VOCAB];
    for (int32_t i = 0; i < TINY_VOCAB; i++) bias[i] = (llmcs_logit_bias){i, -INFINITY};
    llmcs_generate_params p = defaults(5);
    p.logit_bias = bias;
    p.n_logit_bias = TINY_VOCAB;
    llmcs_result *r, *before, *after;
    llmcs_generate_params plain = defaults(5);
    before = run(&plain);
    for (int beams = 1; beams <= 3; beams += 2) {
        for (int sample = 0; sample <= 1; sample++) {
            p.num_beams = beams;
            p.do_sample = sample;
            FAILS(LLMCS_NUMERIC, "new token 0", llmcs_generate_ids(session, prompt, N_PROMPT, &p, NULL, NULL, &r));
            ck_assert_ptr_null(r);
        }
    }
    p.n_logit_bias = TINY_VOCAB - 1; /* one token, and that only once */
    p.no_repeat_ngram_size = 1;
    p.num_beams = 1;
    FAILS(LLMCS_NUMERIC, "new token 1", llmcs_generate_ids(session, prompt, N_PROMPT, &p, NULL, NULL, &r));
    ck_assert_uint_le(n_held(), N_PROMPT); /* no token that no result has told of */
    after = run(&plain);
    same_result(before, after);
    llmcs_result_free(&before);
    llmcs_result_free(&after);
}
END_TEST

/* A beam whose every continuation is forbidden ends there; the others go on without it. */
START_TEST(a_beam_without_continuation_does_not_end_the_search) {
    llmcs_generate_params p = defaults(1);
    llmcs_result *r = run(&p);
    int32_t dead_end = r->sequences[0]->ids[0];
    llmcs_result_free(&r);
    static int32_t pairs[TINY_VOCAB][2];
    static llmcs_ids words[TINY_VOCAB];
    for (int32_t i = 0; i < TINY_VOCAB; i++) {
        pairs[i][0] = dead_end;
        pairs[i][1] = i;
        words[i] = (llmcs_ids){pairs[i], 2};
    }
    p = defaults(10);
    p.bad_words_ids = words;
    p.n_bad_words_ids = TINY_VOCAB;
    p.num_beams = 3;
    p.n_eos_token_id = 0;
    p.eos_token_id = prompt;
    for (p.do_sample = 0; p.do_sample <= 1; p.do_sample++) {
        r = run(&p);
        ck_assert_uint_eq(r->sequences[0]->n_ids, 10);
        for (size_t i = 0; i + 1 < 10; i++) ck_assert_int_ne(r->sequences[0]->ids[i], dead_end);
        llmcs_result_free(&r);
    }
    p.do_sample = 0;
    p.num_beams = 1;
    FAILS(LLMCS_NUMERIC, "new token 1", llmcs_generate_ids(session, prompt, N_PROMPT, &p, NULL, NULL, &r));
}
END_TEST

/* Transformers' min_tokens_to_keep: filters leave every beam something that is not EOS. */
START_TEST(filters_leave_beams_something_to_go_on_with) {
    llmcs_generate_params p = defaults(6);
    p.do_sample = 1;
    p.num_beams = 2;
    p.num_return_sequences = 2;
    p.eos_token_id = prompt;
    for (p.n_eos_token_id = 0; p.n_eos_token_id < 3; p.n_eos_token_id++) {
        for (int filter = 0; filter < 3; filter++) {
            p.top_k = filter == 0 ? 1 : 0;
            p.top_p = filter == 1 ? 0.0f : 1.0f;
            p.min_p = filter == 2 ? 1.0f : 0.0f;
            llmcs_result *r = run(&p);
            ck_assert_uint_eq(r->n_sequences, 2);
            ck_assert(r->sequences[0]->n_ids != r->sequences[1]->n_ids ||
                      memcmp(r->sequences[0]->ids, r->sequences[1]->ids, r->sequences[0]->n_ids * sizeof(int32_t)));
            llmcs_result_free(&r);
        }
    }
}
END_TEST

/* A model that computes NaN is told from one that does not, in every mode. */
START_TEST(nan_from_the_model_is_an_error) {
    char folder[TEMP_PATH_BYTES];
    temp_folder(folder);
    checkpoint *c = checkpoint_read(TINY);
    checkpoint_f32(c, "transformer.ln_f.bias")[5] = NAN;
    checkpoint_write(c, folder, 1);
    checkpoint_free(c);
    llmcs_model *m = open_with(folder, 1, NULL);
    llmcs_session *s = new_session(m);
    for (int mode = 0; mode < 4; mode++) {
        llmcs_generate_params p = defaults(5);
        p.do_sample = mode & 1;
        p.num_beams = mode & 2 ? 3 : 1;
        llmcs_result *r;
        FAILS(LLMCS_NUMERIC, "", llmcs_generate_ids(s, prompt, N_PROMPT, &p, NULL, NULL, &r));
        ck_assert_ptr_null(r);
        OK(llmcs_session_rewind(s, 0));
    }
    llmcs_session_free(&s);
    llmcs_model_free(&m);
    temp_remove(folder);
}
END_TEST

START_TEST(a_bias_of_infinity_forces_a_token) {
    const llmcs_logit_bias bias[] = {{77, INFINITY}, {99, INFINITY}};
    llmcs_generate_params p = defaults(4);
    p.logit_bias = bias;
    p.n_logit_bias = 2;
    for (p.do_sample = 0; p.do_sample <= 1; p.do_sample++) {
        llmcs_result *r = run(&p);
        for (size_t i = 0; i < 4; i++) ck_assert_int_eq(r->sequences[0]->ids[i], 77);
        llmcs_result_free(&r);
    }
}
END_TEST

/* ------------------------------------------------------------------------------------------- callbacks */

typedef struct listener {
    int32_t ids[128];
    size_t n, stop_after;
    bool cancel;
} listener;

static int listen(void *user, int32_t id) {
    listener *l = user;
    l->ids[l->n++] = id;
    if (l->n != l->stop_after) return 0;
    if (l->cancel) llmcs_session_cancel(session);
    return !l->cancel;
}

START_TEST(tokens_are_told_as_they_come_and_may_be_the_last) {
    llmcs_generate_params p = defaults(20);
    llmcs_result *whole = run(&p), *cut;
    for (size_t stop = 1; stop <= 20; stop += 6) {
        listener l = {.stop_after = stop};
        OK(llmcs_generate_ids(session, prompt, N_PROMPT, &p, listen, &l, &cut));
        ck_assert_int_eq(cut->sequences[0]->finish_reason, LLMCS_FINISH_CALLBACK);
        ck_assert_uint_eq(cut->sequences[0]->n_ids, stop);
        ck_assert_uint_eq(l.n, stop);
        ck_assert_mem_eq(l.ids, whole->sequences[0]->ids, stop * sizeof *l.ids);
        llmcs_result_free(&cut);
    }
    llmcs_result_free(&whole);
}
END_TEST

static int use_session(void *user, int32_t id) {
    (void)id;
    llmcs_result *r;
    *(llmcs_status *)user = llmcs_generate_ids(session, prompt, N_PROMPT, NULL, NULL, NULL, &r);
    return 1;
}

START_TEST(a_callback_that_uses_the_session_is_told_busy) {
    llmcs_status inner = LLMCS_OK;
    llmcs_result *r;
    llmcs_generate_params p = defaults(5);
    OK(llmcs_generate_ids(session, prompt, N_PROMPT, &p, use_session, &inner, &r));
    ck_assert_int_eq(inner, LLMCS_BUSY);
    llmcs_result_free(&r);
}
END_TEST

START_TEST(cancel_gives_what_there_is) {
    llmcs_generate_params p = defaults(20);
    llmcs_result *whole = run(&p), *cut;
    listener l = {.stop_after = 7, .cancel = true};
    OK(llmcs_generate_ids(session, prompt, N_PROMPT, &p, listen, &l, &cut));
    ck_assert_int_eq(cut->sequences[0]->finish_reason, LLMCS_FINISH_CANCELLED);
    ck_assert_uint_eq(cut->sequences[0]->n_ids, 7);
    ck_assert_mem_eq(cut->sequences[0]->ids, whole->sequences[0]->ids, 7 * sizeof *l.ids);
    llmcs_result_free(&cut);
    OK(llmcs_session_rewind(session, 0));
    llmcs_session_cancel(session); /* before anything was done: there is nothing to return */
    FAILS(LLMCS_CANCELLED, "", llmcs_generate_ids(session, prompt, N_PROMPT, &p, NULL, NULL, &cut));
    ck_assert_ptr_null(cut);
    cut = run(&p);
    same_result(whole, cut);
    llmcs_result_free(&cut);
    llmcs_result_free(&whole);
}
END_TEST

static void *cancel_soon(void *arg) {
    (void)arg;
    struct timespec wait = {0, 3000000};
    nanosleep(&wait, NULL);
    llmcs_session_cancel(session);
    return NULL;
}

/* From another thread, in any of the ways to generate: a result with its reason, or CANCELLED; then all is well. */
START_TEST(cancel_from_another_thread_ends_every_mode) {
    llmcs_generate_params plain = defaults(6);
    llmcs_result *before = run(&plain), *r;
    for (int mode = 0; mode < 4; mode++) {
        llmcs_generate_params p = defaults(60);
        p.eos_token_id = prompt;
        p.do_sample = mode & 1;
        p.num_beams = mode & 2 ? 6 : 1;
        p.num_return_sequences = p.do_sample ? 6 : 1;
        pthread_t thread;
        ck_assert_int_eq(pthread_create(&thread, NULL, cancel_soon, NULL), 0);
        llmcs_status status = LLMCS_OK;
        bool cancelled = false;
        for (uint64_t end = ll_now_ns() + 30000000000u;
             ll_now_ns() < end && !cancelled;) { /* the other thread's turn */
            OK(llmcs_session_rewind(session, 0));
            status = llmcs_generate_ids(session, prompt, N_PROMPT, &p, NULL, NULL, &r);
            cancelled = status != LLMCS_OK || r->sequences[0]->finish_reason == LLMCS_FINISH_CANCELLED;
            llmcs_result_free(&r);
        }
        pthread_join(thread, NULL);
        ck_assert(cancelled);
        ck_assert(status == LLMCS_OK || status == LLMCS_CANCELLED);
        r = run(&plain);
        same_result(before, r);
        llmcs_result_free(&r);
    }
    llmcs_result_free(&before);
}
END_TEST

static int sleep_long(void *user, int32_t id) {
    const long *ns = user;
    (void)id;
    struct timespec wait = {*ns / 1000000000, *ns % 1000000000};
    nanosleep(&wait, NULL);
    return 0;
}

static int n_checks, stop_at_check;

static llmcs_status stop_at(void *user) {
    (void)user;
    return ++n_checks == stop_at_check ? LLMCS_CANCELLED : LLMCS_OK;
}

/* A step of many beams ends in its middle, between any two beams, as if it had not begun. */
START_TEST(a_step_of_beams_can_be_interrupted_between_any_two) {
    enum { BEAMS = 7 };
    llmcs_generate_params p = defaults(4);
    p.num_beams = BEAMS;
    ll_generation g = {.prompt = prompt, .n_prompt = N_PROMPT};
    ll_sampler_workspace workspace;
    OK(ll_generation_init(&g, model, &p));
    OK(ll_generation_prepare(&g, TINY_CONTEXT));
    OK(ll_sampler_workspace_init(&workspace, g.allocator, g.vocab, false));
    ll_generation_set_workspace(&g, &workspace);
    OK(ll_generation_alloc(&g));
    g.check_stop = stop_at;
    static float logits[BEAMS * TINY_VOCAB];
    for (size_t i = 0; i < BEAMS * TINY_VOCAB; i++) logits[i] = (float)(i * 7919 % 1009) / 100.0f;
    ll_beam_search whole, stopped;
    bool over;
    OK(ll_beam_search_init(&g, &whole));
    OK(ll_beam_search_init(&g, &stopped));
    for (size_t i = 0; i < BEAMS; i++) whole.held[i] = stopped.held[i] = (llmcs_ids){prompt, N_PROMPT};
    stop_at_check = n_checks = 0;
    OK(ll_beam_search_step(&g, &whole, (ll_logits){.row = logits}, &over));
    OK(ll_beam_search_step(&g, &stopped, (ll_logits){.row = logits}, &over));
    ck_assert_uint_eq(whole.n_running, BEAMS);
    for (stop_at_check = 1; stop_at_check < BEAMS; stop_at_check++) {
        n_checks = 0;
        ck_assert_int_eq(ll_beam_search_step(&g, &stopped, (ll_logits){.row = logits}, &over), LLMCS_CANCELLED);
        ck_assert_int_eq(n_checks, stop_at_check);
    }
    stop_at_check = 0;
    OK(ll_beam_search_step(&g, &whole, (ll_logits){.row = logits}, &over));
    OK(ll_beam_search_step(&g, &stopped, (ll_logits){.row = logits}, &over));
    ck_assert_mem_eq(whole.next_ids, stopped.next_ids, BEAMS * sizeof *whole.next_ids);
    ck_assert_mem_eq(whole.parents, stopped.parents, BEAMS * sizeof *whole.parents);
    ll_beam_search_free(&g, &whole);
    ll_beam_search_free(&g, &stopped);
    ll_generation_free(&g);
    ll_sampler_workspace_free(&workspace, g.allocator);
}
END_TEST

/* Beams that share a block copy it before they write: that, too, ends between any two. */
START_TEST(a_cancelled_session_copies_no_blocks_for_its_beams) {
    const size_t seqs[] = {0, 1, 2};
    const int32_t ids[] = {1, 2, 3};
    OK(llmcs_session_rewind(session, 0));
    OK(llmcs_session_eval(session, prompt, N_PROMPT, LLMCS_LOGITS_LAST));
    OK(ll_session_enter(session));
    OK(ll_session_reserve(session, 3, TINY_CONTEXT));
    ll_seq_copy(session, 1, 0);
    ll_seq_copy(session, 2, 0);
    const size_t n_free = session->kv.own.n_free + session->kv.reserved.n_free;
    llmcs_session_cancel(session);
    const float *logits;
    ck_assert_int_eq(ll_seqs_eval(session, seqs, ids, 3, &logits), LLMCS_CANCELLED);
    ck_assert_uint_ge(session->kv.own.n_free + session->kv.reserved.n_free + 1, n_free); /* the first one's at most */
    ll_session_release(session);
    ll_session_leave(session);
}
END_TEST

START_TEST(a_deadline_gives_what_there_is) {
    llmcs_generate_params p = defaults(50);
    p.eos_token_id = prompt;
    llmcs_result *r = NULL;
    llmcs_status st = LLMCS_DEADLINE;
    for (p.deadline_ms = 100; st == LLMCS_DEADLINE && p.deadline_ms < 1e4; p.deadline_ms *= 3) {
        long wait_ns =
            (long)(p.deadline_ms * 0.3e6); /* so that three or four tokens come, or, on a busy machine, less */
        OK(llmcs_session_rewind(session, 0));
        st = llmcs_generate_ids(session, prompt, N_PROMPT, &p, sleep_long, &wait_ns, &r);
    }
    OK(st);
    ck_assert_int_eq(r->sequences[0]->finish_reason, LLMCS_FINISH_DEADLINE);
    ck_assert_uint_ge(r->sequences[0]->n_ids, 1);
    ck_assert_uint_le(r->sequences[0]->n_ids, 5);
    llmcs_result_free(&r);
    OK(llmcs_session_rewind(session, 0));
    p.deadline_ms = 1e-6;
    FAILS(LLMCS_DEADLINE, "", llmcs_generate_ids(session, prompt, N_PROMPT, &p, NULL, NULL, &r));
    p.deadline_ms = DBL_MAX;
    r = run(&p);
    ck_assert_int_eq(r->sequences[0]->finish_reason, LLMCS_FINISH_LENGTH);
    llmcs_result_free(&r);
}
END_TEST

/* -------------------------------------------------------------------------------- sampling and its bits */

START_TEST(the_same_seed_gives_the_same_text_on_any_number_of_threads) {
    for (int beams = 1; beams <= 3; beams += 2) {
        llmcs_generate_params p = defaults(20);
        p.do_sample = 1;
        p.temperature = 1.5f;
        p.top_p = 0.95f;
        p.num_beams = beams;
        p.num_return_sequences = 3;
        p.seed = 12345678901234567u;
        llmcs_result *expect = run(&p), *got;
        for (int n_threads = 1; n_threads <= 5; n_threads++) {
            llmcs_model *m = open_with(TINY, n_threads, NULL);
            llmcs_session *s = new_session(m);
            got = generate_ids(s, prompt, N_PROMPT, &p);
            same_result(expect, got);
            llmcs_result_free(&got);
            llmcs_session_free(&s);
            llmcs_model_free(&m);
        }
        int differ = 0;
        for (p.seed = 0; p.seed < 5; p.seed++) {
            got = run(&p);
            differ += memcmp(got->sequences[0]->ids, expect->sequences[0]->ids, 4 * sizeof(int32_t)) != 0;
            llmcs_result_free(&got);
        }
        ck_assert_int_ge(differ, 3);
        llmcs_result_free(&expect);
    }
}
END_TEST

/* What a sequence would be alone: sampled token by token from what llmcs_next_distribution says, by the generator's
 * number for that sequence and step. Sums run in another order here, so a draw within 1e-6 of an edge is let pass. */
static void draw_alone(const llmcs_generate_params *p, uint32_t sequence, const llmcs_sequence *got) {
    llmcs_session *s = new_session(model);
    llmcs_generate_params q = *p;
    q.num_return_sequences = 1;
    OK(llmcs_session_eval(s, prompt, N_PROMPT, LLMCS_LOGITS_LAST));
    for (size_t step = 0; step < got->n_ids; step++) {
        float probabilities[TINY_VOCAB];
        OK(llmcs_next_distribution(s, &q, probabilities));
        double u = ll_uniform(p->seed, sequence, (uint32_t)step, 0), below = 0;
        int32_t id = got->ids[step];
        ck_assert(probabilities[id] > 0);
        for (int32_t i = 0; i < id; i++) below += (double)probabilities[i];
        ck_assert_msg(u >= below - 1e-6 && u <= below + (double)probabilities[id] + 1e-6, "sequence %u step %zu",
                      sequence, step);
        OK(llmcs_session_eval(s, &id, 1, LLMCS_LOGITS_LAST));
    }
    llmcs_session_free(&s);
}

START_TEST(several_sequences_are_what_each_would_be_alone) {
    llmcs_generate_params p = defaults(15);
    p.do_sample = 1;
    p.top_k = 40;
    p.num_return_sequences = 7;
    p.seed = 99;
    p.logprobs = 1;
    llmcs_result *many = run(&p), *one;
    ck_assert_uint_eq(many->n_sequences, 7);
    for (uint32_t i = 0; i < 7; i++) draw_alone(&p, i, many->sequences[i]);
    for (int32_t n = 1; n < 7; n++) { /* the first n of 7 are the n of n */
        p.num_return_sequences = n;
        one = run(&p);
        for (int32_t i = 0; i < n; i++) same_sequence(one->sequences[i], many->sequences[i]);
        llmcs_result_free(&one);
    }
    llmcs_result_free(&many);
}
END_TEST

START_TEST(temperature_zero_is_greedy) {
    llmcs_generate_params p = defaults(20);
    llmcs_result *greedy = run(&p), *r;
    p.do_sample = 1;
    for (int i = 0; i < 4; i++) {
        p.temperature = i == 0 ? 0.0f : i == 1 ? 1e-30f : i == 2 ? FLT_MIN : 1.0f;
        p.top_k = i == 3 ? 1 : 50;
        r = run(&p);
        same_result(greedy, r);
        llmcs_result_free(&r);
    }
    p.num_return_sequences = 3;
    p.temperature = 0;
    r = run(&p);
    for (int i = 0; i < 3; i++) same_sequence(greedy->sequences[0], r->sequences[i]);
    llmcs_result_free(&r);
    llmcs_result_free(&greedy);
}
END_TEST

static int check_host_rounding(void *user, int32_t id) {
    (void)id;
    *(int *)user += fegetround() == FE_UPWARD;
    return 0;
}

/* The host's rounding mode changes nothing, and callbacks run in it. */
START_TEST(the_hosts_rounding_mode_changes_nothing) {
    for (int mode = 0; mode < 4; mode++) {
        llmcs_generate_params p = defaults(12);
        p.do_sample = mode & 1;
        p.num_beams = mode & 2 ? 3 : 1;
        p.temperature = 1.3f;
        p.logprobs = 1;
        llmcs_result *expect = run(&p), *r = NULL;
        int n_right = 0;
        fesetround(FE_UPWARD);
        llmcs_status status = llmcs_generate_ids(session, prompt, N_PROMPT, &p,
                                                 p.num_beams == 1 ? check_host_rounding : NULL, &n_right, &r);
        int rounding = fegetround();
        fesetround(FE_TONEAREST);
        ck_assert_int_eq(status, LLMCS_OK);
        ck_assert_int_eq(rounding, FE_UPWARD);
        same_result(expect, r);
        ck_assert_mem_eq(expect->sequences[0]->logprobs, r->sequences[0]->logprobs,
                         r->sequences[0]->n_ids * sizeof(float));
        if (p.num_beams == 1) ck_assert_int_eq(n_right, (int)r->sequences[0]->n_ids);
        llmcs_result_free(&r);
        llmcs_result_free(&expect);
    }
}
END_TEST

static void *generate_in_every_mode(void *arg) {
    for (int mode = 0; mode < 4; mode++) {
        llmcs_generate_params p = defaults(8);
        p.do_sample = mode & 1;
        p.num_beams = mode & 2 ? 3 : 1;
        llmcs_result *r = NULL;
        if (llmcs_generate_ids(session, prompt, N_PROMPT, &p, NULL, NULL, &r)) *(int *)arg = 1;
        llmcs_result_free(&r);
    }
    return NULL;
}

/* Sanitizers put every array of a kernel's tile on the stack, which otherwise stays in registers. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SMALL_STACK_BYTES (512 * 1024)
#else
#define SMALL_STACK_BYTES (64 * 1024)
#endif

START_TEST(a_small_stack_is_enough) {
    pthread_attr_t attributes;
    pthread_t thread;
    int failed = 0;
    ck_assert_int_eq(pthread_attr_init(&attributes), 0);
    ck_assert_int_eq(pthread_attr_setstacksize(&attributes, SMALL_STACK_BYTES), 0);
    ck_assert_int_eq(pthread_create(&thread, &attributes, generate_in_every_mode, &failed), 0);
    pthread_join(thread, NULL);
    pthread_attr_destroy(&attributes);
    ck_assert_int_eq(failed, 0);
}
END_TEST

/* logprobs are the model's own, whatever processors and filters did; their sum is the score. Who does not ask for
 * them gets the same tokens. */
START_TEST(log_probabilities_are_the_models) {
    for (int mode = 0; mode < 3; mode++) {
        llmcs_generate_params p = defaults(12);
        p.logprobs = 1;
        p.repetition_penalty = 1.7f;
        p.do_sample = mode == 1;
        p.num_beams = mode == 2 ? 3 : 1;
        llmcs_result *r = run(&p);
        const llmcs_sequence *s = r->sequences[0];
        ck_assert_ptr_nonnull(s->logprobs);
        double sum = 0;
        for (size_t i = 0; i < s->n_ids; i++) {
            int32_t context[TINY_CONTEXT];
            llmcs_score_result expect;
            memcpy(context, prompt, sizeof prompt);
            memcpy(context + N_PROMPT, s->ids, i * sizeof *context);
            OK(llmcs_score_ids(session, context, N_PROMPT + i, &s->ids[i], 1, &expect));
            ck_assert_double_lt(fabs(expect.logprob - (double)s->logprobs[i]), 1e-4);
            sum += (double)s->logprobs[i];
        }
        if (mode < 2 && s->finish_reason == LLMCS_FINISH_LENGTH)
            ck_assert_double_lt(fabs(sum - (double)s->score), 1e-4);
        p.logprobs = 0;
        llmcs_result *plain = run(&p);
        ck_assert_ptr_null(plain->sequences[0]->logprobs);
        ck_assert_uint_eq(plain->sequences[0]->n_ids, s->n_ids);
        ck_assert_mem_eq(plain->sequences[0]->ids, s->ids, s->n_ids * sizeof *s->ids);
        ck_assert(mode == 2 ? plain->sequences[0]->score == s->score : isnan(plain->sequences[0]->score));
        llmcs_result_free(&plain);
        llmcs_result_free(&r);
    }
}
END_TEST

/* ------------------------------------------------------------------------------------------ the session */

/* Whatever the session held before, and however often, the result is the same bits. */
START_TEST(a_prompt_is_reused_and_nothing_changes) {
    llmcs_generate_params p = defaults(10);
    llmcs_result *expect = run(&p), *r;
    int32_t longer[N_PROMPT + 10];
    memcpy(longer, prompt, sizeof prompt);
    memcpy(longer + N_PROMPT, expect->sequences[0]->ids, 10 * sizeof *longer);
    for (size_t held = 0; held <= N_PROMPT + 10; held++) {
        OK(llmcs_session_rewind(session, 0));
        if (held) OK(llmcs_session_eval(session, longer, held, LLMCS_LOGITS_NONE));
        r = run(&p);
        same_result(expect, r);
        llmcs_result_free(&r);
    }
    const int32_t other[] = {90, 56, 1, 2, 3, 4, 5, 6, 7};
    OK(llmcs_session_rewind(session, 0));
    OK(llmcs_session_eval(session, other, 9, LLMCS_LOGITS_NONE));
    r = run(&p);
    same_result(expect, r);
    llmcs_result_free(&r);
    llmcs_result_free(&expect);
}
END_TEST

/* What the session holds is a beginning of prompt and first sequence, and it goes on from there as if it had been
 * evaluated afresh. Returns how many new tokens it holds. */
static size_t check_held(const int32_t *ids, size_t n_ids, const llmcs_sequence *first) {
    int32_t held[TINY_CONTEXT], expect[TINY_CONTEXT + 1];
    const int32_t next = 17;
    const float *a, *b;
    size_t n, n_rows;
    OK(llmcs_session_tokens(session, held, TINY_CONTEXT, &n));
    memcpy(expect, ids, n_ids * sizeof *ids);
    memcpy(expect + n_ids, first->ids, first->n_ids * sizeof *expect);
    ck_assert_uint_ge(n, n_ids);
    ck_assert_uint_le(n, n_ids + first->n_ids);
    ck_assert_mem_eq(held, expect, n * sizeof *held);
    OK(llmcs_session_eval(session, &next, 1, LLMCS_LOGITS_LAST));
    OK(llmcs_session_logits(session, &a, &n_rows));
    llmcs_session *fresh = new_session(model);
    OK(llmcs_session_eval(fresh, held, n, LLMCS_LOGITS_NONE));
    OK(llmcs_session_eval(fresh, &next, 1, LLMCS_LOGITS_LAST));
    OK(llmcs_session_logits(fresh, &b, &n_rows));
    ck_assert_mem_eq(a, b, TINY_VOCAB * sizeof *a);
    llmcs_session_free(&fresh);
    return n - n_ids;
}

START_TEST(the_session_holds_the_first_sequence) {
    size_t n_of_beams = 0;
    for (int32_t round = 0; round < 40; round++) {
        const int32_t ids[] = {round * 5 + 1, 200 - round, 30 + round};
        const int32_t eos[] = {187, 134, 220, 44}; /* what this model likes to say */
        llmcs_generate_params p = defaults(12);
        p.do_sample = round & 1;
        p.num_beams = round & 2 ? 4 : 1;
        p.num_return_sequences = p.do_sample ? 4 : 1;
        p.eos_token_id = eos;
        p.n_eos_token_id = (size_t)round % 5;
        llmcs_result *r = generate_ids(session, ids, 3, &p);
        size_t n = check_held(ids, 3, r->sequences[0]);
        if (p.num_beams == 1)
            ck_assert_uint_ge(n + 1, r->sequences[0]->n_ids);
        else
            n_of_beams += n;
        llmcs_result_free(&r);
    }
    ck_assert_uint_gt(n_of_beams, 100); /* not just the prompt */
}
END_TEST

START_TEST(a_result_outlives_session_and_model) {
    llmcs_model *m = open_with(TINY, 1, NULL);
    llmcs_session *s = new_session(m);
    llmcs_generate_params p = defaults(5);
    llmcs_result *r = generate_ids(s, prompt, N_PROMPT, &p), *again = run(&p);
    llmcs_session_free(&s);
    llmcs_model_free(&m);
    same_result(r, again);
    ck_assert_str_eq(r->sequences[0]->text, ""); /* no tokenizer in the folder */
    ck_assert(r->prompt_ms >= 0 && r->decode_ms >= 0);
    llmcs_result_free(&r);
    ck_assert_ptr_null(r);
    llmcs_result_free(&again);
}
END_TEST

static void add(TCase *t) {
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, a_full_context_ends_with_length);
    tcase_add_test(t, eos_is_counted_but_not_shown);
    tcase_add_test(t, nothing_left_to_choose_is_an_error_that_names_the_step);
    tcase_add_test(t, a_beam_without_continuation_does_not_end_the_search);
    tcase_add_test(t, filters_leave_beams_something_to_go_on_with);
    tcase_add_test(t, nan_from_the_model_is_an_error);
    tcase_add_test(t, a_bias_of_infinity_forces_a_token);
    tcase_add_test(t, tokens_are_told_as_they_come_and_may_be_the_last);
    tcase_add_test(t, a_callback_that_uses_the_session_is_told_busy);
    tcase_add_test(t, cancel_gives_what_there_is);
    tcase_add_test(t, cancel_from_another_thread_ends_every_mode);
    tcase_add_test(t, a_step_of_beams_can_be_interrupted_between_any_two);
    tcase_add_test(t, a_cancelled_session_copies_no_blocks_for_its_beams);
    tcase_add_test(t, a_deadline_gives_what_there_is);
    tcase_add_test(t, the_same_seed_gives_the_same_text_on_any_number_of_threads);
    tcase_add_test(t, several_sequences_are_what_each_would_be_alone);
    tcase_add_test(t, temperature_zero_is_greedy);
    tcase_add_test(t, the_hosts_rounding_mode_changes_nothing);
    tcase_add_test(t, a_small_stack_is_enough);
    tcase_add_test(t, log_probabilities_are_the_models);
    tcase_add_test(t, a_prompt_is_reused_and_nothing_changes);
    tcase_add_test(t, the_session_holds_the_first_sequence);
    tcase_add_test(t, a_result_outlives_session_and_model);
}

SUITE_MAIN("runtime/generate", add)
