/* The sequences of a session over shared blocks of keys and values. The public session is sequence 0; beam search and
 * num_return_sequences use more, which share the prompt's blocks (copied on write). */
#ifndef LL_RUNTIME_SESSION_H
#define LL_RUNTIME_SESSION_H

#include "models/model.h"
#include "runtime/limits.h"

/* The length of the longest common prefix of two token sequences. */
static inline size_t ll_common_prefix(const int32_t *a, size_t n_a, const int32_t *b, size_t n_b) {
    size_t n = 0;
    while (n < n_a && n < n_b && a[n] == b[n]) n++;
    return n;
}

/* Marks the session as busy with a call. BUSY, FORK, STATE. Every public session function enters and leaves. */
llmcs_status ll_session_enter(llmcs_session *s);
/* The same for a call with limits, which may be NULL; also ARG. */
llmcs_status ll_session_enter_within(llmcs_session *s, const llmcs_call_limits *limits);
void ll_session_leave(llmcs_session *s);

llmcs_model *ll_session_model(llmcs_session *s);
size_t ll_session_n_ctx(const llmcs_session *s);

/* Allocates blocks and logits for n_seqs sequences of up to max_tokens each, so that the steps that follow allocate
 * nothing. Sequences 1.. are empty. NOMEM leaves the session unchanged. */
llmcs_status ll_session_reserve(llmcs_session *s, size_t n_seqs, size_t max_tokens);
/* Allocates the logits of n_rows tokens (LLMCS_LOGITS_ALL). */
llmcs_status ll_session_reserve_logits(llmcs_session *s, size_t n_rows);
/* Frees sequences 1.. and the memory reserved for them. */
void ll_session_release(llmcs_session *s);

/* Encodes n ids as the source of an encoder-decoder's session and empties its sequences. If the session already holds
 * this source, source and tokens are kept. hidden: [n, n_embd] the encoder's output, or NULL. ARG CONTEXT_FULL
 * TOKEN_RANGE CANCELLED DEADLINE; a failed forward pass leaves no source. */
llmcs_status ll_session_encode(llmcs_session *s, const int32_t *ids, size_t n, float *hidden);

/* Sequence dst becomes equal to src: they share blocks, which are copied on write. */
void ll_seq_copy(llmcs_session *s, size_t dst, size_t src);
/* Reorders sequences [0, n) for beam search: sequence i becomes what sequence parents[i] was. */
void ll_seq_permute(llmcs_session *s, const size_t *parents, size_t n);
void ll_seq_rewind(llmcs_session *s, size_t seq, size_t n_tokens);
/* Rewinds sequence 0 to the longest prefix that it shares with a prompt of n >= 1 ids. The prompt's last id is never
 * kept, because its logits are needed. Returns the number of tokens kept. */
size_t ll_seq_keep_prefix(llmcs_session *s, const int32_t *prompt, size_t n);
/* The source's tokens; empty without a source. */
llmcs_ids ll_session_source(const llmcs_session *s);
const int32_t *ll_seq_tokens(const llmcs_session *s, size_t seq, size_t *n_tokens);

/* Appends n tokens to one sequence, in chunks if there are many. *logits: those of the last token [vocab_size], valid
 * until the next eval; with want NONE the pointer may be NULL. On failure nothing changes. */
llmcs_status ll_seq_eval(llmcs_session *s, size_t seq, const int32_t *ids, size_t n, llmcs_want_logits want,
                         const float **logits);

/* Appends one token to each of n sequences (ids[i] to seqs[i]) in one forward pass; *logits is [n, vocab_size]. */
llmcs_status ll_seqs_eval(llmcs_session *s, const size_t *seqs, const int32_t *ids, size_t n, const float **logits);

/* llmcs_session_logits, inside a call. STATE: no logits. */
llmcs_status ll_session_last_logits(llmcs_session *s, const float **logits, size_t *n_rows);

/* Sets the limits of this call, which apply in addition to llmcs_session_cancel. */
void ll_session_set_limits(llmcs_session *s, ll_limits limits);
/* CANCELLED or DEADLINE if the call must end. Forward passes check it between layers. */
llmcs_status ll_session_check_stop(llmcs_session *s);

#endif
