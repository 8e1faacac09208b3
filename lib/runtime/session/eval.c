/* Evaluates tokens: the forward passes of a session. */
#include <string.h>

#include "base/call.h"
#include "runtime/check.h"
#include "runtime/numbers.h"
#include "runtime/session/session_internal.h"

/* ------------------------------------------------------------------------------------------- a forward pass */

llmcs_status ll_session_check_stop(llmcs_session *s) {
    s->cancel_read = true;
    const bool cancelled = atomic_load_explicit(&s->cancel, memory_order_acquire);
    const llmcs_status stop = cancelled ? LLMCS_CANCELLED : ll_limits_check(&s->limits);
    return stop ? ll_fail(stop, "%s", ll_limits_message(stop)) : LLMCS_OK;
}

/* Between layers, on one thread. */
static bool should_stop_session(void *user) {
    llmcs_session *s = user;
    s->stop = ll_session_check_stop(s);
    return s->stop != LLMCS_OK;
}

static llmcs_status forward_session(llmcs_session *s, ll_batch *batch) {
    s->stop = LLMCS_OK;
    batch->should_stop = should_stop_session;
    batch->user = s;
    llmcs_status st = ll_net_forward(s->model->net, s->model->pool, batch, s->workspace);
    if (st == LLMCS_CANCELLED && s->stop) return ll_fail(s->stop, "%s", ll_limits_message(s->stop));
    return st;
}

/* A segment at the end of q. Its rows also attend to the session's source, if there is one. */
static ll_segment segment_of(const llmcs_session *s, const ll_sequence *q) {
    return (ll_segment){.first_position = q->n_tokens,
                        .kv_blocks = q->blocks,
                        .source_blocks = s->source.blocks,
                        .n_source = s->source.n_tokens};
}

static llmcs_status check_source(const llmcs_session *s) {
    if (!s->model->net->has_source || s->source.n_tokens) return LLMCS_OK;
    return ll_fail(LLMCS_STATE, "the session has no source: %s is an encoder-decoder; call llmcs_session_encode first",
                   s->model->config.model_type);
}

static llmcs_status check_capacity(const llmcs_session *s, const ll_sequence *q, size_t n) {
    if (n <= s->n_ctx - q->n_tokens) return LLMCS_OK;
    return ll_fail(LLMCS_CONTEXT_FULL, "%zu tokens do not fit: the session holds %zu of n_ctx %zu", n, q->n_tokens,
                   s->n_ctx);
}

/* ---------------------------------------------------------------------------------- one sequence, many tokens */

/* Evaluates n tokens after q, in chunks. logits: [n, vocab] for ALL, [vocab] for LAST. q has blocks for them and is not
 * changed. */
static llmcs_status eval_chunks(llmcs_session *s, const ll_sequence *q, const int32_t *ids, size_t n,
                                llmcs_want_logits want, float *logits) {
    size_t vocab = (size_t)s->model->config.vocab_size;
    for (size_t done = 0, n_rows; done < n; done += n_rows) {
        n_rows = ll_min(n - done, s->max_rows);
        uint32_t last_row = (uint32_t)(n_rows - 1);
        ll_segment segment = segment_of(s, q);
        segment.n_rows = n_rows;
        segment.first_position += done;
        ll_batch batch = {.n_rows = n_rows, .ids = ids + done, .segments = &segment, .n_segments = 1};
        if (want == LLMCS_LOGITS_ALL) {
            batch.logit_rows = s->rows;
            batch.n_logit_rows = n_rows;
            batch.logits = logits + done * vocab;
        } else if (want == LLMCS_LOGITS_LAST && done + n_rows == n) {
            batch.logit_rows = &last_row;
            batch.n_logit_rows = 1;
            batch.logits = logits;
        }
        LL_TRY(forward_session(s, &batch));
    }
    return LLMCS_OK;
}

llmcs_status ll_session_reserve_logits(llmcs_session *s, size_t n) {
    size_t n_floats;
    if (!ll_mul(n, (size_t)s->model->config.vocab_size, &n_floats))
        return ll_fail(LLMCS_LIMIT, "logits of %zu tokens are more than can be addressed", n);
    if (n_floats <= s->n_all_floats) return LLMCS_OK;
    float *fresh;
    LL_TRY(ll_alloc(&s->model->allocator, n_floats, sizeof(float), "logits of all tokens", &fresh));
    if (s->last_logits == s->all_logits) ll_session_forget_logits(s);
    ll_free(&s->model->allocator, s->all_logits);
    s->all_logits = fresh;
    s->n_all_floats = n_floats;
    return LLMCS_OK;
}

