/* A trie of words whose edges are in one hash table. */
#include "shop/guard/lexicon.h"

#include <string.h>

#include "shop/base/utf8.h"
#include "shop/guard/view.h"

typedef struct lexicon_edge {
    uint32_t parent, code;
    uint32_t child; /* 0: the slot is free */
} lexicon_edge;

struct shop_lexicon {
    lexicon_edge *edges; /* [n_slots] */
    size_t n_slots;      /* a power of two, more than twice the number of edges */
    uint32_t *tags;      /* [n_nodes] */
    size_t n_nodes, node_capacity;
    uint64_t first[1024]; /* bit set of the characters below U+10000 that begin a word */
};

static size_t edge_slot(const shop_lexicon *l, uint32_t parent, uint32_t code) {
    size_t slot = (size_t)((((uint64_t)parent << 21) ^ code) * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (l->n_slots - 1);
    while (l->edges[slot].child && (l->edges[slot].parent != parent || l->edges[slot].code != code))
        slot = (slot + 1) & (l->n_slots - 1);
    return slot;
}

uint32_t shop_lexicon_child(const shop_lexicon *l, uint32_t node, uint32_t code) {
    if (!node && (code > 0xffff || !(l->first[code / 64] >> code % 64 & 1))) return 0;
    return l->edges[edge_slot(l, node, code)].child;
}

uint32_t shop_lexicon_tags(const shop_lexicon *l, uint32_t node) { return l->tags[node]; }

static llmcs_status add_word(const llmcs_allocator *a, shop_lexicon *l, const char *word, size_t n, uint32_t tags) {
    uint32_t node = 0;
    for (size_t i = 0; i < n;) {
        uint32_t code;
        i += shop_utf8_decode((const unsigned char *)word + i, n - i, &code);
        code = shop_ascii_lower(code);
        const size_t slot = edge_slot(l, node, code);
        if (!l->edges[slot].child) {
            SHOP_TRY(shop_grow(a, &l->tags, l->n_nodes, &l->node_capacity, l->n_nodes + 1, sizeof *l->tags, "words"));
            l->tags[l->n_nodes] = 0;
            l->edges[slot] = (lexicon_edge){node, code, (uint32_t)l->n_nodes++};
            if (!node && code <= 0xffff) l->first[code / 64] |= UINT64_C(1) << code % 64;
        }
        node = l->edges[slot].child;
    }
    if (node) l->tags[node] |= tags;
    return LLMCS_OK;
}

static llmcs_status add_tables(const llmcs_allocator *a, shop_lexicon *l, const shop_word_table *table) {
    for (; table->words; table++)
        for (const char *word = table->words; *word;) {
            const size_t n = strcspn(word, ",");
            SHOP_TRY(add_word(a, l, word, n, table->tags));
            word += n + (word[n] == ',');
        }
    return LLMCS_OK;
}

/* An upper bound on the number of edges: each byte of a table adds at most one. */
static size_t count_bytes(const shop_word_table *table) {
    size_t n = 0;
    for (; table->words; table++) n += strlen(table->words);
    return n;
}

static llmcs_status fill(const llmcs_allocator *a, shop_lexicon *l) {
    const size_t most = count_bytes(shop_cue_words) + count_bytes(shop_person_words) + count_bytes(shop_place_words);
    for (l->n_slots = 64; l->n_slots < 2 * most;) l->n_slots *= 2;
    SHOP_TRY(shop_alloc_zero(a, l->n_slots, sizeof *l->edges, "words", &l->edges));
    SHOP_TRY(shop_grow(a, &l->tags, 0, &l->node_capacity, 1, sizeof *l->tags, "words"));
    l->tags[0] = 0;
    l->n_nodes = 1;
    SHOP_TRY(add_tables(a, l, shop_cue_words));
    SHOP_TRY(add_tables(a, l, shop_person_words));
    return add_tables(a, l, shop_place_words);
}

llmcs_status shop_lexicon_create(const llmcs_allocator *a, shop_lexicon **lexicon) {
    SHOP_TRY(shop_alloc_zero(a, 1, sizeof **lexicon, "words", lexicon));
    const llmcs_status status = fill(a, *lexicon);
    if (status) shop_lexicon_free(a, lexicon);
    return status;
}

void shop_lexicon_free(const llmcs_allocator *a, shop_lexicon **lexicon) {
    if (!*lexicon) return;
    shop_free(a, (*lexicon)->edges);
    shop_free(a, (*lexicon)->tags);
    shop_free(a, *lexicon);
    *lexicon = NULL;
}
