/* The texts of all tokens as a trie in preorder, so that a walk that fails skips a subtree: two of them, as the first
 * token of a text may write something else than a later one. */
#ifndef LL_GRAMMAR_VOCABULARY_H
#define LL_GRAMMAR_VOCABULARY_H

#include "base/alloc.h"

typedef struct ll_vocab_node {
    uint32_t after;                 /* the node after this one's subtree */
    uint32_t first_token, n_tokens; /* in `tokens`: those whose text ends here */
    uint16_t depth;                 /* 1: a first byte */
    uint8_t byte;
} ll_vocab_node;

typedef struct ll_vocab_trie {
    ll_vocab_node *nodes;
    size_t n_nodes;
    int32_t *tokens;
    size_t max_depth;
} ll_vocab_trie;

typedef struct ll_vocabulary {
    size_t n_ids;
    ll_vocab_trie first, later;
    bool same; /* then only `later` is built */
} ll_vocabulary;

/* Control tokens and tokens without text are left out. NOMEM. */
llmcs_status ll_vocabulary_build(ll_vocabulary *v, const llmcs_allocator *a, const llmcs_tokenizer *t, size_t n_ids);
void ll_vocabulary_free(ll_vocabulary *v, const llmcs_allocator *a);

#endif
