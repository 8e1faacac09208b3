/*
 * The tagger of names and addresses: a linear-chain conditional random field over tokens, with 8-bit weights.
 *
 * A token is a Han character, a word, a number or a mark. It has SHOP_TAG_FEATURES features, which are hashes of
 * properties of the token and its neighbours. A feature that training kept has one weight per label. Labels are O and,
 * for each kind, begin, inside, end and single (B, I, E, S). Viterbi runs in integers, so every machine gives the same
 * labels.
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
    uint64_t id;                    /* character, or hash of the word without case */
    uint32_t shape;                 /* script, case, length of a number, preceding space */
    uint32_t lex_begin, lex_inside; /* SHOP_LEX_* of lexicon words that begin here, or that continue here */
    uint32_t word, segment;         /* hash of the tagger's word around it; 1 + 4 kind + position (B, I, E, S), or 0 */
    uint32_t named;                 /* bit 3 kind + position: part of a word of a named kind */
    uint32_t line;                  /* kind of the line's first character, and distance to it */
    int16_t name_of_two, name_of_three; /* log-likelihood ratios, times 16, of a Chinese name that begins here */
    int16_t foreign;                    /* score of the character as part of a foreign name */
    uint8_t word_begin, word_end;       /* distance in tokens from the start of its word, and to its end */
} shop_token;

/* Initialise to zero. */
typedef struct shop_tokens {
    shop_token *items;
    size_t n, capacity;
} shop_tokens;

/* words: may be NULL. */
llmcs_status shop_tokens_fill(const llmcs_allocator *a, const shop_text_view *view, const shop_hits *hits,
                              const shop_tag_words *words, shop_tokens *tokens);

/* Sets word, segment and named of all tokens. */
void shop_tag_words_mark(const shop_tag_words *words, const shop_text_view *view, shop_tokens *tokens);

/* Computes the features of token t of items[0..n). Missing features are 0. */
void shop_tag_features(const shop_text_view *view, const shop_token *items, size_t n, size_t t,
                       uint32_t out[SHOP_TAG_FEATURES]);

/* ------------------------------------------------------------------------------------------------- labels */

/* Label 0 is O; the labels B, I, E, S of kind k start at 1 + 4 k. */
enum { SHOP_TAG_B = 0, SHOP_TAG_I = 1, SHOP_TAG_E = 2, SHOP_TAG_S = 3 };

static inline bool shop_tag_may_begin(size_t label) {
    return !label || (label - 1) % 4 == SHOP_TAG_B || (label - 1) % 4 == SHOP_TAG_S;
}
static inline bool shop_tag_may_end(size_t label) {
    return !label || (label - 1) % 4 == SHOP_TAG_E || (label - 1) % 4 == SHOP_TAG_S;
}
/* True if label `to` may follow `from`: I and E may follow only B or I of their kind. */
static inline bool shop_tag_may_follow(size_t from, size_t to) {
    if (shop_tag_may_end(from)) return shop_tag_may_begin(to);
    return !shop_tag_may_begin(to) && (from - 1) / 4 == (to - 1) / 4;
}

/* -------------------------------------------------------------------------------------------------- the model */

typedef struct shop_tagger {
    size_t n_kinds, n_labels;
    char kinds[SHOP_TAG_MAX_KINDS][SHOP_TAG_KIND_BYTES];
    int16_t transitions[SHOP_TAG_MAX_LABELS + 1]
                       [SHOP_TAG_MAX_LABELS]; /* [from][to]; the last row is for the first token */
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

/* Labels tokens [0, n), n at most SHOP_TAG_MAX_TOKENS. */
llmcs_status shop_tagger_label(const shop_tagger *tagger, const llmcs_allocator *a, const shop_text_view *view,
                               const shop_token *tokens, size_t n, uint8_t *labels);

/* Adds the names and addresses in the view. */
llmcs_status shop_tagger_find(const shop_tagger *tagger, const llmcs_allocator *a, const shop_text_view *view,
                              const shop_hits *hits, shop_findings *f);

#endif
