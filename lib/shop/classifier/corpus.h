/* The training texts as n-grams, vectors and labels, and feature matrices of subsets of them. */
#ifndef SHOP_CLASSIFIER_CORPUS_H
#define SHOP_CLASSIFIER_CORPUS_H

#include "llmcs_shop_classifier.h"
#include "shop/classifier/team.h"
#include "shop/classifier/text.h"

/* An n-gram of a row with its count. */
typedef struct shop_term {
    uint32_t gram; /* index in shop_corpus.hashes */
    uint16_t count;
    uint16_t block; /* shop_block */
} shop_term;

typedef struct shop_corpus {
    size_t n_rows;
    shop_term *terms;  /* of all rows, by ascending hash within a row */
    size_t *row_start; /* [n_rows + 1] */
    uint32_t *hashes;  /* [n_grams] of all distinct n-grams, ascending */
    size_t n_grams;
    size_t n_dense;    /* 0: no encoder */
    float *dense;      /* [n_rows, n_dense] vectors minus their mean, times a scale */
    float *dense_mean; /* [n_dense] */
    uint32_t *label;   /* [n_rows] 0..n_labels-1; n_labels: out of scope */
    size_t n_labels;
    float *weight;       /* [n_rows] */
    uint64_t *text_hash; /* [n_rows] */
} shop_corpus;

/* Reads the texts' hashes and, if with_grams, their n-grams. The caller fills labels, weights and vectors. */
llmcs_status shop_corpus_read(const llmcs_allocator *a, shop_team *team, const llmcs_shop_example *examples, size_t n,
                              bool with_grams, shop_corpus *corpus);
void shop_corpus_free(const llmcs_allocator *a, shop_corpus *corpus);

/* The n-grams that a classifier knows. */
typedef struct shop_dictionary {
    size_t n;
    uint32_t *hashes; /* [n] ascending */
    float *idf;       /* [n] */
    float unseen_idf; /* idf of n-grams that are not in the dictionary */
    uint32_t *index;  /* [corpus->n_grams] gram -> feature, or UINT32_MAX; NULL in an opened classifier */
} shop_dictionary;

/* Builds a dictionary of the `most` most frequent n-grams among those that occur in at least min_rows of `rows`. */
llmcs_status shop_dictionary_build(const llmcs_allocator *a, const shop_corpus *corpus, const uint32_t *rows, size_t n,
                                   size_t min_rows, size_t most, shop_dictionary *dictionary);
void shop_dictionary_free(const llmcs_allocator *a, shop_dictionary *dictionary);

/* Idf-weighted shares of a text's words and n-grams that are in the dictionary, 0 to 1. */
typedef struct shop_coverage {
    float words, grams;
} shop_coverage;

/* Some rows of a corpus as features. */
typedef struct shop_matrix {
    size_t n_rows, n_features, n_dense;
    size_t *row_start; /* [n_rows + 1] */
    uint32_t *feature;
    float *value;
    size_t *column_start; /* [n_features + 1]; NULL unless with_columns */
    uint32_t *column_row;
    float *column_value;
    float *dense;            /* [n_rows, n_dense] */
    float *dense_transposed; /* [n_dense, n_rows]; NULL unless with_columns */
    uint32_t *label;         /* [n_rows] */
    float *weight;           /* [n_rows] */
    shop_coverage *coverage; /* [n_rows]; NULL with_columns */
} shop_matrix;

/* with_columns: true for training, false for prediction. */
llmcs_status shop_matrix_build(const llmcs_allocator *a, const shop_corpus *corpus, const shop_dictionary *dictionary,
                               const uint32_t *rows, size_t n, bool with_columns, shop_matrix *matrix);
void shop_matrix_free(const llmcs_allocator *a, shop_matrix *matrix);

/* The tf-idf weight of a term before its block is normalised: (1 + log count) * idf. */
float shop_term_weight(uint32_t count, float idf);

/* The factor that normalises a block to length 1, given the sum of its squared weights. */
float shop_block_scale(float squares);

#endif
