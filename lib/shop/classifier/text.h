/* Texts as the classifier reads them: normalised characters with their byte offsets, and hashed n-grams. */
#ifndef SHOP_CLASSIFIER_TEXT_H
#define SHOP_CLASSIFIER_TEXT_H

#include <stdint.h>

#include "shop/base/alloc.h"

/* N-grams are taken from the first SHOP_TEXT_MAX_BYTES of a text. */
#define SHOP_TEXT_MAX_BYTES ((size_t)65536)

/* The three blocks of features. Each is normalised separately, so that many short n-grams do not outweigh a word. */
typedef enum shop_block {
    SHOP_WORDS = 0,  /* a word, a punctuation mark, a Han character */
    SHOP_GROUPS = 1, /* two neighbouring words; 2 or 3 neighbouring Han characters */
    SHOP_CHARS = 2,  /* 3 to 5 characters of a word, including its end marks */
    SHOP_N_BLOCKS
} shop_block;

/* An n-gram occurrence. */
typedef struct shop_gram {
    uint32_t hash;
    uint32_t begin, end; /* bytes of the text */
} shop_gram;

/* A normalised character: NFKC, case-folded, without combining marks. */
typedef struct shop_symbol {
    uint32_t code;
    uint32_t begin, end; /* bytes of the text */
    uint32_t kind;
} shop_symbol;

/* Workspace of one thread. Initialise to zero. It grows with the longest text. */
typedef struct shop_text_grams {
    shop_symbol *symbols;
    size_t n_symbols, symbol_capacity;
    shop_gram *items; /* block by block, each in the order of the text; hashes may repeat */
    size_t capacity;
    size_t block_end[SHOP_N_BLOCKS]; /* index after a block's last item */
} shop_text_grams;

/* Fills grams->items. Reads ill-formed UTF-8 as one U+FFFD for each maximal ill-formed part. */
llmcs_status shop_text_extract(const llmcs_allocator *a, const char *text, size_t text_bytes, shop_text_grams *grams);
void shop_text_grams_free(const llmcs_allocator *a, shop_text_grams *grams);

/* Length in bytes of a text given as in the API, at most SHOP_TEXT_MAX_BYTES. */
size_t shop_text_bytes(const char *text, size_t text_bytes);

#endif
