/* Classifies one text: features, logits, and the reasons for the result. */
#ifndef SHOP_CLASSIFIER_PREDICT_H
#define SHOP_CLASSIFIER_PREDICT_H

#include "shop/classifier/classifier.h"

/* Workspace of one prediction call. */
typedef struct shop_scratch {
    shop_text_grams grams;
    uint32_t *position; /* [n_features] 1 + index in `features` if the text has the feature; zero between texts */
    size_t n, capacity;
    uint32_t *features;             /* [n] in order of first occurrence */
    uint16_t *counts;               /* [n] */
    uint8_t *blocks;                /* [n] */
    float *values;                  /* [n] normalised */
    int16_t *rounded;               /* [n] the same as integers */
    int32_t *sums;                  /* [stride] */
    float *logits;                  /* [stride] */
    float *scores;                  /* [stride] */
    uint32_t *dense_rows;           /* [n_dense] 0, 1, 2 ... */
    int16_t *dense_values;          /* [n_dense] */
    float *centred;                 /* [n_dense] */
    int8_t *vector;                 /* [n_dense] the same, scaled to length 127 */
    float known_words, known_grams; /* idf-weighted shares */
} shop_scratch;

enum { SHOP_MAX_EVIDENCE = 5 };

/* ---- features.c */
llmcs_status shop_scratch_take(const llmcs_shop_classifier *classifier, shop_scratch **scratch);
/* Keeps the workspace for the next call, or frees it. */
void shop_scratch_return(const llmcs_shop_classifier *classifier, shop_scratch *scratch);

/* Finds and weights the text's n-grams that are in the dictionary. */
llmcs_status shop_find_features(const llmcs_shop_classifier *classifier, const llmcs_text *text, shop_scratch *scratch);
/* Centres and rounds the encoder's vector of the text. */
void shop_set_vector(const llmcs_shop_classifier *classifier, const float *vector, shop_scratch *scratch);
/* Fills scratch->logits. */
void shop_compute_logits(const llmcs_shop_classifier *classifier, shop_scratch *scratch);

/* ---- reason.c */

/* Finds the n-grams that contribute most to class `label`, without overlap. Returns their number. */
size_t shop_find_evidence(const llmcs_shop_classifier *classifier, const shop_scratch *scratch, size_t label,
                          llmcs_shop_evidence evidence[SHOP_MAX_EVIDENCE]);

/* The most similar stored example of the class, or NULL. */
llmcs_status shop_find_example(const llmcs_shop_classifier *classifier, shop_scratch *scratch, size_t label,
                               const shop_kept_example **example, float *similarity);

#endif
