/* Cancellation of one call of a session: `cancel` of llmcs_generate_params and llmcs_call_limits. It ends its call from
 * before, from a callback, a signal handler or another thread, and never the next one. */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>

#include "base/clock.h"
#include "runtime/engine_case.h"

#define N_PROMPT 12
#define N_NEW 8
#define MAX_BYTES 8192

typedef enum kind {
    GENERATE,
    GENERATE_IDS,
    BEAMS,
    SAMPLES,
    CHAT,
    EVAL,
    ENCODE,
    SCORE,
    SCORE_IDS,
    CHOOSE,
    N_CALL_KINDS
} kind;

static const char *const kind_names[] = {"generate", "generate_ids", "beams", "samples",   "chat",
                                         "eval",     "encode",       "score", "score_ids", "choose"};
static const char prompt_text[] = "Where is my parcel?";
static char long_folder[TEMP_PATH_BYTES];
static llmcs_model *gpt2, *bart;
static llmcs_session *session, *seq2seq;
static llmcs_chat *chat;
static int32_t prompt[N_PROMPT];

static void set_up(void) {
    make_long_folder(long_folder);
    gpt2 = open_model(long_folder, 2);
    bart = open_golden("bart-uneven", 2);
    session = new_session(gpt2);
    seq2seq = new_session(bart);
    OK(llmcs_chat_open_text("{{ messages[0].content }}:", LLMCS_NUL, NULL, NULL, &chat));
    for (int32_t i = 0; i < N_PROMPT; i++) prompt[i] = 3 + i * 7 % 50;
}

static void tear_down(void) {
    llmcs_chat_free(&chat);
    llmcs_session_free(&seq2seq);
    llmcs_session_free(&session);
    llmcs_model_free(&bart);
    llmcs_model_free(&gpt2);
    temp_remove(long_folder);
}

/* ------------------------------------------------------------------------------------------- one call of each kind */

/* What a call gave, for comparison. */
typedef struct outcome {
    unsigned char bytes[MAX_BYTES];
    size_t n;
    llmcs_finish_reason reason;
} outcome;

static void put(outcome *o, const void *bytes, size_t n) {
    ck_assert_uint_le(n, MAX_BYTES - o->n);
    memcpy(o->bytes + o->n, bytes, n);
    o->n += n;
}

static void put_result(outcome *o, llmcs_result *r) {
    for (size_t i = 0; r && i < r->n_sequences; i++) put(o, r->sequences[i]->ids, r->sequences[i]->n_ids * 4);
    if (r) o->reason = r->sequences[0]->finish_reason;
    llmcs_result_free(&r);
}

static llmcs_generate_params params_of(kind k) {
    static const int32_t no_eos = 0;
    llmcs_generate_params p = defaults(N_NEW);
    p.eos_token_id = &no_eos; /* none: n_eos_token_id is 0 */
    if (k == BEAMS) p.num_beams = 3;
    if (k == SAMPLES) p.do_sample = 1, p.num_return_sequences = 3;
    return p;
}

static llmcs_status generate_within(kind k, const llmcs_call_limits *limits, outcome *o) {
    llmcs_generate_params p = params_of(k);
    llmcs_chat_params conversation;
    llmcs_chat_message message = {"user", prompt_text, LLMCS_NUL, NULL, 0};
    llmcs_result *r = NULL;
    llmcs_status status;
    p.deadline_ms = limits->deadline_ms;
    p.cancel = limits->cancel;
    llmcs_chat_params_init(&conversation);
    conversation.messages = &message;
    conversation.n_messages = 1;
    if (k == GENERATE)
        status = llmcs_generate(session, prompt_text, LLMCS_NUL, &p, NULL, NULL, &r);
    else if (k == CHAT)
        status = llmcs_chat_generate(session, chat, &conversation, &p, NULL, NULL, &r);
    else
        status = llmcs_generate_ids(session, prompt, N_PROMPT, &p, NULL, NULL, &r);
    put_result(o, r);
    return status;
}

static llmcs_status eval_within(const llmcs_call_limits *limits, outcome *o) {
    const float *logits;
    size_t n_rows;
    OK(llmcs_session_rewind(session, 0));
    const llmcs_status status = llmcs_session_eval_within(session, prompt, N_PROMPT, LLMCS_LOGITS_LAST, limits);
    if (status) return status;
    OK(llmcs_session_logits(session, &logits, &n_rows));
    put(o, logits, TINY_VOCAB * sizeof *logits);
    return LLMCS_OK;
}