llmcs_status ll_seq_eval(llmcs_session *s, size_t seq, const int32_t *ids, size_t n, llmcs_want_logits want,
                         const float **logits) {
    ll_sequence *q = ll_session_sequence(s, seq);
    LL_TRY(check_source(s));
    LL_TRY(check_capacity(s, q, n)); /* before ids are read: n may be absurdly large */
    LL_TRY(ll_check_ids(LLMCS_TOKEN_RANGE, "ids", 0, ids, n, (size_t)s->model->config.vocab_size));
    if (want == LLMCS_LOGITS_ALL) LL_TRY(ll_session_reserve_logits(s, n));
    LL_TRY(ll_sequence_extend(&s->kv, q, n));
    float *out = want == LLMCS_LOGITS_ALL ? s->all_logits : s->logits;
    size_t n_rows = want == LLMCS_LOGITS_ALL ? n : want == LLMCS_LOGITS_LAST ? 1 : 0;
    llmcs_status st = eval_chunks(s, q, ids, n, want, out);
    if (!st) st = ll_check_finite(s->model->kernels, out, n_rows, (size_t)s->model->config.vocab_size, "logits");
    /* A forward pass that stops between layers has written no logits; other failures may have. */
    bool written = !st || st == LLMCS_NUMERIC || want == LLMCS_LOGITS_ALL;
    if (written && (s->last_logits == out || seq == 0)) ll_session_forget_logits(s);
    if (st) {
        ll_sequence_truncate(&s->kv, q, q->n_tokens);
        return st;
    }
    memcpy(q->tokens + q->n_tokens, ids, n * sizeof *ids);
    q->n_tokens += n;
    if (seq == 0 && n_rows) {
        s->last_logits = out;
        s->n_last_rows = n_rows;
    }
    if (logits) *logits = n_rows ? out : NULL;
    return LLMCS_OK;
}

llmcs_status llmcs_session_eval_within(llmcs_session *session, const int32_t *ids, size_t n_ids, llmcs_want_logits want,
                                       const llmcs_call_limits *limits) {
    LL_PUBLIC_CALL;
    if (!ids || n_ids == 0) return ll_fail(LLMCS_ARG, "llmcs_session_eval: no tokens");
    if ((unsigned)want > LLMCS_LOGITS_ALL)
        return ll_fail(LLMCS_ARG, "want: %d is not valid (0 to %d)", (int)want, LLMCS_LOGITS_ALL);
    LL_TRY(ll_session_enter_within(session, limits));
    llmcs_status st = ll_seq_eval(session, 0, ids, n_ids, want, NULL);
    ll_session_leave(session);
    return st;
}

llmcs_status llmcs_session_eval(llmcs_session *session, const int32_t *ids, size_t n_ids, llmcs_want_logits want) {
    return llmcs_session_eval_within(session, ids, n_ids, want, NULL);
}

/* ----------------------------------------------------------------------------------------------- the source */

static llmcs_status forward_source(llmcs_session *s, const int32_t *ids, size_t n, float *hidden) {
    const ll_segment segment = {.n_rows = n, .source_blocks = s->source.blocks, .n_source = n};
    ll_batch batch = {
        .n_rows = n, .ids = ids, .segments = &segment, .n_segments = 1, .encodes = true, .hidden = hidden};
    return forward_session(s, &batch);
}

static bool holds_source(const llmcs_session *s, const int32_t *ids, size_t n) {
    return s->source.n_tokens == n && memcmp(s->source.tokens, ids, n * sizeof *ids) == 0;
}

