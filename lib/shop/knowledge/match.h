/*
 * Finds the entries that may answer a question and compares each with it.
 *
 *   shop_question_init        words, their rarity, vector
 *   shop_match_find           full-text search and nearest vectors, fused: at most SHOP_MAX_CANDIDATES entries
 *   shop_match_compare        features of each
 *   shop_match_score          weights over features: order and probabilities
 */
#ifndef SHOP_KNOWLEDGE_MATCH_H
#define SHOP_KNOWLEDGE_MATCH_H

#include "shop/base/clock.h"
#include "shop/knowledge/words.h"
#include "shop/store/store.h"

enum {
    SHOP_MAX_CANDIDATES = 20,
    SHOP_MAX_WORDS = 256,
    SHOP_SIGNATURE_WORDS = 64,
    SHOP_MAX_HITS = 256,
    SHOP_NEAREST = 5
};

/* Evidence that an entry answers a question; most values are between 0 and 1. */
typedef enum shop_feature {
    SHOP_F_BIAS,          /* 1 */
    SHOP_F_COSINE,        /* of the nearest question */
    SHOP_F_ANSWER_COSINE, /* of the answer */
    SHOP_F_ABOVE_OTHERS,  /* SHOP_F_COSINE minus the mean over the other candidates */
    SHOP_F_BM25,          /* share of the highest BM25 that the question's words can reach */
    SHOP_F_ASKED,         /* share of the question's words, by rarity, found in the nearest question */
    SHOP_F_COVERED,       /* share of the nearest question's words found in the question */
    SHOP_F_IN_ANSWER,     /* share of the question's words, by rarity, found in the answer or any question */
    SHOP_F_TRIGRAMS,      /* Dice coefficient of character trigrams: spelling mistakes */
    SHOP_F_SAME,          /* 1: the nearest question has exactly the question's words */
    SHOP_F_LANGUAGE,      /* 1: the entry is in the question's language */
    SHOP_F_NUMBERS,       /* share of the question's numbers found in the entry; 1 if it has none */
    SHOP_F_FUSED,         /* sum of reciprocal ranks; 1 if first in both rankings */
    SHOP_F_RERANK,        /* score of the cross-encoder */
    SHOP_F_SUPPORT,       /* mean cosine of the SHOP_NEAREST nearest questions: one alone may be near by chance */
    SHOP_N_FEATURES
} shop_feature;

/* One of 4,096 bits per character trigram. */
typedef struct shop_signature {
    uint64_t bits[SHOP_SIGNATURE_WORDS];
} shop_signature;

typedef struct shop_question {
    const char *text;
    size_t text_bytes;
    const char *lang;            /* or NULL */
    char *tags;                  /* a JSON array, or NULL */
    const char *const *tag_list; /* the same tags as strings */
    size_t n_tags;
    int64_t now;
    uint32_t flags; /* LLMCS_ASK_* */
    llmcs_model *reranker;
    /* For calibration: matches as if this text (texts.row) or the entries of this id were not in the store. */
    int64_t without_text; /* 0: none */
    const char *without_id;

    /* Set by shop_question_init. */
    shop_words words;
    double rarity[SHOP_MAX_WORDS]; /* per word: ln(1 + (N - n + 0.5) / (n + 0.5)); 0 if repeated */
    int64_t counts[SHOP_MAX_WORDS];
    uint64_t hashes[SHOP_MAX_WORDS];
    uint16_t places[2 * SHOP_MAX_WORDS]; /* hash table of words: index + 1 */
    size_t n_words;                      /* words in use */
    double all_rarity;
    int64_t n_texts;
    shop_signature signature;
    int n_trigrams; /* bits set in the signature */
    float *vector;  /* [n_embedding], or NULL */
} shop_question;

typedef struct shop_candidate {
    int64_t entry;
    size_t words_rank, vectors_rank; /* from 1; 0: not in that ranking */
    double bm25;                     /* of its best text */
    struct shop_entry_texts *texts;  /* owns what the members below point to */
    const char *id, *lang, *answer, *question;
    size_t answer_bytes, question_bytes;
    size_t question_index;
    int32_t version;
    double features[SHOP_N_FEATURES];
    double nearest[SHOP_NEAREST]; /* cosines of the nearest questions, descending */
    size_t n_nearest;
    double score, probability;
} shop_candidate;

typedef struct shop_match {
    llmcs_shop *shop;
    shop_candidate candidates[SHOP_MAX_CANDIDATES];
    size_t n;
    double words_ms, vectors_ms, rank_ms, rerank_ms;
} shop_match;

/* Fills the members that the caller left empty. After success shop_question_free frees them and `tags`. vector:
 * allocated by the caller outside the snapshot, or NULL. */
llmcs_status shop_question_init(llmcs_shop *shop, shop_connection *c, shop_question *q);
void shop_question_free(llmcs_shop *shop, shop_question *q);

llmcs_status shop_match_find(llmcs_shop *shop, shop_connection *c, const shop_question *q, shop_match *m);
llmcs_status shop_match_compare(shop_connection *c, const shop_question *q, shop_match *m);
void shop_match_free(shop_match *m);

/* Weights for a store with or without vectors. */
typedef struct shop_weights {
    double w[SHOP_N_FEATURES];
    double threshold;
} shop_weights;

/* Loads the store's own weights for this encoder (for words alone if !vectors), else those fitted on the demo shop. */
llmcs_status shop_weights_load(llmcs_shop *shop, shop_connection *c, bool vectors, shop_weights *weights);
llmcs_status shop_weights_save(llmcs_shop *shop, shop_connection *c, bool vectors, const shop_weights *weights);

/* Sorts by score, keeps the best candidate of each id and sets probabilities. */
void shop_match_score(shop_match *m, const shop_weights *weights);

#endif