static llmcs_status encode_within(const llmcs_call_limits *limits, outcome *o) {
    float hidden[N_PROMPT * 128];
    llmcs_model_info info = {.struct_size = sizeof info};
    OK(llmcs_model_get_info(bart, &info));
    ck_assert_int_le(info.n_embd, 128);
    const llmcs_status status = llmcs_session_encode_within(seq2seq, prompt, N_PROMPT, limits, hidden);
    if (!status) put(o, hidden, sizeof *hidden * N_PROMPT * (size_t)info.n_embd);
    return status;
}

static llmcs_status call_within(kind k, const llmcs_call_limits *limits, outcome *o) {
    static const char *const candidates[] = {" Yes", " No", " On Monday"};
    llmcs_score_result scores[3] = {{0}};
    llmcs_status status;
    size_t best = 0;
    *o = (outcome){.n = 0};
    switch (k) {
        case EVAL:
            return eval_within(limits, o);
        case ENCODE:
            return encode_within(limits, o);
        case SCORE:
            status = llmcs_score_within(session, prompt_text, LLMCS_NUL, " Here", LLMCS_NUL, limits, scores);
            break;
        case SCORE_IDS:
            status = llmcs_score_ids_within(session, prompt, N_PROMPT, prompt, 5, limits, scores);
            break;
        case CHOOSE:
            status = llmcs_choose_within(session, prompt_text, LLMCS_NUL, candidates, 3, 1, limits, scores, &best);
            break;
        default:
            return generate_within(k, limits, o);
    }
    if (!status) put(o, scores, sizeof scores), put(o, &best, sizeof best);
    return status;
}

static llmcs_status call_with(kind k, const int32_t *cancel, outcome *o) {
    const llmcs_call_limits limits = {.struct_size = sizeof limits, .cancel = cancel};
    return call_within(k, &limits, o);
}

static void same_outcome(kind k, const outcome *a, const outcome *b) {
    ck_assert_msg(a->n && a->n == b->n && !memcmp(a->bytes, b->bytes, a->n), "%s differs", kind_names[k]);
    ck_assert_int_eq(a->reason, b->reason);
}

/* ---------------------------------------------------------------------------------------------- before and after */

START_TEST(a_late_cancellation_never_touches_the_next_call) {
    static outcome whole, next;
    for (kind k = 0; k < N_CALL_KINDS; k++) {
        OK(call_with(k, NULL, &whole));
        for (int i = 0; i < 4; i++) {
            int32_t late = 0, fresh = 0;
            OK(call_with(k, &late, &next));
            __atomic_store_n(&late, 1, __ATOMIC_RELEASE); /* its call has ended */
            OK(call_with(k, i % 2 ? &fresh : NULL, &next));
            same_outcome(k, &whole, &next);
        }
    }
}
END_TEST

START_TEST(a_cancellation_before_its_call_evaluates_nothing) {
    static outcome whole, cut;
    const int32_t yes = 1, any = -7;
    for (kind k = 0; k < N_CALL_KINDS; k++) {
        OK(call_with(k, NULL, &whole));
        for (int i = 0; i < 3; i++) { /* nobody resets the flag but its owner */
            FAILS(LLMCS_CANCELLED, "the call was cancelled", call_with(k, i % 2 ? &any : &yes, &cut));
            ck_assert_uint_eq(cut.n, 0);
        }
        OK(call_with(k, NULL, &cut));
        same_outcome(k, &whole, &cut);
    }
}
END_TEST

START_TEST(a_cancelled_eval_leaves_the_session_as_it_was) {
    const int32_t yes = 1;
    const llmcs_call_limits limits = {.struct_size = sizeof limits, .cancel = &yes};
    size_t n;
    OK(llmcs_session_eval(session, prompt, N_PROMPT, LLMCS_LOGITS_LAST));
    FAILS(LLMCS_CANCELLED, "", llmcs_session_eval_within(session, prompt, 5, LLMCS_LOGITS_LAST, &limits));
    OK(llmcs_session_tokens(session, NULL, 0, &n));
    ck_assert_uint_eq(n, N_PROMPT);
    FAILS(LLMCS_CANCELLED, "", llmcs_session_encode_within(seq2seq, prompt, N_PROMPT, &limits, NULL));
    OK(llmcs_session_encode(seq2seq, prompt, N_PROMPT, NULL));
}
END_TEST

