/* A trie over bytes whose edges are in one keyed hash table: built in time linear in its keys. Written by hand because
 * Debian's tries allocate with malloc only (libdatrie-dev) or are C++ (libmarisa-dev). */
#ifndef LL_TEXT_TRIE_H
#define LL_TEXT_TRIE_H

#include "base/alloc.h"
#include "text/hash.h"

#define LL_TRIE_NONE UINT32_MAX
#define LL_TRIE_MAX_NODES (1u << 24) /* node and byte share 32 bits */

typedef struct ll_trie_edge {
    uint32_t key;   /* node << 8 | byte */
    uint32_t child; /* 0: free (no edge leads to node 0) */
} ll_trie_edge;

typedef struct ll_trie {
    ll_trie_edge *edge;
    size_t n_slots; /* a power of two */
    uint32_t n_nodes, n_roots;
    int32_t *value;  /* [n_nodes]; -1: no key ends here */
    size_t capacity; /* of value */
    uint64_t seed;
} ll_trie;

/* n_roots independent tries (nodes 0..n_roots-1) with capacity for keys of max_bytes bytes in all. LIMIT if that may
 * need more than LL_TRIE_MAX_NODES. */
llmcs_status ll_trie_init(ll_trie *t, const llmcs_allocator *a, uint32_t n_roots, size_t max_bytes, uint64_t seed);
void ll_trie_free(ll_trie *t, const llmcs_allocator *a);

/* Adds a key under a root; an existing key keeps its value. Returns the node where it ends. */
uint32_t ll_trie_add(ll_trie *t, uint32_t root, const char *key, size_t len, int32_t value);

static inline size_t ll_trie_slot(const ll_trie *t, uint32_t key) {
    return (size_t)(ll_hash_u64(t->seed, key)) & (t->n_slots - 1);
}

/* LL_TRIE_NONE: no such edge. */
static inline uint32_t ll_trie_step(const ll_trie *t, uint32_t node, unsigned char byte) {
    uint32_t key = node << 8 | byte;
    for (size_t i = ll_trie_slot(t, key);; i = (i + 1) & (t->n_slots - 1)) {
        if (t->edge[i].child == 0) return LL_TRIE_NONE;
        if (t->edge[i].key == key) return t->edge[i].child;
    }
}

#endif
