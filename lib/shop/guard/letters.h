/*
 * A text as the word list reads it: letters of a view folded so that the ways to hide a word fall away. Capitals,
 * accents and look-alike letters of other scripts become plain small letters; marks and spaces are no letters but gaps;
 * a letter that repeats is one letter with a count.
 */
#ifndef SHOP_GUARD_LETTERS_H
#define SHOP_GUARD_LETTERS_H

#include "shop/guard/view.h"

/* What stands before a letter. */
typedef enum shop_gap {
    SHOP_GAP_NONE = 0,
    SHOP_GAP_SOFT = 1, /* spaces, dashes, quotes and the like */
    SHOP_GAP_STAR = 2, /* *: f*ck */
    SHOP_GAP_HARD = 3  /* commas, full stops, line ends */
} shop_gap;

typedef struct shop_letter {
    uint32_t code;
    uint32_t begin, end; /* bytes of the original */
    uint32_t sentence;   /* counted from 0 */
    uint16_t run;        /* how often it stands here */
    uint8_t gap;         /* shop_gap, before it */
    bool han;            /* of a script whose words have no spaces between them */
} shop_letter;

/* Starts as zeros; keeps its memory until it is freed. */
typedef struct shop_letters {
    shop_letter *at;
    size_t n, capacity;
} shop_letters;

llmcs_status shop_letters_fold(const llmcs_allocator *a, const shop_text_view *view, shop_letters *letters);

/* Only the tokens that mix letters with digits and signs that look like letters, read as those letters: sh1t, a$$. */
llmcs_status shop_letters_fold_signs(const llmcs_allocator *a, const shop_text_view *view, shop_letters *letters);

void shop_letters_free(const llmcs_allocator *a, shop_letters *letters);

#endif
