/* The fields of a session; session.h is the interface for the rest of the library. */
#ifndef LL_RUNTIME_SESSION_SESSION_INTERNAL_H
#define LL_RUNTIME_SESSION_SESSION_INTERNAL_H

#include <stdatomic.h>

#include "runtime/model/model.h"
#include "runtime/session/kv.h"
#include "runtime/session/session.h"

/* Rows of one forward pass: longer prompts are evaluated in chunks of this many, which bounds the workspace. */
#define LL_FORWARD_ROWS ((size_t)256)

/* Memory of sequences 1..; all zero while none are reserved. Their blocks are in kv.reserved. */
typedef struct ll_reservation {
    size_t n_seqs;      /* sequence 0 included */
    size_t max_tokens;  /* of each */
    ll_sequence *more;  /* [n_seqs - 1] sequences 1.. */
    ll_sequence *spare; /* [n_seqs] for ll_seq_permute */
    float *logits;      /* [n_seqs, vocab_size] of ll_seqs_eval */
} ll_reservation;

enum { LL_SESSION_IDLE, LL_SESSION_BUSY, LL_SESSION_DOOMED /* freed while busy: destroyed when the call ends */ };

struct llmcs_session {
    uint32_t magic; /* best effort against use after free */
    atomic_int state;
    atomic_bool cancel;
    bool cancel_read;  /* this call has read `cancel`, and clears the flag when it ends */
    ll_limits limits;  /* of this call */
    llmcs_status stop; /* why should_stop ended the forward pass */
    llmcs_model *model;
    size_t n_ctx;
    ll_kv kv;
    ll_sequence source; /* encoder-decoders: the source's tokens, and their keys and values for the decoder's layers,
                           which all sequences attend to; its blocks are in kv.own */
    ll_sequence first;  /* sequence 0, the public one */
    ll_reservation reserved;
    /* Memory of a forward pass. */
    size_t max_rows;      /* most rows of a forward pass */
    float *workspace;     /* the network's */
    float *logits;        /* [vocab_size] of a sequence's last token */
    ll_segment *segments; /* [max_rows] */
    uint32_t *rows;       /* [max_rows] 0, 1, 2, ...: logit_rows for all rows */
    float *all_logits;    /* LLMCS_LOGITS_ALL: [n_all_floats / vocab_size, vocab_size], grows on demand */
    size_t n_all_floats;
    const float *last_logits; /* of llmcs_session_logits: [n_last_rows, vocab_size] */
    size_t n_last_rows;
};

/* Sequence `seq` < max(1, reserved.n_seqs). */
ll_sequence *ll_session_sequence(llmcs_session *s, size_t seq);
void ll_session_forget_logits(llmcs_session *s);

/* Bytes of a new session; LIMIT if they exceed the address space. */
llmcs_status ll_session_bytes(const ll_net *net, size_t n_ctx, size_t n_threads, uint64_t *bytes);

/* Most bytes per sequence of n_ctx tokens, for calls with several sequences (ll_session_reserve, beam search). */
uint64_t ll_session_sequence_bytes(const ll_net *net, size_t n_ctx);

/* options may be NULL. *n_ctx: the session's; model_n_ctx: the model's. */
llmcs_status ll_session_options_read(const llmcs_session_options *options, size_t model_n_ctx, size_t *n_ctx);

#endif
