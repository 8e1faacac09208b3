/*
 * Keys and values of what requests had in common: a tree of blocks by the tokens in them. A path from the root is the
 * beginning of some request; a node holds its block (kv.h) for the next one that begins alike. Blocks are full but for
 * leaves. Who stops in the middle of a block may share it too: it is copied when he writes on.
 *
 * Nodes are in order of their last use, a node always behind (younger than) its children's: the oldest one is a leaf.
 */
#ifndef LL_RUNTIME_PREFIX_H
#define LL_RUNTIME_PREFIX_H

#include "runtime/session/kv.h"

typedef struct ll_prefix_node {
    void *block;
    uint32_t parent, first_child, next_sibling, previous_sibling; /* 0: none; node 0 is the root */
    uint32_t older, newer;                                        /* 0: the end of the list */
    uint32_t n_tokens;                                            /* in the block */
    int32_t tokens[LL_KV_BLOCK];
} ll_prefix_node;

typedef struct ll_prefix_tree {
    ll_kv *kv;
    ll_prefix_node *nodes; /* [max_nodes + 1] */
    uint32_t *free_nodes;  /* [n_free], a stack */
    size_t max_nodes, n_free;
    uint32_t oldest, newest;
    uint64_t n_evicted;
} ll_prefix_tree;

/* A node for every block of kv's own chunk. NOMEM. */
llmcs_status ll_prefix_create(ll_prefix_tree *tree, const llmcs_allocator *a, ll_kv *kv);
/* Memory only: blocks die with their chunk. */
void ll_prefix_free(ll_prefix_tree *tree, const llmcs_allocator *a);
static inline size_t ll_prefix_n_blocks(const ll_prefix_tree *tree) { return tree->max_nodes - tree->n_free; }

/* q, which holds nothing, gets the blocks of the longest known beginning of ids, `most` tokens at most. */
void ll_prefix_match(ll_prefix_tree *tree, ll_sequence *q, const int32_t *ids, size_t most);
/* Remembers what q holds. If it goes on writing, it copies its last block first. */
void ll_prefix_insert(ll_prefix_tree *tree, const ll_sequence *q);
/* Gives up the block that was not used for the longest time, among those that nobody else holds. False: there is none.
 */
bool ll_prefix_evict(ll_prefix_tree *tree);
/* Gives up this block, that the one who asks holds too and is about to copy for it. False: others build on it. */
bool ll_prefix_forget(ll_prefix_tree *tree, const void *block);

#endif
