/*
 * Running an encoder. Callers ask for sequences of tokens to be worked; passes are made of whatever is waiting, theirs
 * and other threads' (encoder_merge.c). Texts become sequences in encoder_texts.c.
 */
#ifndef LL_RUNTIME_ENCODER_H
#define LL_RUNTIME_ENCODER_H

#include "runtime/model/model.h"

/* ---- a pass (encoder.c) */

struct ll_encoder_request;

/* Sequences [first, first + n) of a request, which are runs from first_segment and rows from first_row of a pass; its
 * words are those from first_word. */
typedef struct ll_encoder_slice {
    struct ll_encoder_request *request;
    size_t first, n, n_rows;
    size_t first_segment, first_row, first_word;
} ll_encoder_slice;

/* Memory of one pass, kept by the model for the next one. */
typedef struct ll_encoder_workspace {
    struct ll_encoder_workspace *next;        /* in the model's list of idle ones */
    size_t max_rows, max_segments, max_words; /* of one pass */
    float *workspace;                         /* the network's */
    unsigned char *kv;                        /* keys and values of a layer: [max_blocks, block bytes] */
    void **blocks;                            /* [max_blocks] into kv */
    ll_segment *segments;                     /* [max_segments] */
    int32_t *ids, *type_ids;                  /* [max_rows] */
    uint32_t *word_rows;                      /* [max_rows] masked LM: rows whose words are wanted */
    float *hidden;                            /* [max_rows, n_embd] */
    float *pooled;                            /* [max_segments, n_embd] */
    float *logits;                            /* [max_segments, n_labels] */
    float *words;                             /* [max_words, vocab_size] masked LM */
    /* The pass that is being made. */
    ll_encoder_slice *parts; /* [max_segments] */
    size_t n_parts, n_rows, n_segments, n_blocks, n_word_rows;
    unsigned want; /* LL_WANT_* of all of them */
    bool typed;    /* one of them has token types */
} ll_encoder_workspace;

llmcs_status ll_encoder_workspace_create(const llmcs_model *m, ll_encoder_workspace **room);
void ll_encoder_workspace_free(const llmcs_model *m, ll_encoder_workspace *room); /* NULL is fine */
/* Frees those that are idle. */
void ll_encoder_workspaces_free(llmcs_model *m);

/* How many more sequences of the request, from its n_taken-th on, go into the pass. What fits a pass is not taken in
 * parts. */
size_t ll_encoder_fit(const ll_encoder_workspace *room, const struct ll_encoder_request *r);
/* Adds n of them. */
void ll_encoder_add(ll_encoder_workspace *room, struct ll_encoder_request *r, size_t n);
/* Runs the pass and gives every part its outputs, or its request a failure. */
void ll_encoder_forward(llmcs_model *m, ll_encoder_workspace *room);
/* Nothing is in the pass. */
void ll_encoder_clear(ll_encoder_workspace *room);
/* How many of the next n sequences make one request of a good size; at least one. *n_rows: their tokens. */
size_t ll_encoder_chunk(const size_t *lengths, size_t n, size_t *n_rows);

/* ---- requests (encoder_merge.c) */

/* What a caller wants of sequences. */
enum { LL_WANT_HIDDEN = 1, LL_WANT_POOLED = 2, LL_WANT_LOGITS = 4 };

/* Outputs of n sequences of a request, from the first-th on; NULL for what was not wanted. */
typedef struct ll_encoder_answer {
    size_t first, n, n_rows;
    const float *hidden; /* [n_rows, n_embd] */
    const float *pooled; /* [n, n_embd] */
    const float *logits; /* [n, n_labels] */
} ll_encoder_answer;

/* Called once for every part of a request, in their order, by the thread that made the pass: it must be quick, cannot
 * fail, and may touch nothing but what the request's caller owns. */
typedef void (*ll_encoder_sink)(void *user, const ll_encoder_answer *answer);

typedef struct ll_encoder_request {
    const int32_t *ids, *type_ids; /* [sum of lengths]; type_ids may be NULL */
    const size_t *lengths;         /* [n] tokens of each sequence: 1..n_ctx */
    size_t n, n_rows;              /* n at least 1 */
    const size_t *text_of;         /* [n] number of the text it is from, for messages; NULL: first_text, ... */
    size_t first_text;
    unsigned want;
    ll_encoder_sink sink; /* NULL with want 0 */
    void *user;
    /* Masked LM: rows of the request whose logits go to words [n_word_rows, vocab_size]. Such a request must fit a
     * pass. */
    const uint32_t *word_rows;
    size_t n_word_rows;
    float *words;

    /* The queue's. */
    struct ll_encoder_request *next;
    pthread_cond_t changed;
    bool leads, done;
    size_t n_taken, n_taken_rows; /* sequences that were or are in a pass */
    llmcs_status status;
    char message[256];
} ll_encoder_request;

