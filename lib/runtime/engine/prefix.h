/*
 * The prefix cache: a tree of key/value blocks (kv.h), keyed by the tokens in them. A path from the root is the prefix
 * of some request, kept for later requests that share it. Only leaves may hold blocks that are not full. A request
 * whose prefix ends inside a block shares that block as well, and copies it before it writes to it.
 *
 * Nodes are in a list by their last use. A node is always newer than its children, so the oldest node is a leaf.
 */
#ifndef LL_RUNTIME_PREFIX_H
#define LL_RUNTIME_PREFIX_H

#include "runtime/session/kv.h"

typedef struct ll_prefix_node {
    void *block;
    uint32_t parent, first_child, next_sibling, previous_sibling; /* 0: none; node 0 is the root */
    uint32_t older, newer;                                        /* 0: the end of the list */
    uint32_t n_tokens;                                            /* tokens in the block */
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

/* Allocates a node for every block of kv->own. NOMEM. */
llmcs_status ll_prefix_create(ll_prefix_tree *tree, const llmcs_allocator *a, ll_kv *kv);
/* Frees the nodes. The blocks belong to kv's chunk. */
void ll_prefix_free(ll_prefix_tree *tree, const llmcs_allocator *a);
static inline size_t ll_prefix_n_blocks(const ll_prefix_tree *tree) { return tree->max_nodes - tree->n_free; }

/* Fills the empty sequence q with the longest cached prefix of ids, at most `most` tokens. */
void ll_prefix_match(ll_prefix_tree *tree, ll_sequence *q, const int32_t *ids, size_t most);
/* Caches q's tokens and blocks. q copies its last block before it writes to it again. */
void ll_prefix_insert(ll_prefix_tree *tree, const ll_sequence *q);
/* Evicts the least recently used leaf that only the cache references. False: there is none. */
bool ll_prefix_evict(ll_prefix_tree *tree);
/* Removes this block from the cache, so that a sequence that shares it can write to it. False: the node has children.
 */
bool ll_prefix_remove(ll_prefix_tree *tree, const void *block);

#endif
