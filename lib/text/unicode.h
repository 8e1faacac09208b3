/* Properties of code points for the tokenizers, as one byte of flags from a two-level table. The data is utf8proc's
 * (Unicode 15) plus the letters, marks and numbers of Unicode 16; Hugging Face's Rust libraries have older versions of
 * Unicode in places. */
#ifndef LL_TEXT_UNICODE_H
#define LL_TEXT_UNICODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/utf8.h"

#define LL_UC_LETTER 0x01u  /* category L* */
#define LL_UC_NUMBER 0x02u  /* category N* */
#define LL_UC_SPACE 0x04u   /* White_Space */
#define LL_UC_CONTROL 0x08u /* Cc, Cf, Co; tab, LF and CR as well */
#define LL_UC_PUNCT 0x10u   /* category P*, or ASCII punctuation */
#define LL_UC_CJK 0x20u     /* BERT's Chinese characters */
#define LL_UC_WORD 0x40u    /* \w: Alphabetic, M*, Nd, Pc, Join_Control */
#define LL_UC_FOLDS 0x80u   /* lower-casing or a normal form may change it, or it combines (ccc > 0) */

typedef struct ll_unicode {
    uint16_t block[0x110000 >> 8]; /* code point >> 8 -> which 256 flags */
    uint8_t flags[0x110000];       /* [n_blocks][256]: capacity for all; only the 100 KB in use take memory */
} ll_unicode;

/* The table, one for the process. The first call builds it, in some milliseconds. */
const ll_unicode *ll_unicode_table(void);

/* cp below 0x110000. */
static inline unsigned ll_unicode_flags(const ll_unicode *u, uint32_t cp) {
    return u->flags[((size_t)u->block[cp >> 8] << 8) | (cp & 0xff)];
}

/* Flags and length in bytes of the first character of text (valid UTF-8, n >= 1). */
static inline unsigned ll_unicode_flags_at(const ll_unicode *u, const char *text, size_t n, size_t *len) {
    uint32_t cp = (unsigned char)text[0];
    *len = cp < 0x80 ? 1 : ll_utf8_decode(text, n, &cp);
    return ll_unicode_flags(u, cp);
}

/* Canonical combining class. */
unsigned ll_unicode_ccc(uint32_t cp);
bool ll_unicode_is_nonspacing_mark(uint32_t cp); /* Mn */
bool ll_unicode_is_mark(uint32_t cp);            /* Mn, Mc, Me */

/* o200k's two classes of letters. */
#define LL_UC_UPPER 1u /* Lu, Lt, Lm, Lo, M* */
#define LL_UC_LOWER 2u /* Ll, Lm, Lo, M* */
unsigned ll_unicode_case(uint32_t cp);

/* Full lower case of one character, independent of its neighbours: 1 or 2 code points. */
size_t ll_unicode_lower(uint32_t cp, uint32_t out[2]);

/* Full decomposition of one character (canonical, or with `compatibility` NFKD's), marks not yet reordered.
 * Unicode's longest is 18 code points. */
#define LL_UC_MAX_DECOMPOSED 18
size_t ll_unicode_decompose(uint32_t cp, bool compatibility, uint32_t out[LL_UC_MAX_DECOMPOSED]);

/* The primary composite of two characters, or 0. */
uint32_t ll_unicode_compose(uint32_t first, uint32_t second);

#endif
