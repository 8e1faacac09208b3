/* The patterns with which pre-tokenizers split a text. A regular expression is recognised by its exact spelling and has
 * a scanner in text/split.c. There is no regular expression engine: other patterns are refused. */
#ifndef LL_FORMATS_SPLIT_PATTERNS_H
#define LL_FORMATS_SPLIT_PATTERNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum ll_pattern {
    LL_PATTERN_STRING, /* a literal string */
    /* Words: the matches cover the whole text. */
    LL_PATTERN_GPT2,
    LL_PATTERN_QWEN2,
    LL_PATTERN_QWEN35,
    LL_PATTERN_LLAMA3, /* cl100k */
    LL_PATTERN_O200K,
    /* Characters: each is a match of its own. */
    LL_PATTERN_NUMBER,      /* category N* */
    LL_PATTERN_ASCII_DIGIT, /* 0 to 9 */
    LL_PATTERN_PUNCTUATION, /* category P*, or ASCII punctuation */
    LL_PATTERN_SPACE,       /* White_Space */
    /* Runs of characters. */
    LL_PATTERN_NUMBERS,        /* of any length */
    LL_PATTERN_NUMBERS_3,      /* one to three */
    LL_PATTERN_ASCII_DIGITS_3, /* exactly three */
    LL_PATTERN_SPACES,
    LL_PATTERN_SYMBOLS,       /* category P*, or one of $ + < = > ^ ~ | */
    LL_PATTERN_WORDS_OR_REST, /* \w, or neither \w nor white space */
    LL_PATTERN_SET            /* [...]+: of listed ASCII characters (Keras' filters) */
} ll_pattern;

typedef enum ll_behavior {
    LL_BEHAVIOR_ISOLATED, /* each match is a piece */
    LL_BEHAVIOR_REMOVED,
    LL_BEHAVIOR_MERGED_WITH_PREVIOUS, /* a match joins the text before it */
    LL_BEHAVIOR_MERGED_WITH_NEXT,
    LL_BEHAVIOR_CONTIGUOUS /* adjacent matches are one piece */
} ll_behavior;

/* True for a pattern of words, whose matches cover the whole text. */
static inline bool ll_pattern_is_words(ll_pattern pattern) {
    return pattern >= LL_PATTERN_GPT2 && pattern <= LL_PATTERN_O200K;
}

/* The pattern with this regular expression; false: unknown. */
bool ll_pattern_find(const char *regex, size_t len, ll_pattern *out);

/* Parses "[...]+" whose set lists ASCII characters, literally or escaped with a backslash (\t, \n, \r or punctuation),
 * and sets the bit of each in `set`. False for anything else, including ranges and classes. */
bool ll_pattern_set(const char *regex, size_t len, uint64_t set[2]);

/* The behaviour with this name ("Isolated"); false: unknown. */
bool ll_behavior_find(const char *name, size_t len, ll_behavior *out);

#endif