/* Works it, alone or together with what other threads want; returns when it is done. NUMERIC if what is wanted is not
 * finite, NOMEM. Nobody else's failure shows. */
llmcs_status ll_encoder_submit(llmcs_model *m, ll_encoder_request *r);

/* ---- texts (encoder_texts.c) */

/* How texts are cut to what the model takes; see llmcs_text_params. All numbers are set and checked. */
typedef struct ll_text_rules {
    llmcs_overflow overflow;
    llmcs_truncation truncation;
    size_t max_length, stride;
    bool max_of_windows; /* else their mean */
    uint32_t flags;      /* of llmcs_encode_params */
    llmcs_pooling pooling;
    llmcs_normalize normalize;
    size_t max_windows; /* 0: no bound */
    double deadline_ms; /* 0: none */
    const int32_t *cancel;
} ll_text_rules;

/* params: NULL for the defaults; most_tokens: what max_length 0 stands for; pooling: what AUTO stands for. */
llmcs_status ll_text_rules_read(const llmcs_model *m, const llmcs_text_params *params, size_t most_tokens,
                                llmcs_window_pooling pooling, ll_text_rules *rules);
/* Where texts are cut by default: at n_ctx, or before at the tokenizer's model_max_length, as sentence-transformers and
 * Transformers' pipelines do. */
size_t ll_text_default_length(const llmcs_model *m);

/* Outputs of one window of a text; of most texts there is one. */
typedef struct ll_window {
    size_t text;
    bool first, last;
    size_t n_tokens;
    const float *hidden, *pooled, *logits;
} ll_window;

typedef void (*ll_window_sink)(void *user, const ll_window *window);

typedef struct ll_text_call {
    llmcs_model *model;
    const llmcs_text *texts;
    size_t n_texts;
    const ll_text_rules *rules;
    unsigned want;
    ll_window_sink sink; /* all windows of the texts, in their order; rules as for ll_encoder_sink */
    void *user;
    llmcs_text_info *infos; /* [n_texts] or NULL */
} ll_text_call;

llmcs_status ll_encoder_texts(const ll_text_call *call);

/* ---- windows pooled to one row of numbers (encoder_windows.c) */

typedef struct ll_window_pool {
    double *sums;  /* [n] */
    float *values; /* [n] */
    size_t n;
    bool max; /* the largest of each number; else the mean, weighted by the windows' tokens */
    size_t n_tokens;
} ll_window_pool;

/* Room for n numbers. */
llmcs_status ll_window_pool_create(const llmcs_allocator *a, size_t n, bool max, ll_window_pool *pool);
void ll_window_pool_free(const llmcs_allocator *a, ll_window_pool *pool);
/* Adds x [n]. Behind the last window: what they come to, which is x itself where there is one window only; else NULL.
 */
const float *ll_window_pool_add(ll_window_pool *pool, const ll_window *w, const float *x);

/* ---- a text cut into sequences (encoder_cut.c) */

struct ll_tokens; /* text/tokenizer.h */

/* Sequences, one behind the other. */
typedef struct ll_sequences {
    int32_t *ids, *type_ids; /* [n_rows] */
    size_t *lengths;         /* [n] */
    size_t *text_of;         /* [n] */
    size_t n, n_rows;
    size_t row_capacity, type_capacity, capacity, text_capacity;
} ll_sequences;

/* TOKEN_RANGE or TOKENIZER if the model's tables lack one of the n ids or token types that its tokenizer gave. */
llmcs_status ll_encoder_check_tokens(const llmcs_model *m, const int32_t *ids, const int32_t *types, size_t n);
void ll_sequences_free(ll_sequences *s, const llmcs_allocator *a);
/* Adds what becomes of one text. */
llmcs_status ll_sequences_add(ll_sequences *s, const llmcs_model *m, const ll_text_rules *rules, const llmcs_text *text,
                              size_t index, llmcs_text_info *info);

#endif
