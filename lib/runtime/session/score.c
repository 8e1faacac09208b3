/* Log-probabilities of continuations of a prompt, which is evaluated once for all of them. */
#include <string.h>

#include "base/call.h"
#include "runtime/check.h"
#include "runtime/numbers.h"
#include "runtime/session/session_internal.h"
#include "text/tokenizer.h"

/* Continuations are evaluated this many tokens at a time: each needs a row of logits as wide as the vocabulary. */
#define CHUNK_TOKENS ((size_t)32)

typedef struct ids {
    int32_t *ids;
    size_t n;
} ids;

/* logits are finite: they were checked after the forward pass. */
static double log_probability(const llmcs_session *s, const float *logits, int32_t id) {
    double log_sum = 0;
    (void)ll_log_sum_of_row(s->model->kernels, logits, (size_t)s->model->config.vocab_size, &log_sum);
    return (double)logits[id] - log_sum;
}

/* -------------------------------------------------------------------------------------------------- on ids */

/* Checks the arguments before the session drops its tokens. The last token of a continuation is not evaluated, so it
 * does not count against n_ctx. */
static llmcs_status check_continuations(const llmcs_session *s, const ids *prompt, const ids *continuations, size_t n) {
    if (!prompt->n) return ll_fail(LLMCS_ARG, "the prompt is empty and the model has no BOS token: give a prompt");
    for (size_t i = 0; i < n; i++) {
        size_t n_new = continuations[i].n ? continuations[i].n - 1 : 0;
        if (prompt->n > s->n_ctx || n_new > s->n_ctx - prompt->n)
            return ll_fail(LLMCS_CONTEXT_FULL, "prompt and continuation are %zu + %zu tokens, n_ctx is %zu", prompt->n,
                           continuations[i].n, s->n_ctx);
    }
    const size_t vocab = (size_t)s->model->config.vocab_size;
    LL_TRY(ll_check_ids(LLMCS_TOKEN_RANGE, "prompt", 0, prompt->ids, prompt->n, vocab));
    for (size_t i = 0; i < n; i++)
        LL_TRY(ll_check_ids(LLMCS_TOKEN_RANGE, "continuation", 0, continuations[i].ids, continuations[i].n, vocab));
    return LLMCS_OK;
}

/* Adds the log-probabilities of all tokens but the first, whose is computed from the prompt's logits. */
static llmcs_status score_rest(llmcs_session *s, const ids *c, double *logprob) {
    size_t vocab = (size_t)s->model->config.vocab_size;
    for (size_t done = 0, n; done + 1 < c->n; done += n) {
        const float *logits;
        n = ll_min(CHUNK_TOKENS, c->n - 1 - done);
        LL_TRY(ll_seq_eval(s, 0, c->ids + done, n, LLMCS_LOGITS_ALL, &logits));
        for (size_t i = 0; i < n; i++) *logprob += log_probability(s, logits + i * vocab, c->ids[done + i + 1]);
    }
    return LLMCS_OK;
}

/* Encoder-decoders: the prompt is the source, and the decoder starts with decoder_start_token_id. */
static llmcs_status encode_source(llmcs_session *s, const ids *source) {
    if (!source->n) return ll_fail(LLMCS_ARG, "the source has no tokens");
    if (s->model->config.decoder_start_token_id < 0)
        return ll_fail(LLMCS_ARG,
                       "the model's folder has no decoder_start_token_id: the score of a continuation needs it");
    return ll_session_encode(s, source->ids, source->n, NULL);
}

/* Afterwards the session holds the prompt. */
static llmcs_status score_all(llmcs_session *s, const ids *prompt, const ids *continuations, size_t n,
                              llmcs_score_result *results) {
    const float *logits;
    int32_t start = s->model->config.decoder_start_token_id;
    const ids started = {&start, 1};
    if (s->model->net->has_source) {
        LL_TRY(encode_source(s, prompt));
        prompt = &started;
    }
    LL_TRY(check_continuations(s, prompt, continuations, n));
    const size_t n_kept = ll_seq_keep_prefix(s, prompt->ids, prompt->n);
    LL_TRY(ll_seq_eval(s, 0, prompt->ids + n_kept, prompt->n - n_kept, LLMCS_LOGITS_LAST, &logits));
    for (size_t i = 0; i < n; i++) {
        results[i] = (llmcs_score_result){.n_tokens = continuations[i].n};
        if (continuations[i].n) results[i].logprob = log_probability(s, logits, continuations[i].ids[0]);
    }
    llmcs_status st = LLMCS_OK;
    for (size_t i = 0; !st && i < n; i++) {
        st = score_rest(s, &continuations[i], &results[i].logprob);
        ll_seq_rewind(s, 0, prompt->n);
    }
    return st;
}

