/* The word list of a tagger, by hash, with the kind and frequency of each word. */
#ifndef SHOP_GUARD_TAGGER_WORDS_H
#define SHOP_GUARD_TAGGER_WORDS_H

#include "shop/base/alloc.h"

enum {
    SHOP_TAG_WORD_KINDS = 32,    /* kinds of words */
    SHOP_TAG_NAMED_KINDS = 10,   /* the first of them: names, marked wherever they occur */
    SHOP_TAG_WORD_TOKENS = 6,    /* of a Chinese word, at most; a Latin word is one token */
    SHOP_TAG_WORD_WEIGHTS = 256, /* 8 ln of the frequency */
    SHOP_TAG_ROLES = 5           /* roles of a character in a name, see below */
};

/* Chinese characters with scores: U+4E00 to U+9FFF. */
#define SHOP_TAG_FIRST_CHARACTER 0x4e00u
#define SHOP_TAG_CHARACTERS 0x5200u

/* Roles of a character: surname; second and last of a name of three; last of a name of two; part of a foreign name. */
enum { SHOP_TAG_SURNAME, SHOP_TAG_SECOND, SHOP_TAG_LAST, SHOP_TAG_LAST_OF_TWO, SHOP_TAG_FOREIGN };

typedef struct shop_tag_words {
    size_t n;
    uint32_t *hashes;         /* [n] in increasing order */
    uint8_t *kinds, *weights; /* [n] */
    uint32_t *slots;          /* [n_slots] index + 1 by hash, or 0 */
    size_t n_slots;
    int8_t *scores; /* [SHOP_TAG_CHARACTERS, SHOP_TAG_ROLES] 16 ln(P(character | role) / P(character)), or NULL */
} shop_tag_words;

void shop_tag_words_free(const llmcs_allocator *a, shop_tag_words *words);

/* Makes a hash table of hashes [n]: *slots [*n_slots], index + 1 of a hash, or 0. */
llmcs_status shop_tag_slots_make(const llmcs_allocator *a, const uint32_t *hashes, size_t n, uint32_t **slots,
                                 size_t *n_slots);

/* Index of the hash, or n. */
static inline size_t shop_tag_slots_find(const uint32_t *slots, size_t n_slots, const uint32_t *hashes, size_t n,
                                         uint32_t hash) {
    if (!n) return 0;
    size_t slot = hash & (n_slots - 1);
    for (; slots[slot]; slot = (slot + 1) & (n_slots - 1))
        if (hashes[slots[slot] - 1] == hash) return slots[slot] - 1;
    return n;
}

/* Fills slots. */
llmcs_status shop_tag_words_index(const llmcs_allocator *a, shop_tag_words *words);

/* Reads lines of word, kind and weight, separated by tabs. Of two words with the same hash the heavier is kept. Kind 32
 * + role marks the score of a character in that role; its weight is 128 + score. */
llmcs_status shop_tag_words_read(const llmcs_allocator *a, const char *path, shop_tag_words *words);

/* The hash of a word, computed over the ids of its tokens. */
static inline uint64_t shop_tag_word_begin(void) { return UINT64_C(0x51ed270b35ae9d2b); }
static inline uint64_t shop_tag_word_add(uint64_t h, uint64_t id) {
    h = (h ^ id) * UINT64_C(0x9e3779b97f4a7c15);
    return h ^ h >> 29;
}
static inline uint32_t shop_tag_word_end(uint64_t h) {
    const uint32_t hash = (uint32_t)(h * UINT64_C(0xbf58476d1ce4e5b9) >> 32);
    return hash ? hash : 1;
}

/* Index of the word, or n. */
static inline size_t shop_tag_word_find(const shop_tag_words *words, uint32_t hash) {
    return shop_tag_slots_find(words->slots, words->n_slots, words->hashes, words->n, hash);
}

#endif