/* The flag of a call and llmcs_session_cancel are two ways to end it; either is enough. */
START_TEST(both_ways_end_a_call_and_no_other) {
    static outcome o;
    const int32_t no = 0, yes = 1;
    for (kind k = 0; k < N_CALL_KINDS; k++) {
        llmcs_session_cancel(k == ENCODE ? seq2seq : session);
        FAILS(LLMCS_CANCELLED, "", call_with(k, &no, &o));
        OK(call_with(k, &no, &o));
        llmcs_session_cancel(k == ENCODE ? seq2seq : session);
        FAILS(LLMCS_CANCELLED, "", call_with(k, &yes, &o)); /* takes both */
        OK(call_with(k, &no, &o));
    }
}
END_TEST

START_TEST(one_flag_ends_the_calls_of_many_sessions) {
    int32_t stop = 0;
    outcome *o = calloc(1, sizeof *o);
    llmcs_session *mine = session, *other = new_session(gpt2);
    __atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
    for (int i = 0; i < 4; i++) {
        session = i % 2 ? other : mine;
        FAILS(LLMCS_CANCELLED, "", call_with(i < 2 ? GENERATE : SCORE, &stop, o));
    }
    session = mine;
    llmcs_session_free(&other);
    free(o);
}
END_TEST

START_TEST(calls_have_deadlines) {
    static outcome o;
    llmcs_call_limits limits = {.struct_size = sizeof limits};
    for (kind k = 0; k < N_CALL_KINDS; k++) {
        limits.deadline_ms = 1e-6;
        FAILS(LLMCS_DEADLINE, "the deadline passed", call_within(k, &limits, &o));
        limits.deadline_ms = 1e9;
        OK(call_within(k, &limits, &o));
        limits.deadline_ms = -1;
        FAILS(LLMCS_ARG, "deadline_ms", call_within(k, &limits, &o));
    }
}
END_TEST

/* -------------------------------------------------------------------------------------------- sizes and arguments */

START_TEST(limits_have_a_size) {
    struct {
        llmcs_call_limits limits;
        int64_t unknown; /* of a version to come */
    } newer = {{.struct_size = sizeof newer}, 0};
    llmcs_score_result score;
    const llmcs_call_limits *limits = &newer.limits;
    OK(llmcs_score_ids_within(session, prompt, 2, prompt, 2, limits, &score));
    newer.unknown = 1;
    FAILS(LLMCS_ARG, "llmcs_call_limits", llmcs_score_ids_within(session, prompt, 2, prompt, 2, limits, &score));
    newer.limits.struct_size = 3;
    FAILS(LLMCS_ARG, "llmcs_call_limits", llmcs_session_eval_within(session, prompt, 2, LLMCS_LOGITS_NONE, limits));
    OK(llmcs_session_eval_within(session, prompt, 2, LLMCS_LOGITS_NONE, NULL));
}
END_TEST

/* What lies behind the struct of a program that was compiled before the field came is not read. */
START_TEST(an_older_program_has_no_flag) {
    const int32_t yes = 1;
    llmcs_generate_params p = params_of(GENERATE_IDS);
    llmcs_result *r = NULL;
    p.cancel = &yes;
    FAILS(LLMCS_CANCELLED, "", llmcs_generate_ids(session, prompt, N_PROMPT, &p, NULL, NULL, &r));
    p.struct_size = offsetof(llmcs_generate_params, cancel);
    r = generate_ids(session, prompt, N_PROMPT, &p);
    ck_assert_int_eq(r->sequences[0]->finish_reason, LLMCS_FINISH_LENGTH);
    llmcs_result_free(&r);
    memset(&p, 0x5a, sizeof p);
    OK(llmcs_generate_params_init_sized(&p, offsetof(llmcs_generate_params, cancel), gpt2));
    for (size_t i = offsetof(llmcs_generate_params, cancel); i < sizeof p; i++)
        ck_assert_int_eq(((unsigned char *)&p)[i], 0x5a);
}
END_TEST

/* A request outlives the call that submits it, and so it would the flag. */
START_TEST(an_engine_refuses_the_flag_and_says_what_to_use) {
    const int32_t no = 0;
    llmcs_engine *engine = new_engine(gpt2, NULL);
    llmcs_generate_params p = params_of(GENERATE);
    llmcs_request *request = NULL;
    p.cancel = &no;
    FAILS(LLMCS_ARG, "llmcs_request_cancel", llmcs_engine_submit(engine, prompt_text, LLMCS_NUL, &p, NULL, &request));
    FAILS(LLMCS_ARG, "llmcs_request_cancel", llmcs_engine_submit_ids(engine, prompt, N_PROMPT, &p, NULL, &request));
    ck_assert_ptr_null(request);
    llmcs_engine_free(&engine);
}
END_TEST

