/* The prefix cache: matching, insertion, eviction. */
#include "runtime/engine/prefix.h"

#include <string.h>

/* Copying a block costs more than evaluating fewer tokens than this again. */
#define LEAST_SHARED 4

/* ---------------------------------------------------------------------------------------- the order of use */

static void unlink_use(ll_prefix_tree *t, uint32_t i) {
    ll_prefix_node *node = &t->nodes[i];
    *(node->older ? &t->nodes[node->older].newer : &t->oldest) = node->newer;
    *(node->newer ? &t->nodes[node->newer].older : &t->newest) = node->older;
}

static void link_newest(ll_prefix_tree *t, uint32_t i) {
    ll_prefix_node *node = &t->nodes[i];
    node->older = t->newest;
    node->newer = 0;
    *(t->newest ? &t->nodes[t->newest].newer : &t->oldest) = i;
    t->newest = i;
}

/* Marks a node and its ancestors as used, each newer than its children. */
static void use_path(ll_prefix_tree *t, uint32_t i) {
    for (; i; i = t->nodes[i].parent) {
        unlink_use(t, i);
        link_newest(t, i);
    }
}

/* --------------------------------------------------------------------------------------------------- nodes */

static void remove_leaf(ll_prefix_tree *t, uint32_t i) {
    ll_prefix_node *node = &t->nodes[i];
    *(node->previous_sibling ? &t->nodes[node->previous_sibling].next_sibling : &t->nodes[node->parent].first_child) =
        node->next_sibling;
    if (node->next_sibling) t->nodes[node->next_sibling].previous_sibling = node->previous_sibling;
    unlink_use(t, i);
    ll_kv_unref(t->kv, node->block);
    t->free_nodes[t->n_free++] = i;
}

/* The caller calls use_path afterwards. A node is always free, because there are as many nodes as blocks. */
static uint32_t add_child(ll_prefix_tree *t, uint32_t parent, void *block, const int32_t *tokens, size_t n) {
    uint32_t i = t->free_nodes[--t->n_free], first = t->nodes[parent].first_child;
    ll_prefix_node *node = &t->nodes[i];
    *node = (ll_prefix_node){.block = block, .parent = parent, .next_sibling = first, .n_tokens = (uint32_t)n};
    memcpy(node->tokens, tokens, n * sizeof *tokens);
    if (first) t->nodes[first].previous_sibling = i;
    t->nodes[parent].first_child = i;
    ll_kv_ref(t->kv, block);
    link_newest(t, i);
    return i;
}

static size_t common_prefix(const ll_prefix_node *node, const int32_t *ids, size_t n) {
    size_t i = 0, most = ll_min(node->n_tokens, n);
    while (i < most && node->tokens[i] == ids[i]) i++;
    return i;
}

/* The child with the longest common prefix with ids [n]; 0: no child has any. */
static uint32_t best_child(const ll_prefix_tree *t, uint32_t parent, const int32_t *ids, size_t n, size_t *n_common) {
    uint32_t best = 0;
    *n_common = 0;
    for (uint32_t i = t->nodes[parent].first_child; i; i = t->nodes[i].next_sibling) {
        size_t c = common_prefix(&t->nodes[i], ids, n);
        if (c <= *n_common) continue;
        *n_common = c;
        best = i;
    }
    return best;
}

llmcs_status ll_prefix_create(ll_prefix_tree *tree, const llmcs_allocator *a, ll_kv *kv) {
    size_t n = kv->own.n_blocks;
    *tree = (ll_prefix_tree){.kv = kv, .max_nodes = n, .n_free = n};
    LL_TRY(ll_alloc(a, n + 1, sizeof *tree->nodes, "prefix cache", &tree->nodes));
    llmcs_status st = ll_alloc(a, n, sizeof *tree->free_nodes, "prefix cache", &tree->free_nodes);
    if (st) {
        ll_prefix_free(tree, a);
        return st;
    }
    tree->nodes[0] = (ll_prefix_node){0};
    for (size_t i = 0; i < n; i++) tree->free_nodes[i] = (uint32_t)(n - i);
    return LLMCS_OK;
}

void ll_prefix_free(ll_prefix_tree *tree, const llmcs_allocator *a) {
    ll_free(a, tree->nodes);
    ll_free(a, tree->free_nodes);
    *tree = (ll_prefix_tree){0};
}

/* ------------------------------------------------------------------------------------ match, insert, evict */

void ll_prefix_match(ll_prefix_tree *t, ll_sequence *q, const int32_t *ids, size_t most) {
    uint32_t at = 0;
    size_t c = LL_KV_BLOCK;
    while (c == LL_KV_BLOCK && q->n_tokens < most) {
        uint32_t child = best_child(t, at, ids + q->n_tokens, most - q->n_tokens, &c);
        if (c < LEAST_SHARED) break;
        ll_kv_ref(t->kv, t->nodes[child].block);
        q->blocks[q->n_blocks++] = t->nodes[child].block;
        q->n_tokens += c;
        at = child;
    }
    use_path(t, at);
}

/* Removes leaves whose tokens are a prefix of ids [n], which are about to be added as their sibling. */
static void remove_prefix_leaves(ll_prefix_tree *t, uint32_t parent, const int32_t *ids, size_t n) {
    for (uint32_t i = t->nodes[parent].first_child, next; i; i = next) {
        const ll_prefix_node *node = &t->nodes[i];
        next = node->next_sibling;
        if (node->n_tokens < n && !node->first_child && common_prefix(node, ids, n) == node->n_tokens)
            remove_leaf(t, i);
    }
}

void ll_prefix_insert(ll_prefix_tree *t, const ll_sequence *q) {
    uint32_t at = 0;
    for (size_t done = 0, n; done < q->n_tokens; done += n) {
        const int32_t *ids = q->tokens + done;
        size_t c;
        n = ll_min(q->n_tokens - done, LL_KV_BLOCK);
        uint32_t child = best_child(t, at, ids, n, &c);
        if (c < n) {
            remove_prefix_leaves(t, at, ids, n);
            child = add_child(t, at, q->blocks[done / LL_KV_BLOCK], ids, n);
        }
        at = child;
    }
    use_path(t, at);
}

bool ll_prefix_evict(ll_prefix_tree *t) {
    for (uint32_t i = t->oldest; i; i = t->nodes[i].newer) {
        if (t->nodes[i].first_child || ll_kv_refcount(t->kv, t->nodes[i].block) > 1) continue;
        remove_leaf(t, i);
        t->n_evicted++;
        return true;
    }
    return false;
}

bool ll_prefix_remove(ll_prefix_tree *t, const void *block) {
    uint32_t i = t->newest;
    while (i && t->nodes[i].block != block) i = t->nodes[i].older;
    if (!i || t->nodes[i].first_child) return false;
    remove_leaf(t, i);
    return true;
}
