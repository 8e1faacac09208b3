/* Runs an encoder. A caller submits a request: sequences of tokens. A forward pass combines the waiting requests of all
 * threads (encoder_queue.c). texts.c turns texts into sequences. */
#ifndef LL_RUNTIME_ENCODER_H
#define LL_RUNTIME_ENCODER_H

#include <pthread.h>

#include "runtime/limits.h"
#include "runtime/model/model.h"

/* ---- requests */

/* The outputs that a caller requests for its sequences. */
enum { LL_WANT_HIDDEN = 1, LL_WANT_POOLED = 2, LL_WANT_LOGITS = 4 };

/* Outputs of one sequence; NULL for those not requested. */
typedef struct ll_encoder_output {
    size_t text;      /* index of its text */
    bool first, last; /* first, last window of the text; most texts have one window */
    size_t n_tokens;
    const float *hidden; /* [n_tokens, n_embd] */
    const float *pooled; /* [n_embd] */
    const float *logits; /* classification: [n_labels]; token heads: [n_tokens, ll_config_n_logits] */
} ll_encoder_output;

/* Called once for every sequence of a request, in order, by the thread that ran the forward pass. It must be quick,
 * cannot fail, and may touch only the memory of the request's caller. */
typedef void (*ll_encoder_sink)(void *user, const ll_encoder_output *output);

typedef struct ll_encoder_request {
    const int32_t *ids, *type_ids; /* [sum of lengths]; type_ids may be NULL */
    const size_t *lengths;         /* [n] tokens of each sequence: 1..n_ctx */
    size_t n, n_rows;              /* n at least 1; n_rows: the sum of lengths */
    size_t longest;                /* of lengths; ll_encoder_submit sets it */
    const size_t *text_of;         /* [n] index of each sequence's text; NULL: first_text, first_text + 1, ... */
    size_t first_text;
    unsigned want;
    ll_encoder_sink sink; /* NULL with want 0 */
    void *user;
    /* Masked LM: the logits of these rows go to mlm_logits [n_mlm_rows, vocab_size]. Such a request fits one forward
     * pass.
     */
    const uint32_t *mlm_rows;
    size_t n_mlm_rows;
    float *mlm_logits;
    ll_limits limits; /* checked before each forward pass */

    /* Used by the queue. */
    struct ll_encoder_request *next;
    pthread_cond_t changed;
    bool leads, in_forward, done;
    size_t n_taken, n_taken_rows; /* sequences that were or are in a forward pass */
    llmcs_status status;
    char message[256];
} ll_encoder_request;

/* Evaluates the request, alone or together with those of other threads; returns when it is done. Errors: NUMERIC (an
 * output is not finite) NOMEM CANCELLED DEADLINE, for encoder-decoders also ARG (no eos_token_id) and CONFIG. A failure
 * of one request does not affect others. */
llmcs_status ll_encoder_submit(llmcs_model *m, ll_encoder_request *r);

/* ---- a forward pass (encoder.c) */

/* Sequences [first, first + n) of a request in a forward pass, and their first segment, row and MLM row in it. */
typedef struct ll_encoder_slice {
    ll_encoder_request *request;
    size_t first, n, n_rows;
    size_t first_segment, first_row, first_mlm_row;
} ll_encoder_slice;

/* Memory of a forward pass, kept by the model for the next one. */
typedef struct ll_encoder_workspace {
    struct ll_encoder_workspace *next;           /* the next in the list of idle workspaces */
    size_t max_rows, max_segments, max_mlm_rows; /* of one forward pass */
    size_t max_length;                           /* of one sequence */
    float *workspace;                            /* the network's */
    /* Keys and values, see ll_net.kv: [max_blocks, block bytes]; encoder-decoders: as many again for the sources. */
    unsigned char *kv;
    void **blocks; /* into kv */
    size_t max_blocks;
    bool has_source;         /* ll_net.has_source */
    ll_segment *segments;    /* [max_segments] */
    int32_t *ids, *type_ids; /* [max_rows] */
    uint32_t *mlm_rows;      /* [max_rows] masked LM: rows whose logits are requested */
    int32_t *decoder_ids;    /* [max_rows] encoder-decoders: the decoder's input */
    uint32_t *eos_rows;      /* [max_segments] encoder-decoders: rows of LL_ROWS_EOS */
    float *hidden;           /* [max_rows, n_embd] */
    float *pooled;           /* [max_segments, n_embd] */
    float *logits;           /* [max_segments, n_labels]; token heads: [max_rows, n_logits] */
    float *mlm_logits;       /* [max_mlm_rows, vocab_size] */
    /* The next forward pass. */
    ll_encoder_slice *slices; /* [max_segments] */
    size_t n_slices, n_rows, n_segments, n_blocks, n_mlm_rows;
    unsigned want; /* LL_WANT_* of all slices */
    bool typed;    /* a slice has token types */
} ll_encoder_workspace;

/* Creates a workspace for sequences of at least `longest` tokens. It is not sized for n_ctx, because most texts are
 * much shorter. */
llmcs_status ll_encoder_workspace_create(const llmcs_model *m, size_t longest, ll_encoder_workspace **workspace);
/* Bytes of the largest workspace, for sequences of n_ctx tokens. */
uint64_t ll_encoder_workspace_bytes(const ll_net *net, size_t n_ctx, size_t n_threads);
void ll_encoder_workspace_free(const llmcs_model *m, ll_encoder_workspace *workspace); /* NULL is fine */

/* The number of further sequences of the request, from its n_taken-th on, that fit the next forward pass. Sequences
 * that fit one whole forward pass together are not split over two. */
size_t ll_encoder_fit(const ll_encoder_workspace *workspace, const ll_encoder_request *r);
/* Adds the next n sequences of the request. */
void ll_encoder_add(ll_encoder_workspace *workspace, ll_encoder_request *r, size_t n);
/* Runs the forward pass, and delivers outputs or a failure to every request in it. */
void ll_encoder_forward(llmcs_model *m, ll_encoder_workspace *workspace);
/* Encoder-decoders: sets the decoder's ids and the rows that the head reads, for all segments (encoder_source.c). */
void ll_encoder_shift(const llmcs_model *m, ll_encoder_workspace *workspace);
/* Checks that the decoder has a first token and each sequence the token that the head reads. ARG CONFIG. */
llmcs_status ll_encoder_check_source(const llmcs_model *m, const ll_encoder_request *r);
/* Removes all slices. */
void ll_encoder_clear(ll_encoder_workspace *workspace);
/* How many of the next n sequences make one request of a good size; at least one. *n_rows: their tokens. */
size_t ll_encoder_chunk(const size_t *lengths, size_t n, size_t *n_rows);

/* ---- the queue of a model (encoder_queue.c) */

typedef struct ll_encoder {
    int max_leaders; /* threads that may run forward passes at the same time */
    pthread_mutex_t mutex;
    /* Under the mutex. */
    int n_leaders;
    ll_encoder_request *waiting; /* in order */
    ll_encoder_workspace *idle;  /* for later forward passes */
    size_t n_idle;
} ll_encoder;

llmcs_status ll_encoder_create(const llmcs_allocator *a, int max_leaders, ll_encoder **encoder);
/* The model must no longer be in use. NULL is fine. */
void ll_encoder_free(const llmcs_model *m, ll_encoder **encoder);
/* Frees the idle workspaces, while no call runs. */
void ll_encoder_free_idle(const llmcs_model *m, ll_encoder *e);

#endif