/* ------------------------------------------------------------------------------ from a handler, a callback, a thread
 */

static int32_t interrupted;

static void on_interrupt(int number) {
    (void)number;
    __atomic_store_n(&interrupted, 1, __ATOMIC_RELEASE);
}

static int interrupt_at_third(void *user, int32_t id) {
    size_t *n = user;
    (void)id;
    if (++*n == 3) raise(SIGUSR1);
    return 0;
}

START_TEST(a_signal_handler_cancels) {
    const struct sigaction action = {.sa_handler = on_interrupt};
    struct sigaction before;
    llmcs_generate_params p = params_of(GENERATE_IDS);
    llmcs_result *r = NULL, *whole = generate_ids(session, prompt, N_PROMPT, &p);
    size_t n = 0;
    sigaction(SIGUSR1, &action, &before);
    __atomic_store_n(&interrupted, 0, __ATOMIC_RELEASE);
    p.cancel = &interrupted;
    OK(llmcs_generate_ids(session, prompt, N_PROMPT, &p, interrupt_at_third, &n, &r));
    ck_assert_int_eq(r->sequences[0]->finish_reason, LLMCS_FINISH_CANCELLED);
    ck_assert_uint_eq(r->sequences[0]->n_ids, 3);
    ck_assert_mem_eq(r->sequences[0]->ids, whole->sequences[0]->ids, 3 * sizeof(int32_t));
    llmcs_result_free(&r);
    __atomic_store_n(&interrupted, 0, __ATOMIC_RELEASE);
    OK(llmcs_generate_ids(session, prompt, N_PROMPT, &p, NULL, NULL, &r));
    same_result(whole, r);
    llmcs_result_free(&r);
    llmcs_result_free(&whole);
    sigaction(SIGUSR1, &before, NULL);
}
END_TEST

/* What the thread writes before it sets the flag is visible to the caller of the call that it ended. */
typedef struct canceller {
    atomic_int in_call;
    int32_t cancel;
    int note; /* no atomic: the flag orders it */
} canceller;

static void *cancel_in_call(void *arg) {
    canceller *c = arg;
    while (!atomic_load(&c->in_call)) sched_yield();
    c->note = 42;
    __atomic_store_n(&c->cancel, 1, __ATOMIC_RELEASE);
    return NULL;
}

/* A prompt that takes long enough: repeated until the flag has been seen. */
START_TEST(another_thread_cancels) {
    static const kind kinds[] = {GENERATE_IDS, BEAMS, SAMPLES, EVAL, ENCODE, SCORE, CHOOSE};
    static outcome whole, o;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        canceller c = {.note = 0};
        pthread_t thread;
        llmcs_status status = LLMCS_OK;
        OK(call_with(kinds[i], NULL, &whole));
        ck_assert_int_eq(pthread_create(&thread, NULL, cancel_in_call, &c), 0);
        bool cancelled = false;
        for (const uint64_t end = ll_now_ns() + 30000000000u; ll_now_ns() < end && !cancelled;) {
            atomic_store(&c.in_call, 1);
            status = call_with(kinds[i], &c.cancel, &o);
            cancelled = status == LLMCS_CANCELLED || o.reason == LLMCS_FINISH_CANCELLED;
            ck_assert_msg(cancelled || status == LLMCS_OK, "%s", llmcs_error_message());
        }
        ck_assert_msg(cancelled, "%s went on", kind_names[kinds[i]]);
        ck_assert_int_eq(c.note, 42);
        pthread_join(thread, NULL);
        OK(call_with(kinds[i], NULL, &o));
        same_outcome(kinds[i], &whole, &o);
    }
}
END_TEST

/* Each call has a flag of its own, which a thread sets at any time around its end, as bindings do: a call gives all, or
 * was cancelled itself. */
typedef struct call_slot {
    _Atomic(int32_t *) flag; /* of the call that runs or has just ended */
    atomic_bool over;
} call_slot;

static void *cancel_at_random(void *arg) {
    call_slot *slot = arg;
    uint64_t seed = 20261129;
    while (!atomic_load(&slot->over)) {
        int32_t *flag = atomic_load(&slot->flag);
        for (size_t spin = random_below(&seed, 20000); spin; spin--) atomic_signal_fence(memory_order_seq_cst);
        if (flag) __atomic_store_n(flag, 1, __ATOMIC_RELEASE); /* late, if that call has ended */
    }
    return NULL;
}

