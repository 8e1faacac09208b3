/* Building the trie; steps are inline in the header. */
#include "text/trie.h"

#include <string.h>

llmcs_status ll_trie_init(ll_trie *t, const llmcs_allocator *a, uint32_t n_roots, size_t max_bytes, uint64_t seed) {
    *t = (ll_trie){.n_slots = 16, .n_nodes = n_roots, .n_roots = n_roots, .seed = seed};
    if (max_bytes >= LL_TRIE_MAX_NODES - n_roots)
        return ll_fail(LLMCS_LIMIT, "tokens of %zu bytes in all, at most %u are supported", max_bytes,
                       LL_TRIE_MAX_NODES - n_roots - 1);
    /* Two thirds full if no two keys share a prefix; real vocabularies fill a third. */
    while (t->n_slots < max_bytes + max_bytes / 2 + 2) t->n_slots *= 2;
    t->capacity = max_bytes + n_roots;
    llmcs_status st = ll_alloc_zero(a, t->n_slots, sizeof *t->edge, "token trie", &t->edge);
    if (!st) st = ll_alloc(a, t->capacity, sizeof *t->value, "token trie", &t->value);
    if (st) {
        ll_trie_free(t, a);
        return st;
    }
    memset(t->value, 0xff, t->capacity * sizeof *t->value);
    return LLMCS_OK;
}

void ll_trie_free(ll_trie *t, const llmcs_allocator *a) {
    ll_free(a, t->edge);
    ll_free(a, t->value);
    *t = (ll_trie){0};
}

static uint32_t step_or_add(ll_trie *t, uint32_t node, unsigned char byte) {
    uint32_t key = node << 8 | byte;
    size_t i = ll_trie_slot(t, key);
    for (; t->edge[i].child; i = (i + 1) & (t->n_slots - 1))
        if (t->edge[i].key == key) return t->edge[i].child;
    t->edge[i] = (ll_trie_edge){key, t->n_nodes++};
    return t->edge[i].child;
}

uint32_t ll_trie_add(ll_trie *t, uint32_t root, const char *key, size_t len, int32_t value) {
    uint32_t node = root;
    for (size_t i = 0; i < len; i++) node = step_or_add(t, node, (unsigned char)key[i]);
    if (t->value[node] < 0) t->value[node] = value;
    return node;
}
