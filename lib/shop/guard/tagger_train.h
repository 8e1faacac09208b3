/* State of a tagger's training, and its checkpoint. */
#ifndef SHOP_GUARD_TAGGER_TRAIN_H
#define SHOP_GUARD_TAGGER_TRAIN_H

#include "shop/guard/tagger.h"

typedef struct tag_sequence {
    size_t first, n; /* tokens */
} tag_sequence;

/* Workspace while rows are read. */
typedef struct tag_work {
    shop_text_view view;
    shop_hits hits;
    shop_tokens tokens;
} tag_work;

/* Workspace of a step. */
typedef struct tag_step {
    float *emit, *alpha, *beta; /* [SHOP_TAG_MAX_TOKENS, n_labels] */
    float *follow, *gradient;   /* [n_labels + 1, n_labels]; the last row is for the first token */
} tag_step;

typedef struct tag_trainer {
    llmcs_allocator allocator;
    llmcs_shop_tagger_params params;
    shop_lexicon *lexicon;
    shop_tag_words words;
    char kinds[SHOP_TAG_MAX_KINDS][SHOP_TAG_KIND_BYTES];
    size_t n_kinds, n_labels;
    uint32_t *features; /* [n_tokens, SHOP_TAG_FEATURES] hashes */
    uint32_t *rows;     /* the same, 1 + index into hashes, or 0 */
    uint8_t *labels;    /* [n_tokens] */
    size_t n_tokens, feature_capacity, label_capacity;
    tag_sequence *sequences;
    uint32_t *order; /* [n_sequences] of a pass */
    size_t n_sequences, sequence_capacity;
    uint64_t rows_hash; /* of features and labels */
    uint32_t *hashes;   /* [n_features] */
    size_t n_features;
    uint32_t *slots; /* [n_slots] index + 1 into hashes by hash, or 0 */
    size_t n_slots;
    float *weights, *squares;                /* [n_features, n_labels]; sums of squared gradients */
    float *transitions, *transition_squares; /* [n_labels + 1, n_labels]; the last row is for the first token */
    float *sums, *transition_sums;           /* sums of the weights over the last passes, for their mean */
    float l2;
    int32_t first_pass; /* where a checkpoint stopped */
    int32_t pass;
} tag_trainer;

/* Sets `rows`: the weights row of every feature of every token. */
llmcs_status tag_index_features(tag_trainer *t);
llmcs_status tag_allocate_weights(tag_trainer *t);

/* Writes the state of training before pass `next`. */
llmcs_status tag_save_checkpoint(const tag_trainer *t, int32_t next);
/* Restores first_pass and the weights if there is a checkpoint of the same rows and parameters. */
llmcs_status tag_load_checkpoint(tag_trainer *t);
void tag_remove_checkpoint(const tag_trainer *t);

#endif
