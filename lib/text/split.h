/* Pre-tokenizers that cut a text: scanners for the known patterns, and what becomes of a pattern's matches. The meaning
 * is that of Hugging Face's tokenizers (its Split, Digits, Punctuation, Whitespace, WhitespaceSplit and ByteLevel). All
 * scanners are linear in the text, also where a regular expression would try again and again: a run of white space is
 * read at most three times. */
#ifndef LL_TEXT_SPLIT_H
#define LL_TEXT_SPLIT_H

#include "formats/tokenizer_files.h"
#include "text/unicode.h"

/* Length of the match of a pattern of words at the beginning of text (valid UTF-8, n >= 1). There always is one. */
typedef size_t (*ll_word_fn)(const ll_unicode *u, const char *text, size_t n);

/* That of LL_PATTERN_GPT2 to LL_PATTERN_O200K. Loops over words ask once, so that no word pays for the choice. */
ll_word_fn ll_word_scanner(ll_pattern pattern);

/* A part of the text that a pattern matches, or that lies between two matches. */
typedef struct ll_split_part {
    size_t begin, end;
    bool is_match; /* invert included */
} ll_split_part;

/* A text that is being cut by one step. */
typedef struct ll_split_cursor {
    const ll_split_step *step;
    const ll_unicode *u;
    const char *text; /* valid UTF-8 */
    size_t n, at;     /* parts up to `at` have been found */
    size_t match_end; /* of a match that begins at `at` and was found when the part before it was; else at most `at` */
    ll_split_part ahead; /* a part that was found but not yet used; empty: none */
} ll_split_cursor;

static inline void ll_split_begin(ll_split_cursor *c, const ll_split_step *step, const ll_unicode *u, const char *text,
                                  size_t n) {
    *c = (ll_split_cursor){.step = step, .u = u, .text = text, .n = n};
}

/* The next piece, never empty; false: there is none. */
bool ll_split_next(ll_split_cursor *c, size_t *begin, size_t *end);

#endif
