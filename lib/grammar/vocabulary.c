/* Builds the trie of token texts: insertion into linked nodes, then preorder. */
#include "grammar/vocabulary.h"

#include <string.h>

#include "text/tokenizer.h"

#define NONE UINT32_MAX
#define MAX_DEPTH 65535

/* Node 0 is the root. */
typedef struct linked_node {
    uint32_t child, sibling, token, n_tokens; /* token: the last one inserted, a list through next_token */
    uint8_t byte;
} linked_node;

typedef struct builder {
    const llmcs_allocator *allocator;
    linked_node *nodes;
    size_t n_nodes, capacity;
    uint32_t *next_token;  /* [n_ids] */
    uint32_t by_byte[256]; /* the root's children */
    size_t max_depth;
} builder;

static llmcs_status add_node(builder *b, uint8_t byte, uint32_t sibling, uint32_t *out) {
    LL_TRY(ll_grow(b->allocator, &b->nodes, b->n_nodes, &b->capacity, b->n_nodes + 1, sizeof *b->nodes,
                   "texts of tokens"));
    *out = (uint32_t)b->n_nodes;
    b->nodes[b->n_nodes++] = (linked_node){NONE, sibling, NONE, 0, byte};
    return LLMCS_OK;
}

static llmcs_status child_of(builder *b, uint32_t parent, uint8_t byte, uint32_t *out) {
    uint32_t *root = parent ? NULL : &b->by_byte[byte];
    if (root && *root != NONE) {
        *out = *root;
        return LLMCS_OK;
    }
    for (*out = root ? NONE : b->nodes[parent].child; *out != NONE; *out = b->nodes[*out].sibling)
        if (b->nodes[*out].byte == byte) return LLMCS_OK;
    LL_TRY(add_node(b, byte, b->nodes[parent].child, out));
    b->nodes[parent].child = *out;
    if (root) *root = *out;
    return LLMCS_OK;
}

static llmcs_status insert(builder *b, const char *bytes, size_t n, uint32_t id) {
    uint32_t at = 0;
    for (size_t i = 0; i < n; i++) LL_TRY(child_of(b, at, (uint8_t)bytes[i], &at));
    b->next_token[id] = b->nodes[at].token;
    b->nodes[at].token = id;
    b->nodes[at].n_tokens++;
    b->max_depth = ll_max(b->max_depth, n);
    return LLMCS_OK;
}

/* Preorder. path [max_depth + 1]: the linked node at each depth; node_at: where it went. */
static void flatten(const builder *b, ll_vocab_trie *t, uint32_t *path, uint32_t *node_at) {
    size_t depth = 0, n_tokens = 0;
    path[0] = 0;
    for (uint32_t at = b->nodes[0].child; depth || at != NONE;) {
        if (at == NONE) { /* this depth is done: close the node above */
            t->nodes[node_at[depth]].after = (uint32_t)t->n_nodes;
            at = b->nodes[path[depth--]].sibling;
            continue;
        }
        depth++;
        path[depth] = at;
        node_at[depth] = (uint32_t)t->n_nodes;
        const linked_node *from = &b->nodes[at];
        t->nodes[t->n_nodes++] = (ll_vocab_node){0, (uint32_t)n_tokens, from->n_tokens, (uint16_t)depth, from->byte};
        for (uint32_t id = from->token; id != NONE; id = b->next_token[id]) t->tokens[n_tokens++] = (int32_t)id;
        at = from->child;
    }
}

static llmcs_status finish(builder *b, ll_vocab_trie *t, size_t n_ids) {
    uint32_t *path = NULL;
    LL_TRY(ll_alloc(b->allocator, b->n_nodes, sizeof *t->nodes, "texts of tokens", &t->nodes));
    LL_TRY(ll_alloc(b->allocator, n_ids, sizeof *t->tokens, "texts of tokens", &t->tokens));
    LL_TRY(ll_alloc(b->allocator, 2 * (b->max_depth + 1), sizeof *path, "texts of tokens", &path));
    t->max_depth = b->max_depth;
    flatten(b, t, path, path + b->max_depth + 1);
    ll_free(b->allocator, path);
    return LLMCS_OK;
}

static llmcs_status insert_all(builder *b, const llmcs_tokenizer *t, size_t n_ids, bool first) {
    uint32_t root;
    memset(b->by_byte, 0xff, sizeof b->by_byte);
    LL_TRY(ll_alloc(b->allocator, n_ids, sizeof *b->next_token, "texts of tokens", &b->next_token));
    LL_TRY(add_node(b, 0, NONE, &root));
    for (size_t id = 0; id < n_ids; id++) {
        size_t n;
        const char *bytes = ll_tokenizer_token_bytes(t, (int32_t)id, first, &n);
        if (n && n <= MAX_DEPTH) LL_TRY(insert(b, bytes, n, (uint32_t)id));
    }
    return LLMCS_OK;
}

static llmcs_status build(ll_vocab_trie *out, const llmcs_allocator *a, const llmcs_tokenizer *t, size_t n_ids,
                          bool first) {
    builder b = {.allocator = a};
    llmcs_status status = insert_all(&b, t, n_ids, first);
    if (!status) status = finish(&b, out, n_ids);
    ll_free(a, b.nodes);
    ll_free(a, b.next_token);
    return status;
}

llmcs_status ll_vocabulary_build(ll_vocabulary *v, const llmcs_allocator *a, const llmcs_tokenizer *t, size_t n_ids) {
    *v = (ll_vocabulary){.n_ids = n_ids, .same = !ll_tokenizer_first_differs(t)};
    llmcs_status status = build(&v->later, a, t, n_ids, false);
    if (!status && !v->same) status = build(&v->first, a, t, n_ids, true);
    if (status) ll_vocabulary_free(v, a);
    return status;
}

void ll_vocabulary_free(ll_vocabulary *v, const llmcs_allocator *a) {
    ll_vocab_trie *const tries[] = {&v->first, &v->later};
    for (size_t i = 0; i < 2; i++) {
        ll_free(a, tries[i]->nodes);
        ll_free(a, tries[i]->tokens);
        *tries[i] = (ll_vocab_trie){0};
    }
}
