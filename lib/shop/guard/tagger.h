/*
 * The tagger of names and addresses: a linear-chain conditional random field over tokens, with 8-bit weights.
 *
 * A token is a Han character, a word, a number or a mark. Each has SHOP_TAG_FEATURES features, hashes of what it and
 * its neighbours are; a feature that the training kept has a row of weights, one a label. Labels are O and, for each
 * kind, begin, inside, end and single (B, I, E, S). Viterbi finds the best labels in integers, so every machine finds
 * the same.
 */
#ifndef SHOP_GUARD_TAGGER_H
#define SHOP_GUARD_TAGGER_H

#include "shop/guard/find.h"
#include "shop/guard/tagger_words.h"

enum {
    SHOP_TAG_FEATURES = 72,
    SHOP_TAG_MAX_KINDS = 8,
    SHOP_TAG_MAX_LABELS = 1 + 4 * SHOP_TAG_MAX_KINDS,
    SHOP_TAG_KIND_BYTES = 16, /* "ADDRESS" and a NUL */
    SHOP_TAG_MAX_TOKENS = 512 /* of a sequence; a longer text is tagged in parts */
};

/* ------------------------------------------------------------------------------------------ features (features.c) */

typedef struct shop_token {
    uint32_t begin, end;            /* characters of the view */
    uint64_t id;                    /* what it is, without case */
    uint32_t shape;                 /* script, case, length of a number, space before */
    uint32_t lex_begin, lex_inside; /* SHOP_LEX_* of words that begin here or go on */
    uint32_t word, segment;         /* hash of the word it is part of; 1 + 4 kind + position in it (B, I, E, S), or 0 */
    uint32_t named;                 /* bit 3 kind + position: part of a word of a named kind */
    uint32_t line;                  /* how the line begins, and how far from its beginning the token is */
    int16_t name_of_two, name_of_three; /* scores of a Chinese name that begins here, 16 for one e-fold */
    int16_t foreign;                    /* score of the character as part of a foreign name */
    uint8_t word_begin, word_end;       /* tokens from the begin of its word, and to one past its end */
} shop_token;

/* Starts as zeros. */
typedef struct shop_tokens {
    shop_token *items;
    size_t n, capacity;
} shop_tokens;

/* words: or NULL. */
llmcs_status shop_tokens_fill(const llmcs_allocator *a, const shop_text_view *view, const shop_hits *hits,
                              const shop_tag_words *words, shop_tokens *tokens);

/* Sets word, segment and named of all tokens. */
void shop_tag_words_mark(const shop_tag_words *words, const shop_text_view *view, shop_tokens *tokens);

/* The features of token t of items[0..n). A feature that it lacks is 0. */
void shop_tag_features(const shop_text_view *view, const shop_token *items, size_t n, size_t t,
                       uint32_t out[SHOP_TAG_FEATURES]);

/* ------------------------------------------------------------------------------------------------- labels */

/* 0 is O; kind k has B, I, E, S from 1 + 4 k on. */
enum { SHOP_TAG_B = 0, SHOP_TAG_I = 1, SHOP_TAG_E = 2, SHOP_TAG_S = 3 };

static inline bool shop_tag_may_begin(size_t label) {
    return !label || (label - 1) % 4 == SHOP_TAG_B || (label - 1) % 4 == SHOP_TAG_S;
}
static inline bool shop_tag_may_end(size_t label) {
    return !label || (label - 1) % 4 == SHOP_TAG_E || (label - 1) % 4 == SHOP_TAG_S;
}
/* Whether `to` may follow `from`: I and E follow B or I of their kind alone. */
static inline bool shop_tag_may_follow(size_t from, size_t to) {
    if (shop_tag_may_end(from)) return shop_tag_may_begin(to);
    return !shop_tag_may_begin(to) && (from - 1) / 4 == (to - 1) / 4;
}

/* -------------------------------------------------------------------------------------------------- the model */

typedef struct shop_tagger {
    size_t n_kinds, n_labels;
    char kinds[SHOP_TAG_MAX_KINDS][SHOP_TAG_KIND_BYTES];
    int16_t transitions[SHOP_TAG_MAX_LABELS + 1][SHOP_TAG_MAX_LABELS]; /* [from][to]; the last row: at the start */
    size_t n_features;
    uint32_t *hashes; /* [n_features] in increasing order */
    int8_t *weights;  /* [n_features, n_labels] */
    uint32_t *slots;  /* [n_slots] index + 1 of a feature by its hash, or 0 */
    size_t n_slots;
    shop_tag_words words;
} shop_tagger;

llmcs_status shop_tagger_open(const llmcs_allocator *a, const char *path, shop_tagger **tagger);
void shop_tagger_free(const llmcs_allocator *a, shop_tagger **tagger);
llmcs_status shop_tagger_save(const llmcs_allocator *a, const shop_tagger *tagger, const char *path);

/* Fills slots. */
llmcs_status shop_tagger_index(const llmcs_allocator *a, shop_tagger *tagger);

/* The label of each of the tokens [0, n), n at most SHOP_TAG_MAX_TOKENS. */
llmcs_status shop_tagger_label(const shop_tagger *tagger, const llmcs_allocator *a, const shop_text_view *view,
                               const shop_token *tokens, size_t n, uint8_t *labels);

/* Adds names and addresses. */
llmcs_status shop_tagger_find(const shop_tagger *tagger, const llmcs_allocator *a, const shop_text_view *view,
                              const shop_hits *hits, shop_findings *f);

#endif
