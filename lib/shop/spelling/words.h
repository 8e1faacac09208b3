/* Known words with their frequencies. */
#ifndef SHOP_SPELLING_WORDS_H
#define SHOP_SPELLING_WORDS_H

#include "shop/base/alloc.h"

enum { SPELL_MAX_LETTERS = 24, SPELL_MAX_WORDS = 1 << 20 };

/* DOUBTED: from customers' questions in the store, which may be misspelt. */
typedef enum spell_trust { SPELL_DOUBTED = 0, SPELL_TRUSTED = 1 } spell_trust;

typedef struct spell_word {
    uint32_t text;   /* offset of its letters in `letters` */
    uint32_t mask;   /* bit c: it has the letter 'a' + c */
    uint32_t next;   /* of the same length, + 1; 0: none */
    float frequency; /* per million words, in English and in the store */
    uint8_t len;
    bool trusted;
    const char *meaning; /* of a short form, or NULL */
} spell_word;

typedef struct spell_words {
    const llmcs_allocator *allocator;
    char *letters;
    size_t n_letters, letters_capacity;
    spell_word *items;
    size_t n, capacity;
    uint32_t *table; /* [n_slots] number of a word + 1, open addressing */
    size_t n_slots;
    uint32_t first[SPELL_MAX_LETTERS + 1]; /* by length, + 1 */
} spell_words;

/* Creates the table with the English words and short forms. */
llmcs_status spell_words_init(const llmcs_allocator *a, spell_words *w);
void spell_words_free(spell_words *w);

/* word: letters a to z. NULL if it is not known. */
const spell_word *spell_words_find(const spell_words *w, const char *word, size_t len);
llmcs_status spell_words_add(spell_words *w, const char *word, size_t len, double frequency, spell_trust trust);
/* Adds the words of a text of the shop. */
llmcs_status spell_words_add_text(spell_words *w, const char *text, size_t n, double frequency, spell_trust trust);

uint32_t spell_mask(const char *word, size_t len);

#endif