llmcs_status ll_session_encode(llmcs_session *s, const int32_t *ids, size_t n, float *hidden) {
    const llmcs_model *m = s->model;
    if (n > s->n_ctx)
        return ll_fail(LLMCS_CONTEXT_FULL, "the source has %zu tokens, at most n_ctx %zu can be encoded", n, s->n_ctx);
    LL_TRY(ll_check_ids(LLMCS_TOKEN_RANGE, "source", 0, ids, n, (size_t)m->config.encoder.vocab_size));
    if (!hidden && holds_source(s, ids, n)) return LLMCS_OK;
    ll_session_forget_logits(s);
    for (size_t i = 0; i < ll_max(s->reserved.n_seqs, 1); i++)
        ll_sequence_truncate(&s->kv, ll_session_sequence(s, i), 0);
    ll_sequence_truncate(&s->kv, &s->source, 0);
    LL_TRY(ll_sequence_extend(&s->kv, &s->source, n));
    llmcs_status st = forward_source(s, ids, n, hidden);
    if (st) {
        ll_sequence_truncate(&s->kv, &s->source, 0);
        return st;
    }
    memcpy(s->source.tokens, ids, n * sizeof *ids);
    s->source.n_tokens = n;
    return LLMCS_OK;
}

llmcs_status llmcs_session_encode_within(llmcs_session *session, const int32_t *ids, size_t n_ids,
                                         const llmcs_call_limits *limits, float *hidden) {
    LL_PUBLIC_CALL;
    if (!ids || n_ids == 0) return ll_fail(LLMCS_ARG, "llmcs_session_encode: no tokens");
    LL_TRY(ll_session_enter_within(session, limits));
    llmcs_status st = ll_model_check_head(session->model, LLMCS_HEAD_SEQ2SEQ_LM, "llmcs_session_encode");
    if (!st) st = ll_session_encode(session, ids, n_ids, hidden);
    if (!st) ll_seq_rewind(session, 0, 0);
    ll_session_leave(session);
    return st;
}

llmcs_status llmcs_session_encode(llmcs_session *session, const int32_t *ids, size_t n_ids, float *hidden) {
    return llmcs_session_encode_within(session, ids, n_ids, NULL, hidden);
}

/* --------------------------------------------------------------------------------- many sequences, one token */

/* Evaluates the next token of n sequences in one forward pass. */
static llmcs_status forward_sequences(llmcs_session *s, const size_t *seqs, const int32_t *ids, size_t n,
                                      float *logits) {
    for (size_t i = 0; i < n; i++) {
        const ll_sequence *q = ll_session_sequence(s, seqs[i]);
        s->segments[i] = segment_of(s, q);
        s->segments[i].first_row = i;
        s->segments[i].n_rows = 1;
    }
    ll_batch batch = {.n_rows = n,
                      .ids = ids,
                      .segments = s->segments,
                      .n_segments = n,
                      .logit_rows = s->rows,
                      .n_logit_rows = n,
                      .logits = logits};
    return forward_session(s, &batch);
}

static llmcs_status extend_all(llmcs_session *s, const size_t *seqs, size_t n) {
    for (size_t i = 0; i < n; i++) {
        ll_sequence *q = ll_session_sequence(s, seqs[i]);
        LL_TRY(check_capacity(s, q, 1));
        if (i) LL_TRY(ll_session_check_stop(s)); /* each extension may copy a shared block, and there may be many */
        LL_TRY(ll_sequence_extend(&s->kv, q, 1));
    }
    return LLMCS_OK;
}

llmcs_status ll_seqs_eval(llmcs_session *s, const size_t *seqs, const int32_t *ids, size_t n, const float **logits) {
    size_t vocab = (size_t)s->model->config.vocab_size;
    float *out = s->reserved.n_seqs ? s->reserved.logits : s->logits;
    LL_TRY(ll_check_ids(LLMCS_TOKEN_RANGE, "ids", 0, ids, n, (size_t)s->model->config.vocab_size));
    ll_session_forget_logits(s);
    llmcs_status st = extend_all(s, seqs, n);
    for (size_t done = 0, n_rows; !st && done < n; done += n_rows) {
        n_rows = ll_min(n - done, s->max_rows);
        st = forward_sequences(s, seqs + done, ids + done, n_rows, out + done * vocab);
        if (!st) st = ll_check_finite(s->model->kernels, out + done * vocab, n_rows, vocab, "logits");
    }
    for (size_t i = 0; i < n; i++) {
        ll_sequence *q = ll_session_sequence(s, seqs[i]);
        if (st)
            ll_sequence_truncate(&s->kv, q, q->n_tokens);
        else
            q->tokens[q->n_tokens++] = ids[i];
    }
    if (!st && logits) *logits = out;
    return st;
}
