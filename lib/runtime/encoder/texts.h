/* Runs texts through an encoder. Each text is encoded into one sequence, truncated if it is too long, or into several
 * windows. */
#ifndef LL_RUNTIME_ENCODER_TEXTS_H
#define LL_RUNTIME_ENCODER_TEXTS_H

#include "runtime/encoder/encoder.h"

/* llmcs_text_params, complete and checked. */
typedef struct ll_text_rules {
    llmcs_overflow overflow;
    llmcs_truncation truncation;
    size_t max_length, stride;
    bool max_of_windows;     /* else their mean */
    const char *as_sentence; /* NULL, or the prompt that is prepended after white space is stripped: sentence_text.h */
    uint32_t flags;          /* of llmcs_encode_params */
    llmcs_pooling pooling;
    llmcs_normalize normalize;
    llmcs_aggregation aggregation;
    llmcs_rerank_score rerank_score;
    const char *prompt_name, *prompt; /* the caller's; NULL: not given */
    size_t truncate_dim;              /* 0: none */
    const char *hypothesis;           /* NULL: the default */
    bool multi_label;
    bool narrow_stride; /* a stride too large for a window becomes half a window */
    size_t max_windows; /* 0: no bound */
    ll_limits limits;
} ll_text_rules;

/* The default maximum length: n_ctx, or the tokenizer's model_max_length if that is less, as in sentence-transformers
 * and Transformers' pipelines. */
size_t ll_text_default_length(const llmcs_model *m);

/* params: NULL for the defaults; default_length: what max_length 0 means; pooling: what AUTO means. */
llmcs_status ll_text_rules_read(const llmcs_model *m, const llmcs_text_params *params, size_t default_length,
                                llmcs_window_pooling pooling, ll_text_rules *rules);

/* TOKEN_RANGE or TOKENIZER if one of the n ids or token types is outside the model's embedding tables. */
llmcs_status ll_encoder_check_tokens(const llmcs_model *m, const int32_t *ids, const int32_t *types, size_t n);

/* One sequence and the logits of its tokens, from a token or span head. */
typedef struct ll_token_rows {
    size_t text;      /* index of its text */
    bool first, last; /* first, last window of the text */
    size_t n;
    const int32_t *ids;        /* [n] */
    const llmcs_span *offsets; /* [n] in the text or its pair */
    const uint8_t *marks;      /* [n] LL_MARK_* */
    const float *logits;       /* [n, ll_config_n_logits] */
} ll_token_rows;

typedef llmcs_status (*ll_token_sink)(void *user, const ll_token_rows *rows);

typedef struct ll_text_call {
    llmcs_model *model;
    const llmcs_text *texts;
    size_t n_texts;
    const ll_text_rules *rules;
    unsigned want;        /* LL_WANT_* */
    ll_encoder_sink sink; /* receives all windows of the texts in order */
    void *user;
    llmcs_text_info *infos; /* [n_texts], of the caller's struct_size; or NULL */
    ll_token_sink tokens; /* NULL; or, with want and sink 0, receives all windows on the caller's thread and may fail */
} ll_text_call;

llmcs_status ll_encoder_texts(const ll_text_call *call);

/* ---- pooling the windows of a text to one row */

typedef struct ll_window_pool {
    double *sums;  /* [n] */
    float *values; /* [n] */
    size_t n;
    bool max; /* element-wise maximum; else the mean, weighted by the windows' tokens */
    size_t n_tokens;
} ll_window_pool;

llmcs_status ll_window_pool_create(const llmcs_allocator *a, size_t n, bool max, ll_window_pool *pool);
void ll_window_pool_free(const llmcs_allocator *a, ll_window_pool *pool);
/* Adds row x [n] of a window. With the last window returns the pooled row (x itself if it is the only window), else
 * NULL.
 */
const float *ll_window_pool_add(ll_window_pool *pool, const ll_encoder_output *window, const float *x);

#endif
