/* Running an encoder over many texts: passes of bounded size, and texts fed to them. */
#ifndef LL_RUNTIME_ENCODER_H
#define LL_RUNTIME_ENCODER_H

#include "runtime/model.h"

/* Memory of one call, kept by the model for the next one. */
typedef struct ll_encoder_room {
    struct ll_encoder_room *next; /* in the model's list of idle ones */
    size_t max_rows, max_texts;   /* of one pass */
    float *workspace;             /* the network's */
    unsigned char *kv;            /* keys and values of a layer: [max_blocks, block bytes] */
    void **blocks;                /* [max_blocks] into kv */
    ll_run *runs;                 /* [max_texts] */
    uint32_t *rows;               /* [max_rows] 0, 1, 2, ...: words of all rows */
    /* For texts: where they are encoded, and what the network says of them. */
    int32_t *ids, *type_ids; /* [max_rows + n_ctx] */
    size_t *lengths;         /* [max_texts] tokens */
    float *hidden;           /* [max_rows, n_embd] */
    float *pooled;           /* [max_texts, n_embd] */
    float *logits;           /* [max_texts, n_labels] */
} ll_encoder_room;

/* A room of nobody else. ll_encoder_room_give puts it back; ll_encoder_rooms_free frees the idle ones. */
llmcs_status ll_encoder_room_take(llmcs_model *m, ll_encoder_room **room);
void ll_encoder_room_give(llmcs_model *m, ll_encoder_room *room);
void ll_encoder_rooms_free(llmcs_model *m);

/* One pass: texts one after the other, without padding. Outputs that are not wanted are NULL. */
typedef struct ll_encoder_pass {
    const int32_t *ids, *type_ids; /* [sum of lengths]; type_ids may be NULL */
    const size_t *lengths;         /* [n_texts] */
    size_t n_texts;
    const uint32_t *logit_rows; /* masked LM */
    size_t n_logit_rows;
    float *hidden, *pooled, *logits;
} ll_encoder_pass;

/* How many of the texts fit one pass; at least one does, since no text is longer than n_ctx. *n_rows: their tokens. */
size_t ll_encoder_fit(const ll_encoder_room *room, const size_t *lengths, size_t n_texts, size_t *n_rows);
llmcs_status ll_encoder_run(llmcs_model *m, ll_encoder_room *room, const ll_encoder_pass *pass);

/* What a caller wants of texts. */
enum { LL_WANT_HIDDEN = 1, LL_WANT_POOLED = 2, LL_WANT_LOGITS = 4 };

/* Gets the outputs of one pass, which are in the room: texts [first, first + n) of the call. */
typedef void (*ll_text_sink)(void *user, const ll_encoder_room *room, size_t first, size_t n);

/* Encodes texts, cut to max_tokens, and runs them. NUMERIC if what is wanted is not finite. */
llmcs_status ll_encoder_texts(llmcs_model *m, const llmcs_text *texts, size_t n_texts, size_t max_tokens, unsigned want,
                              ll_text_sink sink, void *user);

#endif
