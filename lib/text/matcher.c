/* Aho-Corasick over the text from its end. A forward automaton for the longest match must read ahead until no longer
 * match is possible and then reads those bytes again, which is quadratic for patterns like "a" and "aaaa...b". Reading
 * backwards with reversed patterns gives the longest pattern that starts at each byte; a second loop from the front
 * keeps the leftmost ones. */
#include "text/matcher.h"

#include <string.h>

void ll_matcher_free(ll_matcher *m, const llmcs_allocator *a) {
    ll_trie_free(&m->trie, a);
    ll_free(a, m->fail);
    ll_free(a, m->pattern);
    ll_free(a, m->length);
    *m = (ll_matcher){0};
}

/* Where node's failure link leads on `byte`: the longest suffix that can be continued, else the root. */
static uint32_t follow_failure_links(const ll_matcher *m, uint32_t node, unsigned char byte) {
    for (;; node = m->fail[node]) {
        uint32_t next = ll_trie_step(&m->trie, node, byte);
        if (next != LL_TRIE_NONE) return next;
        if (node == 0) return 0;
    }
}

/* Data for visiting the nodes in order of depth during construction. */
typedef struct builder {
    char *reversed;                   /* one pattern at a time */
    uint32_t *parent, *depth, *order; /* [n_nodes] */
    unsigned char *byte;              /* on the edge from parent */
    size_t *count;                    /* nodes of each depth, then where they begin in order */
} builder;

static void builder_free(builder *b, const llmcs_allocator *a) {
    ll_free(a, b->reversed);
    ll_free(a, b->parent);
    ll_free(a, b->depth);
    ll_free(a, b->order);
    ll_free(a, b->byte);
    ll_free(a, b->count);
}

static llmcs_status builder_init(builder *b, const llmcs_allocator *a, size_t n_nodes, size_t longest) {
    LL_TRY(ll_alloc(a, longest, 1, "added tokens", &b->reversed));
    LL_TRY(ll_alloc_zero(a, n_nodes, sizeof *b->parent, "added tokens", &b->parent));
    LL_TRY(ll_alloc_zero(a, n_nodes, sizeof *b->depth, "added tokens", &b->depth));
    LL_TRY(ll_alloc(a, n_nodes, sizeof *b->order, "added tokens", &b->order));
    LL_TRY(ll_alloc_zero(a, n_nodes, 1, "added tokens", &b->byte));
    return ll_alloc_zero(a, longest + 2, sizeof *b->count, "added tokens", &b->count);
}

static void add_pattern(ll_matcher *m, builder *b, const char *pattern, size_t len, int32_t number) {
    for (size_t i = 0; i < len; i++) b->reversed[i] = pattern[len - 1 - i];
    ll_trie_add(&m->trie, 0, b->reversed, len, number);
    m->starts[(unsigned char)b->reversed[0]] = true;
    uint32_t node = 0;
    for (size_t i = 0; i < len; i++) {
        uint32_t child = ll_trie_step(&m->trie, node, (unsigned char)b->reversed[i]);
        b->parent[child] = node;
        b->byte[child] = (unsigned char)b->reversed[i];
        b->depth[child] = (uint32_t)i + 1;
        node = child;
    }
}

static void sort_by_depth(const ll_matcher *m, builder *b, size_t longest) {
    uint32_t n = m->trie.n_nodes;
    for (uint32_t i = 0; i < n; i++) b->count[b->depth[i] + 1]++;
    for (size_t d = 1; d <= longest + 1; d++) b->count[d] += b->count[d - 1];
    for (uint32_t i = 0; i < n; i++) b->order[b->count[b->depth[i]]++] = i;
}

/* Failure links and patterns, shallow nodes first, because deeper ones follow them. */
static void link_nodes(ll_matcher *m, const builder *b) {
    m->fail[0] = 0;
    m->pattern[0] = -1;
    for (uint32_t i = 1; i < m->trie.n_nodes; i++) {
        uint32_t node = b->order[i], parent = b->parent[node];
        m->fail[node] = parent == 0 ? 0 : follow_failure_links(m, m->fail[parent], b->byte[node]);
        m->pattern[node] = m->trie.value[node] >= 0 ? m->trie.value[node] : m->pattern[m->fail[node]];
    }
}

llmcs_status ll_matcher_init(ll_matcher *m, const llmcs_allocator *a, const char *const *patterns,
                             const uint32_t *lengths, size_t n_patterns, uint64_t seed) {
    builder b = {0};
    llmcs_status st = LLMCS_OK;
    size_t total = 0, longest = 0;
    *m = (ll_matcher){.n_patterns = n_patterns};
    if (n_patterns == 0) return LLMCS_OK;
    for (size_t i = 0; i < n_patterns; i++) {
        total += lengths[i];
        longest = ll_max(longest, lengths[i]);
    }
    LL_TRY_GOTO(st, ll_trie_init(&m->trie, a, 1, total, seed), done);
    LL_TRY_GOTO(st, ll_alloc(a, n_patterns, sizeof *m->length, "added tokens", &m->length), done);
    memcpy(m->length, lengths, n_patterns * sizeof *lengths);
    LL_TRY_GOTO(st, builder_init(&b, a, total + 1, longest), done);
    for (size_t i = 0; i < n_patterns; i++) add_pattern(m, &b, patterns[i], lengths[i], (int32_t)i);
    LL_TRY_GOTO(st, ll_alloc(a, m->trie.n_nodes, sizeof *m->fail, "added tokens", &m->fail), done);
    LL_TRY_GOTO(st, ll_alloc(a, m->trie.n_nodes, sizeof *m->pattern, "added tokens", &m->pattern), done);
    sort_by_depth(m, &b, longest);
    link_nodes(m, &b);
done:
    builder_free(&b, a);
    if (st) ll_matcher_free(m, a);
    return st;
}

/* The longest pattern at every position where one starts, from the end of the text to its start. */
static llmcs_status find_all(const ll_matcher *m, const llmcs_allocator *a, const char *text, size_t len,
                             ll_matches *matches) {
    uint32_t node = 0;
    for (size_t i = len; i-- > 0;) {
        unsigned char byte = (unsigned char)text[i];
        if (node == 0 && !m->starts[byte]) continue;
        node = follow_failure_links(m, node, byte);
        int32_t pattern = m->pattern[node];
        if (pattern < 0) continue;
        LL_TRY(ll_grow(a, &matches->at, matches->n, &matches->capacity, matches->n + 1, sizeof *matches->at,
                       "added tokens in the text"));
        matches->at[matches->n++] = (ll_match){i, m->length[pattern], pattern};
    }
    return LLMCS_OK;
}

/* Puts them in the text's order and keeps the leftmost that do not overlap. */
static void keep_leftmost(ll_matches *matches) {
    for (size_t i = 0, k = matches->n; i + 1 < k; i++, k--) {
        ll_match swapped = matches->at[i];
        matches->at[i] = matches->at[k - 1];
        matches->at[k - 1] = swapped;
    }
    size_t n = 0, end = 0;
    for (size_t i = 0; i < matches->n; i++) {
        ll_match match = matches->at[i];
        if (match.begin < end) continue;
        end = match.begin + match.length;
        matches->at[n++] = match;
    }
    matches->n = n;
}

llmcs_status ll_matcher_find(const ll_matcher *m, const llmcs_allocator *a, const char *text, size_t len,
                             ll_matches *matches) {
    matches->n = 0;
    if (m->n_patterns == 0) return LLMCS_OK;
    LL_TRY(find_all(m, a, text, len, matches));
    keep_leftmost(matches);
    return LLMCS_OK;
}
