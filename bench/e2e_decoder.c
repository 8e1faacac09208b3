/* Decoders: prompts, decoding after a context, concurrent conversations. */
#include <stdio.h>

#include "base/clock.h"
#include "e2e.h"
#include "runtime/session/session.h"

#define NEW_TOKENS 24   /* of one pass: 1000 and 24 fit GPT-2's context */
#define BATCH_PROMPT 64 /* what each of several conversations holds before */
#define BATCH_STEPS 16

typedef struct job {
    subject *s;
    llmcs_session *session;
    size_t tokens, batch;
    size_t held; /* tokens of the context that are already in the session */
} job;

static double seconds_since(uint64_t start) { return (double)(ll_now_ns() - start) * 1e-9; }

static double prompt_pass(const bench *b, void *arg) {
    const job *j = arg;
    (void)b;
    const uint64_t start = ll_now_ns();
    if (llmcs_session_rewind(j->session, 0) || llmcs_session_eval(j->session, j->s->ids, j->tokens, LLMCS_LOGITS_LAST))
        return -1;
    return seconds_since(start);
}

/* The context is evaluated once; each pass truncates the session to its end. */
static double decode_pass(const bench *b, void *arg) {
    job *j = arg;
    (void)b;
    if (j->held != j->tokens) {
        if (llmcs_session_rewind(j->session, 0) ||
            llmcs_session_eval(j->session, j->s->ids, j->tokens, LLMCS_LOGITS_NONE))
            return -1;
        j->held = j->tokens;
    }
    if (llmcs_session_rewind(j->session, j->held)) return -1;
    const uint64_t start = ll_now_ns();
    for (size_t i = 0; i < NEW_TOKENS; i++)
        if (llmcs_session_eval(j->session, j->s->ids + i, 1, LLMCS_LOGITS_LAST)) return -1;
    return seconds_since(start);
}

/* Advances all sequences by one token, BATCH_STEPS times. */
static double batch_pass(const bench *b, void *arg) {
    const job *j = arg;
    (void)b;
    size_t seqs[BENCH_MAX_LIST * 4];
    const float *logits;
    for (size_t q = 0; q < j->batch; q++) {
        seqs[q] = q;
        ll_seq_rewind(j->session, q, BATCH_PROMPT);
    }
    const uint64_t start = ll_now_ns();
    for (size_t i = 0; i < BATCH_STEPS; i++)
        if (ll_seqs_eval(j->session, seqs, j->s->ids + i, j->batch, &logits)) return -1;
    return seconds_since(start);
}

static int measure_prompt(job *j, size_t tokens) {
    const llmcs_model_info *i = &j->s->info;
    char label[64];
    snprintf(label, sizeof label, "prompt of %zu", tokens);
    j->tokens = tokens;
    const bench_cost cost = {1, e2e_step_weights(j->s),
                             (double)tokens * e2e_layer_operations(j->s) + e2e_head_operations(j->s),
                             e2e_arithmetic(i)};
    const bench_row row = e2e_row(j->s, label, "prompt", tokens, 1, (double)tokens, "tokens/s");
    return bench_measure(j->s->b, &row, prompt_pass, j, &cost);
}

static int measure_decode(job *j, size_t context) {
    const llmcs_model_info *i = &j->s->info;
    char label[64];
    snprintf(label, sizeof label, "decoding after %zu", context);
    j->tokens = context;
    j->held = 0;
    const bench_cost cost = {NEW_TOKENS,
                             e2e_step_weights(j->s) + e2e_context_bytes(j->s, (double)context + 0.5 * NEW_TOKENS),
                             e2e_layer_operations(j->s) + e2e_head_operations(j->s), e2e_arithmetic(i)};
    const bench_row row = e2e_row(j->s, label, "decode", context, 1, NEW_TOKENS, "tokens/s");
    return bench_measure(j->s->b, &row, decode_pass, j, &cost);
}

/* Starts `batch` conversations with different prompts of BATCH_PROMPT tokens. */
static int prepare_batch(const job *j) {
    const float *logits;
    if (ll_session_reserve(j->session, j->batch, BATCH_PROMPT + BATCH_STEPS)) return 1;
    for (size_t q = 0; q < j->batch; q++) {
        ll_seq_rewind(j->session, q, 0);
        if (ll_seq_eval(j->session, q, j->s->ids + q % 32, BATCH_PROMPT, LLMCS_LOGITS_NONE, &logits)) return 1;
    }
    return 0;
}

static int measure_batch(job *j, size_t batch) {
    const llmcs_model_info *i = &j->s->info;
    char label[64];
    snprintf(label, sizeof label, "%zu conversation%s", batch, batch > 1 ? "s together" : "");
    j->batch = batch;
    const double n = (double)batch;
    const bench_cost cost = {BATCH_STEPS,
                             e2e_step_weights(j->s) + n * e2e_context_bytes(j->s, BATCH_PROMPT + 0.5 * BATCH_STEPS),
                             n * (e2e_layer_operations(j->s) + e2e_head_operations(j->s)), e2e_arithmetic(i)};
    const bench_row row = e2e_row(j->s, label, "batch", BATCH_PROMPT, batch, BATCH_STEPS * n, "tokens/s");
    if (ll_session_enter(j->session)) return bench_failed(label);
    int code = prepare_batch(j) ? bench_failed(label) : bench_measure(j->s->b, &row, batch_pass, j, &cost);
    ll_session_release(j->session);
    ll_session_leave(j->session);
    return code;
}

static int measure_all(job *j) {
    const bench_options *o = j->s->b->options;
    const size_t n_ctx = (size_t)j->s->info.n_ctx;
    const bench_list prompts = e2e_list(&o->prompts, (bench_list){3, {16, 128, 512}});
    const bench_list contexts = e2e_list(&o->contexts, (bench_list){3, {10, 512, 1000}});
    const bench_list batches = e2e_list(&o->batches, (bench_list){3, {1, 4, 16}});
    int code = 0;
    for (int i = 0; i < prompts.n && !code; i++)
        if ((size_t)prompts.values[i] <= n_ctx) code = measure_prompt(j, (size_t)prompts.values[i]);
    for (int i = 0; i < contexts.n && !code; i++)
        if ((size_t)contexts.values[i] + NEW_TOKENS <= n_ctx) code = measure_decode(j, (size_t)contexts.values[i]);
    for (int i = 0; i < batches.n && !code; i++)
        if (BATCH_PROMPT + BATCH_STEPS <= n_ctx) code = measure_batch(j, (size_t)batches.values[i]);
    return code;
}

/* What the longest prompt or context needs: models of long contexts have sessions of LLMCS_DEFAULT_N_CTX tokens. */
static int32_t tokens_needed(const subject *s) {
    const bench_list *lists[] = {&s->b->options->prompts, &s->b->options->contexts};
    int64_t most = LLMCS_DEFAULT_N_CTX;
    for (size_t l = 0; l < 2; l++)
        for (int i = 0; i < lists[l]->n; i++)
            if (lists[l]->values[i] + NEW_TOKENS > most) most = lists[l]->values[i] + NEW_TOKENS;
    return (int32_t)(most < s->info.n_ctx ? most : s->info.n_ctx);
}

int e2e_decoder(subject *s) {
    job j = {.s = s};
    llmcs_session_options options;
    llmcs_session_options_init(&options);
    options.n_ctx = tokens_needed(s);
    if (llmcs_session_create(s->model, &options, &j.session)) return bench_failed(s->name);
    const int code = measure_all(&j);
    llmcs_session_free(&j.session);
    return code;
}