llmcs_status llmcs_score_ids_within(llmcs_session *session, const int32_t *prompt, size_t n_prompt,
                                    const int32_t *continuation, size_t n_continuation, const llmcs_call_limits *limits,
                                    llmcs_score_result *result) {
    LL_PUBLIC_CALL;
    if (!result || (!prompt && n_prompt) || (!continuation && n_continuation))
        return ll_fail(LLMCS_ARG, "llmcs_score_ids: prompt, continuation or result is NULL");
    LL_TRY(ll_session_enter_within(session, limits));
    int32_t bos = session->model->config.bos_token_id;
    ids p = {(int32_t *)(uintptr_t)prompt, n_prompt}, c = {(int32_t *)(uintptr_t)continuation, n_continuation};
    if (!n_prompt && bos >= 0) p = (ids){&bos, 1};
    llmcs_score_result found;
    llmcs_status st = score_all(session, &p, &c, 1, &found);
    ll_session_leave(session);
    if (!st) *result = found;
    return st;
}

llmcs_status llmcs_score_ids(llmcs_session *session, const int32_t *prompt, size_t n_prompt,
                             const int32_t *continuation, size_t n_continuation, llmcs_score_result *result) {
    return llmcs_score_ids_within(session, prompt, n_prompt, continuation, n_continuation, NULL, result);
}

/* ------------------------------------------------------------------------------------------------ on texts */

/* Encodes a text in which special tokens are plain text; one that cannot fit is refused unread. flags: 0, or
 * LLMCS_ADD_SPECIAL_TOKENS. */
static llmcs_status encode_plain(const llmcs_session *s, const char *text, size_t text_bytes, uint32_t flags,
                                 ids *out) {
    *out = (ids){0};
    if (text_bytes == LLMCS_NUL) text_bytes = text ? strlen(text) : 0;
    const size_t n_least = ll_tokenizer_min_tokens(s->model->tokenizer, text_bytes, flags);
    if (n_least > s->n_ctx)
        return ll_fail(LLMCS_CONTEXT_FULL, "a text has %zu bytes, which are at least %zu tokens; n_ctx is %zu",
                       text_bytes, n_least, s->n_ctx);
    return ll_encode_ids(s->model->tokenizer, &s->model->allocator, text, text_bytes, flags,
                         &(ll_languages){NULL, NULL}, &out->ids, &out->n);
}

static llmcs_status encode_prompt(const llmcs_session *s, const char *text, size_t text_bytes, ids *out) {
    /* Encoders are trained on texts that end with EOS. */
    LL_TRY(encode_plain(s, text, text_bytes, s->model->net->has_source ? LLMCS_ADD_SPECIAL_TOKENS : 0, out));
    int32_t bos = s->model->config.bos_token_id;
    if (out->n || bos < 0) return LLMCS_OK;
    out->ids[0] = bos;
    out->n = 1;
    return LLMCS_OK;
}

static void free_ids(const llmcs_session *s, ids *list, size_t n) {
    for (size_t i = 0; list && i < n; i++) ll_free(&s->model->allocator, list[i].ids);
    ll_free(&s->model->allocator, list);
}

/* Encodes a list of texts, the prompt first. */
static llmcs_status encode_all(const llmcs_session *s, const llmcs_text *prompt, const llmcs_text *texts, size_t n,
                               ids **out) {
    size_t n_all;
    *out = NULL;
    LL_TRY(ll_model_check_tokenizer(s->model));
    if (!ll_add(n, 1, &n_all)) return ll_fail(LLMCS_ARG, "%zu candidates", n);
    LL_TRY(ll_alloc_zero(&s->model->allocator, n_all, sizeof **out, "token ids", out));
    llmcs_status st = encode_prompt(s, prompt->text, prompt->text_bytes, &(*out)[0]);
    for (size_t i = 0; !st && i < n; i++) st = encode_plain(s, texts[i].text, texts[i].text_bytes, 0, &(*out)[i + 1]);
    if (!st) return LLMCS_OK;
    free_ids(s, *out, n_all);
    *out = NULL;
    return st;
}

