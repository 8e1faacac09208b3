/*
 * Regular expressions that describe a whole text: the common part of ECMAScript's and PCRE's syntax. Literals, `.`,
 * sets [a-z], \d \w \s and their complements (ASCII), \n \t \r \f \v \0 \xHH \uHHHH, groups (...) and (?:...), |, and *
 * + ? {m} {m,} {m,n}, lazy or not. UNSUPPORTED, with the byte, for what is no regular language (look-around,
 * references) and for \b, named groups, flags.
 */
#ifndef LL_GRAMMAR_REGEX_H
#define LL_GRAMMAR_REGEX_H

#include "grammar/nfa.h"

typedef enum ll_regex_mode {
    LL_REGEX_TEXT,  /* the whole text; ^ and $ at its ends change nothing */
    LL_REGEX_STRING /* JSON schema's pattern: characters as JSON writes them inside a string, found anywhere in it
                       unless ^ and $ say otherwise */
} ll_regex_mode;

/* pattern: UTF-8. ARG with the byte: not such an expression. */
llmcs_status ll_regex_compile(ll_nfa *n, const char *pattern, size_t n_bytes, ll_regex_mode mode, ll_fragment *out);

#endif