START_TEST(flags_set_at_any_time_end_their_own_call_only) {
    enum { CALLS = 60 };
    static int32_t flags[CALLS];
    static outcome whole, o;
    call_slot slot = {.flag = NULL};
    pthread_t thread;
    size_t n_cancelled = 0, n_after_late = 0;
    memset(flags, 0, sizeof flags);
    OK(call_with(GENERATE_IDS, NULL, &whole));
    ck_assert_int_eq(pthread_create(&thread, NULL, cancel_at_random, &slot), 0);
    for (size_t i = 0; i < CALLS; i++) {
        atomic_store(&slot.flag, &flags[i]);
        const llmcs_status status = call_with(GENERATE_IDS, &flags[i], &o);
        const bool cancelled = status == LLMCS_CANCELLED || o.reason == LLMCS_FINISH_CANCELLED;
        if (cancelled) ck_assert_int_ne(__atomic_load_n(&flags[i], __ATOMIC_ACQUIRE), 0);
        if (!cancelled) same_outcome(GENERATE_IDS, &whole, &o);
        n_cancelled += cancelled;
        OK(call_with(GENERATE_IDS, NULL, &o)); /* while the one before may still be cancelled */
        same_outcome(GENERATE_IDS, &whole, &o);
        n_after_late += !cancelled && __atomic_load_n(&flags[i], __ATOMIC_ACQUIRE);
    }
    atomic_store(&slot.over, true);
    pthread_join(thread, NULL);
    printf("seed 20261129: %zu of %d calls cancelled, %zu too late\n", n_cancelled, CALLS, n_after_late);
}
END_TEST

/* ------------------------------------------------------------------------------------------------------ encoders */

static llmcs_status embed_with(llmcs_model *m, const int32_t *cancel, float *vectors) {
    const llmcs_text texts[] = {{"good", 4, NULL, 0}, {"the bad shop", 12, NULL, 0}, {"", 0, NULL, 0}};
    llmcs_text_params p;
    llmcs_text_params_init(&p);
    p.pooling = LLMCS_POOL_MEAN;
    p.cancel = cancel;
    return llmcs_embed(m, texts, 3, &p, vectors, NULL);
}

START_TEST(batches_of_encoders_have_flags_of_their_own) {
    char folder[TEMP_PATH_BYTES];
    float whole[3 * 128], vectors[3 * 128] = {0};
    text_bert_folder("bert-cls", folder);
    llmcs_model *m = open_model(folder, 2);
    llmcs_model_info info = {.struct_size = sizeof info};
    OK(llmcs_model_get_info(m, &info));
    ck_assert_int_le(info.n_embd, 128);
    OK(embed_with(m, NULL, whole));
    for (int i = 0; i < 20; i++) {
        int32_t late = 0;
        OK(embed_with(m, &late, vectors));
        __atomic_store_n(&late, 1, __ATOMIC_RELEASE);
        OK(embed_with(m, NULL, vectors));
        ck_assert_mem_eq(vectors, whole, 3 * (size_t)info.n_embd * sizeof *whole);
        FAILS(LLMCS_CANCELLED, "the call was cancelled", embed_with(m, &late, vectors));
    }
    llmcs_model_free(&m);
    temp_remove(folder);
}
END_TEST

static void add(TCase *t) {
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, a_late_cancellation_never_touches_the_next_call);
    tcase_add_test(t, a_cancellation_before_its_call_evaluates_nothing);
    tcase_add_test(t, a_cancelled_eval_leaves_the_session_as_it_was);
    tcase_add_test(t, both_ways_end_a_call_and_no_other);
    tcase_add_test(t, one_flag_ends_the_calls_of_many_sessions);
    tcase_add_test(t, calls_have_deadlines);
    tcase_add_test(t, limits_have_a_size);
    tcase_add_test(t, an_older_program_has_no_flag);
    tcase_add_test(t, an_engine_refuses_the_flag_and_says_what_to_use);
    tcase_add_test(t, a_signal_handler_cancels);
    tcase_add_test(t, another_thread_cancels);
    tcase_add_test(t, flags_set_at_any_time_end_their_own_call_only);
    tcase_add_test(t, batches_of_encoders_have_flags_of_their_own);
}

SUITE_MAIN("runtime/cancel", add)
