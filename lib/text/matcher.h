/* Finds added tokens in a text: at every position the leftmost, and of those the longest, in time linear in the text
 * whatever the tokens are (Aho and Corasick 1975, run over the text from its end: see matcher.c). Written by hand
 * because Debian 12 has no Aho-Corasick library for C. */
#ifndef LL_TEXT_MATCHER_H
#define LL_TEXT_MATCHER_H

#include "text/trie.h"

typedef struct ll_matcher {
    ll_trie trie;     /* of the patterns read backwards; values are pattern numbers */
    uint32_t *fail;   /* [trie.n_nodes]: the longest proper suffix of a node's string that is a node, too */
    int32_t *pattern; /* [trie.n_nodes]: the longest pattern that is a suffix of a node's string; -1: none */
    uint32_t *length; /* [n_patterns] bytes */
    size_t n_patterns;
    bool starts[256]; /* bytes that some pattern ends with */
} ll_matcher;

typedef struct ll_match {
    size_t begin; /* byte of the text */
    uint32_t length;
    int32_t pattern;
} ll_match;

typedef struct ll_matches {
    ll_match *at; /* in the text's order, not overlapping */
    size_t n, capacity;
} ll_matches;

/* patterns: none may be empty; of equal ones the first counts. */
llmcs_status ll_matcher_init(ll_matcher *m, const llmcs_allocator *a, const char *const *patterns,
                             const uint32_t *lengths, size_t n_patterns, uint64_t seed);
void ll_matcher_free(ll_matcher *m, const llmcs_allocator *a);

/* Replaces what is in *matches. */
llmcs_status ll_matcher_find(const ll_matcher *m, const llmcs_allocator *a, const char *text, size_t len,
                             ll_matches *matches);

#endif
