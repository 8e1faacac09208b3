/* A trained classifier: what prediction reads and the file holds. */
#ifndef SHOP_CLASSIFIER_CLASSIFIER_H
#define SHOP_CLASSIFIER_CLASSIFIER_H

#include <stdatomic.h>

#include "llmcs_shop_classifier.h"
#include "shop/classifier/text.h"

/* What the out-of-scope score is computed from. */
enum {
    SHOP_OOS_LOG_ODDS,      /* of the best class among the classes, calibrated */
    SHOP_OOS_ENERGY,        /* log of the sum of exp(logit) over the classes */
    SHOP_OOS_MARGIN,        /* best logit minus second */
    SHOP_OOS_OWN_CLASS,     /* logit of the out-of-scope rows minus the best; 0 without such rows */
    SHOP_OOS_KNOWN_WORDS,   /* share of the words that training knows, by idf */
    SHOP_OOS_KNOWN_GRAMS,   /* the same for all n-grams */
    SHOP_OOS_MEAN_DISTANCE, /* cosine of the vector and the nearest class mean; 0 without an encoder */
    SHOP_OOS_N
};

/* out_of_scope = 1 / (1 + exp(-(bias + sum of weight * (feature - mean) / deviation))); the threshold is at 0.5. */
typedef struct shop_oos {
    float mean[SHOP_OOS_N], deviation[SHOP_OOS_N], weight[SHOP_OOS_N];
    float bias;
} shop_oos;

/* Found by cross-validation. */
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
    llmcs_model *encoder; /* the caller's; NULL: none is bound */
    char *encoder_path;
    uint64_t encoder_fingerprint; /* 0: none is needed */
    uint64_t bytes;               /* held by the arrays below */

    size_t n_labels;
    size_t n_classes; /* n_labels, and one more if there were out-of-scope rows */
    size_t stride;    /* of weights: n_classes, padded to 16 */
    char **labels;    /* [n_labels] in label_texts */
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
    int8_t *means;       /* [n_labels, n_dense] of the classes' vectors, centred, length 127 */
    size_t n_slots;      /* a power of two */
    shop_gram_slot *slots;

    float temperature; /* logits are divided by it */
    float accept_score;
    shop_oos oos;
    shop_figures figures;
    const char *oos_rows; /* "given", "classes" or "none" */
    double l2;
    uint64_t n_rows, n_oos_rows;

    size_t n_examples;
    shop_kept_example *examples; /* by label */
    size_t *example_start;       /* [n_labels + 1] */
    char *example_texts;
    size_t example_bytes;
    int8_t *example_vectors; /* [n_examples, n_dense] length 127; NULL without an encoder */

    _Atomic(struct shop_scratch *) spare; /* workspace that the next prediction takes */
};

enum { SHOP_WEIGHT_LANES = 16 };

/* Empty, with one reference. */
llmcs_status shop_classifier_create(const llmcs_allocator *a, llmcs_shop_classifier **classifier);

/* Allocates and counts the bytes. */
llmcs_status shop_classifier_alloc(llmcs_shop_classifier *classifier, size_t count, size_t size, const char *what,
                                   void *out);

/* Once hashes, labels and examples are there: the table of n-grams, `labels`, `example_start`. FORMAT if they
 * contradict one another; path is for the message. */
llmcs_status shop_classifier_index(llmcs_shop_classifier *classifier, const char *path);

/* Checks the encoder against the classifier and binds it; NULL binds none. STATE, ARG. */
llmcs_status shop_classifier_bind(llmcs_shop_classifier *classifier, llmcs_model *encoder);

/* Fingerprint and vector size of a model that embeds; NO_HEAD for others. */
llmcs_status shop_encoder_examine(llmcs_model *encoder, uint64_t *fingerprint, size_t *n_dense);

/* The texts' vectors, [n, n_embedding], of length 1. Long texts are truncated. */
llmcs_status shop_encoder_embed(llmcs_model *encoder, const llmcs_allocator *a, const llmcs_text *texts, size_t n,
                                double deadline_ms, const int32_t *cancel, float *vectors);

/* Copies a caller's n vectors and gives them length 1 (0 stays 0). NUMERIC if one is not finite. */
llmcs_status shop_vectors_copy(float *out, const float *vectors, size_t n, size_t n_dense);

/* A vector of length 1 in 8 bits: 127 times its elements over its length. */
void shop_vector_to_int8(const float *vector, size_t n, int8_t *out);
int64_t shop_dot_int8(const int8_t *x, const int8_t *y, size_t n);

/* ---- score.c: what training and prediction compute alike */

typedef struct shop_evaluation {
    size_t best, second; /* labels; second == best where there is one label only */
    float features[SHOP_OOS_N];
} shop_evaluation;

/* Probabilities of the labels at a temperature, into scores [n_labels] (may be logits); finds the best two and fills
 * the features that follow from the logits [n_classes]. */
void shop_evaluate(const float *logits, size_t n_labels, size_t n_classes, float temperature, float *scores,
                   shop_evaluation *evaluation);

float shop_oos_score(const shop_oos *oos, const float features[SHOP_OOS_N]);

/* ---- file.c: a classifier's file in memory. name: for messages */

/* *bytes: from the classifier's allocator. */
llmcs_status shop_classifier_to_bytes(const llmcs_shop_classifier *classifier, const char *name, unsigned char **bytes,
                                      size_t *n_bytes);
/* encoder: NULL binds none. Errors: as llmcs_shop_classifier_open. */
llmcs_status shop_classifier_from_bytes(const llmcs_allocator *a, const char *name, const unsigned char *bytes,
                                        size_t n_bytes, llmcs_model *encoder, llmcs_shop_classifier **classifier);

/* ---- predict.c */
void shop_scratch_free(const llmcs_allocator *a, struct shop_scratch *scratch);

#endif
