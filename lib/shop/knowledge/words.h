/*
 * A text as the words that full-text search compares.
 *
 * The text is normalised first (NFKC and case folding: full-width letters and digits, capitals), then cut into
 *   - words of letters, English ones stemmed (Porter 2, libstemmer): "returned" and "returns" are "return",
 *   - numbers: "12.50" is one,
 *   - every Han, Kana or Hangul character, and every pair of neighbouring ones, since these scripts write no spaces.
 */
#ifndef SHOP_KNOWLEDGE_WORDS_H
#define SHOP_KNOWLEDGE_WORDS_H

#include "shop/base/alloc.h"

typedef enum shop_word_kind { SHOP_WORD_LETTERS, SHOP_WORD_NUMBER, SHOP_WORD_HAN, SHOP_WORD_HAN_PAIR } shop_word_kind;

typedef struct shop_text_word {
    size_t begin, len; /* in `joined` */
    shop_word_kind kind;
    bool repeated;      /* an earlier word of the text is the same */
    bool function_word; /* an English or Chinese word that says nothing of the subject: "the", "how", "的" */
} shop_text_word;

typedef struct shop_words {
    const llmcs_allocator *allocator;
    char *joined; /* all words with a space after each; NUL-terminated */
    size_t joined_bytes, joined_capacity;
    shop_text_word *items;
    size_t n, capacity;
    size_t n_han, n_letters; /* characters of either kind */
} shop_words;

/* Bytes that are not UTF-8 are read as U+FFFD. On success shop_words_free frees. */
llmcs_status shop_words_make(const llmcs_allocator *a, const char *text, size_t text_bytes, shop_words *words);
void shop_words_free(shop_words *words);

/* The normalised text itself as code points, [*n], in fresh memory. */
llmcs_status shop_normalise(const llmcs_allocator *a, const char *text, size_t text_bytes, int32_t **code_points,
                            size_t *n);

/* The same with its capitals, and without the characters that show nothing (U+200B, U+00AD, ...). */
llmcs_status shop_normalise_cased(const llmcs_allocator *a, const char *text, size_t text_bytes, int32_t **code_points,
                                  size_t *n);

#endif
