/*
 * A text as the guard reads it: NFKC characters, each with its kind, its value if it is a digit, and the bytes of the
 * original that it comes from. Rules run over the view, so they treat fullwidth digits, 一三八, 壹, circled and keycap
 * digits, and numbers with zero-width characters inside like plain digits. Findings are reported in bytes of the
 * original.
 *
 * - Case is preserved. Combining marks that do not compose with their letter are dropped.
 * - Zero-width characters, and control characters other than tab and line ends, are dropped.
 * - One character of the original may become several in the view (with the same begin and end), and several may become
 *   one (a letter and its accent).
 */
#ifndef SHOP_GUARD_VIEW_H
#define SHOP_GUARD_VIEW_H

#include "shop/base/alloc.h"

typedef enum shop_char_kind {
    SHOP_CHAR_SPACE = 0,
    SHOP_CHAR_MARK = 1,   /* punctuation, symbols, emoji */
    SHOP_CHAR_DIGIT = 2,  /* decimal digits of any script */
    SHOP_CHAR_LETTER = 3, /* of scripts with spaces between words */
    SHOP_CHAR_HAN = 4     /* of scripts without spaces between words: Han, kana, Hangul, Thai, ... */
} shop_char_kind;

enum { SHOP_NO_DIGIT = 255 };

typedef struct shop_view_char {
    uint32_t code;
    uint32_t begin, end; /* bytes of the original */
    uint8_t kind;        /* shop_char_kind */
    uint8_t digit;       /* 0 to 9, of Chinese numerals too (一, 壹, 幺, 〇); SHOP_NO_DIGIT */
} shop_view_char;

/* Initialise to zero. Can be refilled; keeps its memory until it is freed. */
typedef struct shop_text_view {
    shop_view_char *at;
    size_t n, capacity;
} shop_text_view;

/* Each maximal ill-formed part of the text becomes one U+FFFD. LIMIT: 4 GiB or more. */
llmcs_status shop_text_view_fill(const llmcs_allocator *a, const char *text, size_t text_bytes, shop_text_view *view);
void shop_text_view_free(const llmcs_allocator *a, shop_text_view *view);

/* True for letters and digits: a number or code next to one is part of something longer. False for Han characters. */
static inline bool shop_is_word_char(const shop_view_char *c) {
    return c->kind == SHOP_CHAR_DIGIT || c->kind == SHOP_CHAR_LETTER;
}

/* Lower case of ASCII. */
static inline uint32_t shop_ascii_lower(uint32_t code) { return code >= 'A' && code <= 'Z' ? code + 32 : code; }

/* True if i is inside the view and a Han character. */
static inline bool shop_is_han_at(const shop_text_view *view, size_t i) {
    return i < view->n && view->at[i].kind == SHOP_CHAR_HAN && view->at[i].code >= 0x3400 && view->at[i].code < 0xac00;
}

#endif
