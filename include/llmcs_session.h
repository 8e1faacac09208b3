/*
 * llmcs_session.h - the part of llmcs.h for sessions by token ids, and for the probability of texts. llmcs.h includes
 * it.
 *
 *     const float *logits;
 *     size_t n_rows;
 *     llmcs_status status = llmcs_session_eval(session, ids, n_ids, LLMCS_LOGITS_LAST);
 *     if (!status) status = llmcs_session_logits(session, &logits, &n_rows); // [1, vocab_size]
 *     if (!status) printf("%g\n", (double)logits[0]);
 *
 * llmcs_generate does this for each token; these calls are for programs that choose tokens on their own.
 */
#include "llmcs.h" /* which includes this file at its end, whichever of the two comes first */

#ifndef LLMCS_SESSION_H
#define LLMCS_SESSION_H

#ifdef __cplusplus
extern "C" {
#endif

typedef enum llmcs_want_logits { LLMCS_LOGITS_NONE = 0, LLMCS_LOGITS_LAST = 1, LLMCS_LOGITS_ALL = 2 } llmcs_want_logits;

/* Appends n_ids tokens and evaluates them. Splitting a prompt over several calls gives the same bits. A failed call
 * leaves the session unchanged. Errors: ARG NOMEM CONTEXT_FULL TOKEN_RANGE NUMERIC CANCELLED BUSY STATE (an
 * encoder-decoder without a source) FORK. */
LLMCS_API llmcs_status llmcs_session_eval(llmcs_session *session, const int32_t *ids, size_t n_ids,
                                          llmcs_want_logits want);

/* llmcs_session_eval with limits; NULL: none. Errors: as llmcs_session_eval, and DEADLINE. */
LLMCS_API llmcs_status llmcs_session_eval_within(llmcs_session *session, const int32_t *ids, size_t n_ids,
                                                 llmcs_want_logits want, const llmcs_call_limits *limits);

/* Encodes a source of n_ids tokens with an encoder-decoder. The session drops the decoder's tokens; llmcs_session_eval
 * then evaluates new ones, decoder_start_token_id first. hidden: [n_ids, n_embd] the encoder's output, or NULL; with
 * NULL, a source that the session already holds is not encoded again. After a failed call the session may hold no
 * source. Errors: ARG NOMEM CONTEXT_FULL (a source longer than n_ctx) TOKEN_RANGE NO_HEAD (not an encoder-decoder)
 * CANCELLED BUSY FORK. */
LLMCS_API llmcs_status llmcs_session_encode(llmcs_session *session, const int32_t *ids, size_t n_ids, float *hidden);

/* llmcs_session_encode with limits; NULL: none. Errors: as llmcs_session_encode, and DEADLINE. */
LLMCS_API llmcs_status llmcs_session_encode_within(llmcs_session *session, const int32_t *ids, size_t n_ids,
                                                   const llmcs_call_limits *limits, float *hidden);

/* Logits of the last eval: *logits is [*n_rows, vocab_size], for the last token or for all; valid until the next call
 * with this session. Errors: ARG BUSY FORK STATE (no logits were requested). */
LLMCS_API llmcs_status llmcs_session_logits(llmcs_session *session, const float **logits, size_t *n_rows);

/* Sets *n_tokens to the number of tokens held and copies the first `capacity` of them to ids, unless ids is NULL.
 * Errors: ARG BUSY FORK. */
LLMCS_API llmcs_status llmcs_session_tokens(llmcs_session *session, int32_t *ids, size_t capacity, size_t *n_tokens);

/* Drops all but the first n_tokens. Errors: ARG (more than it holds) BUSY FORK. */
LLMCS_API llmcs_status llmcs_session_rewind(llmcs_session *session, size_t n_tokens);

/* Copies the session; both continue independently from here, with the same n_ctx. Errors: ARG NOMEM BUSY FORK. */
LLMCS_API llmcs_status llmcs_session_fork(llmcs_session *session, llmcs_session **copy);

/* Serialises the session: its tokens with their keys and values, and the logits of the last token if there are any, in
 *     72 + n_tokens * (4 + 2 * n_layer * n_embd * B) bytes,  B = 4 for LLMCS_KV_F32, 2 for LLMCS_KV_F16,
 * plus 4 * vocab_size with logits, plus 8 + n_source * (the same) with the source of an encoder-decoder. Equal states
 * give equal bytes. bytes: [capacity]; with NULL only *n_bytes is set. Allocates nothing. The bytes contain the
 * conversation. Errors: ARG BUFFER BUSY FORK STATE UNSUPPORTED (big-endian). */
LLMCS_API llmcs_status llmcs_session_save(llmcs_session *session, void *bytes, size_t capacity, size_t *n_bytes);

/* Replaces the session's state by a saved one and continues with the same bits; another kernel set may differ in the
 * last bits. A failed call leaves the session unchanged. Allocates nothing. The bytes belong to one model, weight type
 * and kv_type, identified by a fingerprint over sizes and weights. Bytes from any source are safe to pass: everything
 * is checked before anything changes. The checksum (XXH64) detects damage; it does not authenticate the sender.
 * Errors: ARG FORMAT STATE (of another model or kv_type) CONTEXT_FULL BUSY FORK UNSUPPORTED. */
LLMCS_API llmcs_status llmcs_session_restore(llmcs_session *session, const void *bytes, size_t n_bytes);

/* ---------------------------------------------------------------------------------------------- scoring */
/* Frozen. */
typedef struct llmcs_score_result {
    double logprob;  /* natural log of the probability of the continuation after the prompt */
    size_t n_tokens; /* in the continuation */
} llmcs_score_result;

/* log p(continuation | prompt). The two texts are encoded separately; an empty prompt stands for BOS. Afterwards the
 * session holds the prompt. Errors: ARG NOMEM CONTEXT_FULL TOKENIZER NUMERIC CANCELLED BUSY STATE FORK. */
LLMCS_API llmcs_status llmcs_score(llmcs_session *session, const char *prompt, size_t prompt_bytes,
                                   const char *continuation, size_t continuation_bytes, llmcs_score_result *result);
LLMCS_API llmcs_status llmcs_score_ids(llmcs_session *session, const int32_t *prompt, size_t n_prompt,
                                       const int32_t *continuation, size_t n_continuation, llmcs_score_result *result);

/* Scores several continuations of one prompt, which is evaluated once. results: [n_candidates]. *best: the highest
 * log-probability, or with per_token != 0 the highest log-probability per token. Errors: as llmcs_score. */
LLMCS_API llmcs_status llmcs_choose(llmcs_session *session, const char *prompt, size_t prompt_bytes,
                                    const char *const *candidates, size_t n_candidates, int per_token,
                                    llmcs_score_result *results, size_t *best);

/* The same with limits (NULL: none), which are checked between layers and continuations. Errors: as without _within,
 * and DEADLINE. */
LLMCS_API llmcs_status llmcs_score_within(llmcs_session *session, const char *prompt, size_t prompt_bytes,
                                          const char *continuation, size_t continuation_bytes,
                                          const llmcs_call_limits *limits, llmcs_score_result *result);
LLMCS_API llmcs_status llmcs_score_ids_within(llmcs_session *session, const int32_t *prompt, size_t n_prompt,
                                              const int32_t *continuation, size_t n_continuation,
                                              const llmcs_call_limits *limits, llmcs_score_result *result);
LLMCS_API llmcs_status llmcs_choose_within(llmcs_session *session, const char *prompt, size_t prompt_bytes,
                                           const char *const *candidates, size_t n_candidates, int per_token,
                                           const llmcs_call_limits *limits, llmcs_score_result *results, size_t *best);

#ifdef __cplusplus
}
#endif

#endif
