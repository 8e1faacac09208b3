/* Texts as the classifier reads them: normalised code points with their bytes, and hashed n-grams over them. */
#ifndef SHOP_CLASSIFIER_TEXT_H
#define SHOP_CLASSIFIER_TEXT_H

#include <stdint.h>

#include "shop/base/alloc.h"

/* The n-grams of a longer text are those of its first bytes. */
#define SHOP_TEXT_MAX_BYTES ((size_t)65536)

/* The three blocks of features. Each is normalised on its own, so that many short n-grams do not outweigh a word. */
typedef enum shop_block {
    SHOP_WORDS = 0,  /* a word, a punctuation mark, a Han character */
    SHOP_GROUPS = 1, /* two neighbouring words; 2 or 3 neighbouring Han characters */
    SHOP_CHARS = 2,  /* 3 to 5 characters within a word and its ends */
    SHOP_N_BLOCKS
} shop_block;

/* An n-gram occurrence. */
typedef struct shop_gram {
    uint32_t hash;
    uint32_t begin, end; /* bytes of the text */
} shop_gram;

/* A normalised character: NFKC, case folded, without marks. */
typedef struct shop_symbol {
    uint32_t code;
    uint32_t begin, end; /* bytes of the text */
    uint32_t kind;
} shop_symbol;

/* Workspace of one thread; starts as zeros. It grows with the longest text. */
typedef struct shop_text_grams {
    shop_symbol *symbols;
    size_t n_symbols, symbol_capacity;
    shop_gram *items; /* block after block, each in the order of the text; the same hash may occur again */
    size_t capacity;
    size_t block_end[SHOP_N_BLOCKS]; /* number of items in a block and those before */
} shop_text_grams;

/* Fills grams->items. Reads ill-formed UTF-8 as one U+FFFD for each maximal ill-formed part. */
llmcs_status shop_text_extract(const llmcs_allocator *a, const char *text, size_t text_bytes, shop_text_grams *grams);
void shop_text_grams_free(const llmcs_allocator *a, shop_text_grams *grams);

/* Length of a text given as in the API, cut to SHOP_TEXT_MAX_BYTES. */
size_t shop_text_bytes(const char *text, size_t text_bytes);

#endif
