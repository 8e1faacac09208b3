/*
 * A text as the words that full-text search compares.
 *
 * The text is normalised (NFKC and case folding, so full-width letters and capitals do not matter), then split into
 *   - words of letters; English ones are stemmed (Porter 2, libstemmer): "returned" and "returns" become "return",
 *   - numbers: "12.50" is one,
 *   - each Han, Kana or Hangul character, and each pair of adjacent ones, since these scripts have no spaces.
 */
#ifndef SHOP_KNOWLEDGE_WORDS_H
#define SHOP_KNOWLEDGE_WORDS_H

#include "shop/base/alloc.h"

typedef enum shop_word_kind { SHOP_WORD_LETTERS, SHOP_WORD_NUMBER, SHOP_WORD_HAN, SHOP_WORD_HAN_PAIR } shop_word_kind;

typedef struct shop_text_word {
    size_t begin, len; /* in `joined` */
    shop_word_kind kind;
    bool repeated;      /* same as an earlier word of the text */
    bool function_word; /* an English or Chinese function word: "the", "how", "的" */
} shop_text_word;

typedef struct shop_words {
    const llmcs_allocator *allocator;
    char *joined; /* all words, each followed by a space; NUL-terminated */
    size_t joined_bytes, joined_capacity;
    shop_text_word *items;
    size_t n, capacity;
    size_t n_han, n_letters; /* number of characters of each kind */
} shop_words;

/* Invalid UTF-8 is read as U+FFFD. After success free with shop_words_free. */
llmcs_status shop_words_make(const llmcs_allocator *a, const char *text, size_t text_bytes, shop_words *words);
void shop_words_free(shop_words *words);

/* The normalised text as code points, [*n], in newly allocated memory. */
llmcs_status shop_normalise(const llmcs_allocator *a, const char *text, size_t text_bytes, int32_t **code_points,
                            size_t *n);

/* Same, but keeps capitals and drops invisible characters (U+200B, U+00AD, ...). */
llmcs_status shop_normalise_cased(const llmcs_allocator *a, const char *text, size_t text_bytes, int32_t **code_points,
                                  size_t *n);

#endif