llmcs_status llmcs_score_within(llmcs_session *session, const char *prompt, size_t prompt_bytes,
                                const char *continuation, size_t continuation_bytes, const llmcs_call_limits *limits,
                                llmcs_score_result *result) {
    LL_PUBLIC_CALL;
    if (!result || (!prompt && prompt_bytes) || !continuation)
        return ll_fail(LLMCS_ARG, "llmcs_score: prompt, continuation or result is NULL");
    LL_TRY(ll_session_enter_within(session, limits));
    llmcs_text p = {prompt, prompt_bytes, NULL, 0}, c = {continuation, continuation_bytes, NULL, 0};
    llmcs_score_result found;
    ids *list;
    llmcs_status st = encode_all(session, &p, &c, 1, &list);
    if (!st) st = score_all(session, &list[0], &list[1], 1, &found);
    free_ids(session, list, 2);
    ll_session_leave(session);
    if (!st) *result = found;
    return st;
}

llmcs_status llmcs_score(llmcs_session *session, const char *prompt, size_t prompt_bytes, const char *continuation,
                         size_t continuation_bytes, llmcs_score_result *result) {
    return llmcs_score_within(session, prompt, prompt_bytes, continuation, continuation_bytes, NULL, result);
}

static size_t best_of(const llmcs_score_result *results, size_t n, bool per_token) {
    size_t best = 0;
    double top = 0.0;
    for (size_t i = 0; i < n; i++) {
        double value = per_token ? results[i].logprob / (double)results[i].n_tokens : results[i].logprob;
        if (i == 0 || value > top) {
            best = i;
            top = value;
        }
    }
    return best;
}

/* Scores the candidates. Empty ones are refused: they have no tokens to score. */
static llmcs_status score_candidates(llmcs_session *s, const llmcs_text *prompt, const char *const *candidates,
                                     size_t n, llmcs_score_result *results) {
    llmcs_text *texts;
    ids *list = NULL;
    LL_TRY(ll_alloc(&s->model->allocator, n, sizeof *texts, "candidates", &texts));
    llmcs_status st = LLMCS_OK;
    for (size_t i = 0; !st && i < n; i++) {
        texts[i] = (llmcs_text){candidates[i], LLMCS_NUL, NULL, 0};
        if (!candidates[i] || !candidates[i][0]) st = ll_fail(LLMCS_ARG, "candidate %zu is NULL or empty", i);
    }
    if (!st) st = encode_all(s, prompt, texts, n, &list);
    if (!st) st = score_all(s, &list[0], &list[1], n, results);
    free_ids(s, list, n + 1);
    ll_free(&s->model->allocator, texts);
    return st;
}

llmcs_status llmcs_choose_within(llmcs_session *session, const char *prompt, size_t prompt_bytes,
                                 const char *const *candidates, size_t n_candidates, int per_token,
                                 const llmcs_call_limits *limits, llmcs_score_result *results, size_t *best) {
    LL_PUBLIC_CALL;
    if (!candidates || n_candidates == 0 || !results || !best || (!prompt && prompt_bytes))
        return ll_fail(LLMCS_ARG, "llmcs_choose: no candidates, or prompt, results or best is NULL");
    LL_TRY(ll_check_array("candidates", n_candidates, sizeof *candidates));
    LL_TRY(ll_session_enter_within(session, limits));
    llmcs_text p = {prompt, prompt_bytes, NULL, 0};
    llmcs_status st = score_candidates(session, &p, candidates, n_candidates, results);
    ll_session_leave(session);
    if (!st) *best = best_of(results, n_candidates, per_token != 0);
    return st;
}

llmcs_status llmcs_choose(llmcs_session *session, const char *prompt, size_t prompt_bytes,
                          const char *const *candidates, size_t n_candidates, int per_token,
                          llmcs_score_result *results, size_t *best) {
    return llmcs_choose_within(session, prompt, prompt_bytes, candidates, n_candidates, per_token, NULL, results, best);
}
