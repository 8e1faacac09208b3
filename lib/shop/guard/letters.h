/*
 * A text as the word list reads it: the letters of a view, folded to undo the usual ways to disguise a word. Capitals,
 * accented letters and look-alikes from other scripts become plain small letters; marks and spaces become gaps; a
 * repeated letter becomes one letter with a count.
 */
#ifndef SHOP_GUARD_LETTERS_H
#define SHOP_GUARD_LETTERS_H

#include "shop/guard/view.h"

/* What precedes a letter. */
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
    uint16_t run;        /* number of repetitions, at least 1 */
    uint8_t gap;         /* shop_gap, before it */
    bool han;            /* of a script whose words have no spaces between them */
} shop_letter;

/* Initialise to zero. Can be refilled; keeps its memory until it is freed. */
typedef struct shop_letters {
    shop_letter *at;
    size_t n, capacity;
} shop_letters;

llmcs_status shop_letters_fold(const llmcs_allocator *a, const shop_text_view *view, shop_letters *letters);

/* Folds only tokens that mix letters with digits and signs that look like letters (sh1t, a$$), and reads these as the
 * letters. */
llmcs_status shop_letters_fold_signs(const llmcs_allocator *a, const shop_text_view *view, shop_letters *letters);

void shop_letters_free(const llmcs_allocator *a, shop_letters *letters);

#endif
