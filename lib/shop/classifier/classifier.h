/* A trained classifier, as used by prediction and saved to its file. */
#ifndef SHOP_CLASSIFIER_CLASSIFIER_H
#define SHOP_CLASSIFIER_CLASSIFIER_H

#include <stdatomic.h>

#include "llmcs_shop_classifier.h"
#include "shop/classifier/text.h"

/* Features of the out-of-scope score. */
enum {
    SHOP_OOS_LOG_ODDS,      /* of the best class among the classes, calibrated */
    SHOP_OOS_ENERGY,        /* log of the sum of exp(logit) over the classes */
    SHOP_OOS_MARGIN,        /* best logit minus second */
    SHOP_OOS_OWN_CLASS,     /* logit of the out-of-scope class minus the best; 0 if there is no such class */
    SHOP_OOS_KNOWN_WORDS,   /* idf-weighted share of words seen in training */
    SHOP_OOS_KNOWN_GRAMS,   /* the same for all n-grams */
    SHOP_OOS_MEAN_DISTANCE, /* cosine similarity to the nearest class mean; 0 without an encoder */
    SHOP_OOS_N
};

/* out_of_scope = 1 / (1 + exp(-(bias + sum of weight * (feature - mean) / deviation))); the threshold is at 0.5. */
typedef struct shop_oos {
    float mean[SHOP_OOS_N], deviation[SHOP_OOS_N], weight[SHOP_OOS_N];
    float bias;
} shop_oos;

/* Measured by cross-validation. */
typedef struct shop_figures {
    double accuracy, macro_f1, ece, oos_auroc, in_scope_kept, oos_found;
} shop_figures;

typedef struct shop_kept_example {
    const char *text; /* NUL-terminated, in example_texts */
    uint32_t bytes, label;
} shop_kept_example;

/* A slot of the table that finds an n-gram's feature by its hash. */
typedef struct shop_gram_slot {
    uint32_t hash;
    uint32_t feature; /* UINT32_MAX: empty */
} shop_gram_slot;

struct shop_scratch;

struct llmcs_shop_classifier {
    atomic_int n_references;
    llmcs_allocator a;
    llmcs_model *encoder; /* the caller's; NULL: not bound */
    char *encoder_path;
    uint64_t encoder_fingerprint; /* 0: no encoder needed */
    uint64_t bytes;               /* size of this struct and the arrays below */

    size_t n_labels;
    size_t n_classes; /* n_labels, plus one for out-of-scope rows if there were any */
    size_t stride;    /* of the weights: n_classes rounded up to a multiple of 16 */
    char **labels;    /* [n_labels] pointers into label_texts */
    char *label_texts;
    size_t label_bytes;

    size_t n_features;
    uint32_t *hashes; /* [n_features] ascending */
    float *idf;       /* [n_features] */
    float unseen_idf;
    int8_t *weights;     /* [n_features, stride] */
    float *scales;       /* [stride] */
    size_t n_dense;      /* floats of the encoder's vector */
    int8_t *dense;       /* [n_dense, stride] */
    float *dense_scales; /* [stride] */
    float *bias;         /* [stride] */
    float *center;       /* [n_dense] mean of all vectors in training */
    int8_t *means;       /* [n_labels, n_dense] mean vector of each class, centred and scaled to length 127 */
    size_t n_slots;      /* a power of two */
    shop_gram_slot *slots;

    float temperature; /* divides the logits */
    float accept_score;
    shop_oos oos;
    shop_figures figures;
    const char *oos_rows; /* "given", "classes" or "none" */
    double l2;
    uint64_t n_rows, n_oos_rows;

    size_t n_examples;
    shop_kept_example *examples; /* [n_examples] sorted by label */
    size_t *example_start;       /* [n_labels + 1] */
    char *example_texts;
    size_t example_bytes;
    int8_t *example_vectors;              /* [n_examples, n_dense] scaled to length 127; NULL without an encoder */
    _Atomic(struct shop_scratch *) spare; /* workspace for the next prediction, or NULL */
};

enum { SHOP_WEIGHT_LANES = 16 };

/* Creates an empty classifier with one reference. */
llmcs_status shop_classifier_create(const llmcs_allocator *a, llmcs_shop_classifier **classifier);

/* Allocates zeroed memory and adds its size to classifier->bytes. */
llmcs_status shop_classifier_alloc(llmcs_shop_classifier *classifier, size_t count, size_t size, const char *what,
                                   void *out);

/* Builds the n-gram table, `labels` and `example_start` from hashes, label_texts and examples. FORMAT if these are
 * inconsistent; path is for the message. */
llmcs_status shop_classifier_index(llmcs_shop_classifier *classifier, const char *path);

/* Binds the encoder; NULL does nothing. STATE if the classifier was trained with another encoder. */
llmcs_status shop_classifier_bind(llmcs_shop_classifier *classifier, llmcs_model *encoder);

/* Gets the fingerprint and vector size of an encoder. NO_HEAD if the model has no embeddings. */
llmcs_status shop_encoder_examine(llmcs_model *encoder, uint64_t *fingerprint, size_t *n_dense);

/* Embeds texts: vectors [n, n_embedding], normalised to length 1. Long texts are truncated. */
llmcs_status shop_encoder_embed(llmcs_model *encoder, const llmcs_allocator *a, const llmcs_text *texts, size_t n,
                                double deadline_ms, const int32_t *cancel, float *vectors);

/* Copies n vectors and normalises them to length 1; zero vectors stay zero. NUMERIC if one is not finite. */
llmcs_status shop_vectors_copy(float *out, const float *vectors, size_t n, size_t n_dense);

/* Scales a vector to length 127 and rounds it to 8 bits. */
void shop_vector_to_int8(const float *vector, size_t n, int8_t *out);
int64_t shop_dot_int8(const int8_t *x, const int8_t *y, size_t n);

/* ---- score.c: shared by training and prediction */

typedef struct shop_evaluation {
    size_t best, second; /* labels; equal if there is only one label */
    float features[SHOP_OOS_N];
} shop_evaluation;

/* Computes the labels' probabilities, scores [n_labels] (may be the same array as logits), from logits [n_classes] at a
 * temperature; finds the best two labels and sets the features that depend on logits only. */
void shop_evaluate(const float *logits, size_t n_labels, size_t n_classes, float temperature, float *scores,
                   shop_evaluation *evaluation);

float shop_oos_score(const shop_oos *oos, const float features[SHOP_OOS_N]);

/* ---- file.c: a classifier's file in memory. name: for messages */

/* *bytes: allocated with the classifier's allocator. */
llmcs_status shop_classifier_to_bytes(const llmcs_shop_classifier *classifier, const char *name, unsigned char **bytes,
                                      size_t *n_bytes);
/* encoder: may be NULL. Errors: as llmcs_shop_classifier_open. */
llmcs_status shop_classifier_from_bytes(const llmcs_allocator *a, const char *name, const unsigned char *bytes,
                                        size_t n_bytes, llmcs_model *encoder, llmcs_shop_classifier **classifier);

/* ---- predict.c */
void shop_scratch_free(const llmcs_allocator *a, struct shop_scratch *scratch);

#endif
