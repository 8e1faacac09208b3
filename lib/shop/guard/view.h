/*
 * A text as the guard reads it: characters in NFKC, each with its kind, its value if it stands for a digit, and the
 * bytes of the original that it comes from. Rules run over the view, so that fullwidth digits, 一三八, 壹, circled and
 * keycap digits and zero-width characters inside a number make no difference; what a rule finds is reported in bytes of
 * the original.
 *
 * - Case is kept. Marks that do not compose with their letter are dropped.
 * - Zero-width and control characters other than tab and line ends are not in the view.
 * - Several characters of the view may come from one of the original (the same begin and end), and one of the view from
 *   several (a letter and its accent).
 */
#ifndef SHOP_GUARD_VIEW_H
#define SHOP_GUARD_VIEW_H

#include "shop/base/alloc.h"

typedef enum shop_char_kind {
    SHOP_CHAR_SPACE = 0,
    SHOP_CHAR_MARK = 1,   /* punctuation, symbols, emoji */
    SHOP_CHAR_DIGIT = 2,  /* decimal digits of any script */
    SHOP_CHAR_LETTER = 3, /* of scripts that separate words by spaces */
    SHOP_CHAR_HAN = 4     /* Han, kana, Hangul, Thai...: words stand next to each other */
} shop_char_kind;

enum { SHOP_NO_DIGIT = 255 };

typedef struct shop_view_char {
    uint32_t code;
    uint32_t begin, end; /* bytes of the original */
    uint8_t kind;        /* shop_char_kind */
    uint8_t digit;       /* 0 to 9, of Chinese numerals too (一, 壹, 幺, 〇); SHOP_NO_DIGIT */
} shop_view_char;

/* Starts as zeros. May be filled again; keeps its memory until it is freed. */
typedef struct shop_text_view {
    shop_view_char *at;
    size_t n, capacity;
} shop_text_view;

/* Ill-formed UTF-8 reads as one U+FFFD for each maximal ill-formed part. LIMIT: 4 GiB or more. */
llmcs_status shop_text_view_fill(const llmcs_allocator *a, const char *text, size_t text_bytes, shop_text_view *view);
void shop_text_view_free(const llmcs_allocator *a, shop_text_view *view);

/* A letter or digit that a neighbouring number or code would be part of. Han characters are not. */
static inline bool shop_is_word_char(const shop_view_char *c) {
    return c->kind == SHOP_CHAR_DIGIT || c->kind == SHOP_CHAR_LETTER;
}

/* Lower case of ASCII. */
static inline uint32_t shop_ascii_lower(uint32_t code) { return code >= 'A' && code <= 'Z' ? code + 32 : code; }

/* True if a Han character is there. */
static inline bool shop_is_han_at(const shop_text_view *view, size_t i) {
    return i < view->n && view->at[i].kind == SHOP_CHAR_HAN && view->at[i].code >= 0x3400 && view->at[i].code < 0xac00;
}

#endif
