/* Builds the Aho-Corasick automaton of a word list and runs it over texts. */
#include "shop/guard/word_tree.h"

#include <string.h>

/* ---- edges */

static size_t slot_of(const shop_word_list *list, uint64_t key) {
    const uint64_t h = key * 0x9e3779b97f4a7c15u;
    return (size_t)(h >> 32) & list->edge_mask;
}

static bool is_a_to_z(uint32_t code) { return code >= 'a' && code <= 'z'; }

uint32_t shop_word_tree_child(const shop_word_list *list, uint32_t node, uint32_t code) {
    if (!node && code < 128) return list->root[code];
    if (list->nodes[node].first && is_a_to_z(code)) return list->pairs[list->nodes[node].first - 1][code - 'a'];
    const uint64_t key = (uint64_t)node << 32 | code;
    for (size_t i = slot_of(list, key);; i = (i + 1) & list->edge_mask) {
        if (list->edges[i].key == key) return list->edges[i].to;
        if (list->edges[i].key == UINT64_MAX) return 0;
    }
}

static void add_edge(shop_word_list *list, uint32_t node, uint32_t code, uint32_t to) {
    if (!node && code < 128) list->root[code] = to;
    if (!node && is_a_to_z(code)) list->nodes[to].first = code - 'a' + 1;
    if (list->nodes[node].first && is_a_to_z(code)) list->pairs[list->nodes[node].first - 1][code - 'a'] = to;
    const uint64_t key = (uint64_t)node << 32 | code;
    size_t i = slot_of(list, key);
    while (list->edges[i].key != UINT64_MAX) i = (i + 1) & list->edge_mask;
    list->edges[i] = (shop_edge){key, to};
}

/* ---- building */

static void add_entry(shop_word_list *list, uint32_t index) {
    shop_word_entry *e = &list->entries[index];
    uint32_t node = 0;
    for (uint32_t i = 0; i < e->n; i++) {
        const uint32_t code = list->letters[e->first + i].code;
        uint32_t child = shop_word_tree_child(list, node, code);
        if (!child) {
            child = (uint32_t)list->n_nodes++;
            list->nodes[child] = (shop_node){.entry = SHOP_NONE};
            add_edge(list, node, code, child);
        }
        node = child;
    }
    e->next = list->nodes[node].entry;
    list->nodes[node].entry = index;
}

/* Sets every node's fail link from its parent's, in order of depth. */
static llmcs_status link_nodes(shop_word_list *list) {
    uint32_t *order, *parent, *code, begin = 0, end = 0;
    const llmcs_allocator *a = &list->allocator;
    SHOP_TRY(shop_alloc(a, 3 * list->n_nodes, sizeof *order, "word list", &order));
    parent = order + list->n_nodes;
    code = parent + list->n_nodes;
    for (size_t i = 0; i <= list->edge_mask; i++) {
        const shop_edge *e = &list->edges[i];
        if (e->key == UINT64_MAX) continue;
        parent[e->to] = (uint32_t)(e->key >> 32);
        code[e->to] = (uint32_t)e->key;
    }
    uint32_t *depth;
    llmcs_status status = shop_alloc_zero(a, list->n_nodes, sizeof *depth, "word list", &depth);
    if (status) {
        shop_free(a, order);
        return status;
    }
    /* A node's number is larger than its parent's. */
    for (uint32_t i = 1; i < list->n_nodes; i++) depth[i] = depth[parent[i]] + 1;
    for (uint32_t d = 1; d <= SHOP_MAX_ENTRY && end + 1 < list->n_nodes; d++) {
        begin = end;
        for (uint32_t i = 1; i < list->n_nodes; i++)
            if (depth[i] == d) order[end++] = i;
        if (begin == end) break;
    }
    for (uint32_t k = 0; k < end; k++) {
        const uint32_t node = order[k];
        uint32_t f = parent[node] ? list->nodes[parent[node]].fail : 0, to = 0;
        if (parent[node]) {
            while (!(to = shop_word_tree_child(list, f, code[node])) && f) f = list->nodes[f].fail;
        }
        list->nodes[node].fail = to;
        list->nodes[node].link = list->nodes[to].entry != SHOP_NONE ? to : list->nodes[to].link;
    }
    shop_free(a, depth);
    shop_free(a, order);
    return LLMCS_OK;
}

llmcs_status shop_word_tree_build(shop_word_list *list) {
    size_t slots = 64;
    while (slots < 2 * (list->n_letters + 1)) slots *= 2;
    SHOP_TRY(shop_alloc(&list->allocator, slots, sizeof *list->edges, "word list", &list->edges));
    list->edge_mask = slots - 1;
    for (size_t i = 0; i < slots; i++) list->edges[i].key = UINT64_MAX;
    SHOP_TRY(shop_alloc(&list->allocator, list->n_letters + 1, sizeof *list->nodes, "word list", &list->nodes));
    list->nodes[0] = (shop_node){.entry = SHOP_NONE};
    list->n_nodes = 1;
    for (uint32_t i = 0; i < list->n_entries; i++) add_entry(list, i);
    return link_nodes(list);
}

/* ---- finding */

static bool is_open_before(const shop_letters *letters, size_t at) {
    return !at || letters->at[at].gap || letters->at[at - 1].han;
}

static bool is_open_after(const shop_letters *letters, size_t last) {
    return last + 1 >= letters->n || letters->at[last + 1].gap || letters->at[last + 1].han;
}

/* True if each letter is repeated as in the entry, or three times or more: shiiit. */
static bool runs_fit(const shop_letter *t, const shop_entry_letter *e, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (t[i].run != e[i].run && !(t[i].run >= 3 && t[i].run > e[i].run)) return false;
    return true;
}

/* True if the text has gaps only where the entry has them, and stars exactly there. */
static bool is_plain(const shop_letter *t, const shop_entry_letter *e, size_t n) {
    for (size_t i = 1; i < n; i++) {
        if (e[i].gap == SHOP_GAP_STAR ? t[i].gap != SHOP_GAP_STAR : t[i].gap && !e[i].gap) return false;
        if (t[i].sentence != t[0].sentence) return false;
    }
    return true;
}

/* True if all letters are separated from each other and from their neighbours. */
static bool is_spaced_out(const shop_letters *letters, size_t first, const shop_entry_letter *e, size_t n) {
    const shop_letter *t = &letters->at[first];
    if (n < 2 || (n < 3 && !t->han && t[1].run < 2) || (first && !t->gap)) return false;
    if (first + n < letters->n && !letters->at[first + n].gap) return false;
    for (size_t i = 1; i < n; i++)
        if (!t[i].gap || e[i].gap == SHOP_GAP_STAR || (t->han && t[i].gap == SHOP_GAP_HARD)) return false;
    return true;
}

static bool is_latin_letter(const shop_letter *t) { return !t->han && !(t->code >= '0' && t->code <= '9'); }

/* True if the entry ends at letter `last`; a plural s may follow. */
static bool entry_fits(const shop_word_list *list, const shop_word_entry *entry, const shop_letters *letters,
                       size_t last, size_t *end) {
    const size_t n = entry->n, first = last + 1 - n;
    const shop_letter *t = &letters->at[first];
    const shop_entry_letter *e = &list->letters[entry->first];
    *end = last;
    if (!runs_fit(t, e, n)) return false;
    if (is_spaced_out(letters, first, e, n)) return true;
    if (!is_plain(t, e, n) || (!t->han && !is_open_before(letters, first))) return false;
    if (letters->at[last].han || is_open_after(letters, last)) return true;
    const shop_letter *next = &letters->at[last + 1];
    if (next->code != 's' || next->run != 1 || !is_latin_letter(&letters->at[last])) return false;
    if (!is_open_after(letters, last + 1)) return false;
    *end = last + 1;
    return true;
}

static llmcs_status add_hit(const llmcs_allocator *a, const shop_word_list *list, const shop_phrase *p, uint32_t begin,
                            uint32_t end, shop_word_scratch *s) {
    const bool excepts = p->section == SHOP_NONE;
    shop_word_hit **items = excepts ? &s->exceptions : &s->hits;
    size_t *n = excepts ? &s->n_exceptions : &s->n, *capacity = excepts ? &s->exception_capacity : &s->capacity;
    SHOP_TRY(shop_grow(a, items, *n, capacity, *n + 1, sizeof **items, "words of a text"));
    (*items)[(*n)++] = (shop_word_hit){excepts ? NULL : &list->sections[p->section], begin, end};
    return LLMCS_OK;
}

/* Starts, continues or completes the phrases that use the atom. exceptions: only those of [except], else only the
 * others.
 */
static llmcs_status follow_atom(const llmcs_allocator *a, const shop_word_list *list, bool exceptions,
                                const struct shop_word_match *m, const shop_letters *letters, shop_word_scratch *s) {
    const shop_letter *begin = &letters->at[m->first], *end = &letters->at[m->last];
    for (uint32_t u = list->atoms[m->atom]; u != SHOP_NONE; u = list->uses[u].next) {
        const shop_phrase *p = &list->phrases[list->uses[u].phrase];
        const uint32_t part = list->uses[u].part;
        if ((p->section == SHOP_NONE) != exceptions) continue;
        if (p->state == SHOP_NONE) {
            SHOP_TRY(add_hit(a, list, p, begin->begin, end->end, s));
            continue;
        }
        struct shop_phrase_state *state = &s->phrases[p->state];
        if (!part) {
            *state = (struct shop_phrase_state){1, begin->begin, m->first, m->last, end->sentence};
            continue;
        }
        if (state->next == part + 1 && state->first == m->first) {
            state->last = m->last; /* a longer word of the class at the same place */
            continue;
        }
        const uint32_t gap = begin->han ? SHOP_HAN_GAP : SHOP_PHRASE_GAP, most = p->gaps & 1u << part ? gap + 1 : 1;
        if (state->next != part || m->first <= state->last || m->first - state->last > most ||
            state->sentence != begin->sentence)
            continue;
        if (part + 1 == p->n_parts) {
            /* Keeps the state, because a longer last word may follow. */
            SHOP_TRY(add_hit(a, list, p, state->begin, end->end, s));
            continue;
        }
        state->first = m->first;
        state->last = m->last;
        state->sentence = end->sentence;
        state->next++;
    }
    return LLMCS_OK;
}

static llmcs_status add_matches(const shop_word_list *list, const llmcs_allocator *a, uint32_t node,
                                const shop_letters *letters, size_t at, shop_word_scratch *s) {
    for (uint32_t o = list->nodes[node].entry != SHOP_NONE ? node : list->nodes[node].link; o; o = list->nodes[o].link)
        for (uint32_t e = list->nodes[o].entry; e != SHOP_NONE; e = list->entries[e].next) {
            size_t last;
            if (!entry_fits(list, &list->entries[e], letters, at, &last)) continue;
            SHOP_TRY(shop_grow(a, &s->matches, s->n_matches, &s->match_capacity, s->n_matches + 1, sizeof *s->matches,
                               "words of a text"));
            s->matches[s->n_matches++] = (struct shop_word_match){
                list->entries[e].atom, (uint32_t)(at + 1 - list->entries[e].n), (uint32_t)last};
        }
    return LLMCS_OK;
}

/* True if an exception covers the bytes. Exceptions are sorted by their ends. */
static bool is_excepted(const shop_word_scratch *s, uint32_t begin, uint32_t end) {
    enum { LONGEST = 4096 }; /* bytes of an exception */
    size_t low = 0, high = s->n_exceptions;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (s->exceptions[middle].end < end)
            low = middle + 1;
        else
            high = middle;
    }
    for (size_t i = low; i < s->n_exceptions && s->exceptions[i].end - end <= LONGEST; i++)
        if (s->exceptions[i].begin <= begin) return true;
    return false;
}

llmcs_status shop_word_list_find(const shop_word_list *list, const llmcs_allocator *a, const shop_letters *letters,
                                 shop_word_scratch *s) {
    uint32_t node = 0;
    s->n_matches = s->n_exceptions = 0;
    for (size_t i = 0; i < letters->n; i++) {
        const uint32_t code = letters->at[i].code;
        uint32_t child;
        while (!(child = shop_word_tree_child(list, node, code)) && node) node = list->nodes[node].fail;
        node = child;
        SHOP_TRY(add_matches(list, a, node, letters, i, s));
    }
    if (!s->n_matches) return LLMCS_OK;
    if (!s->phrases) SHOP_TRY(shop_alloc(a, list->n_states, sizeof *s->phrases, "phrases of a text", &s->phrases));
    memset(s->phrases, 0, list->n_states * sizeof *s->phrases);
    for (size_t i = 0; i < s->n_matches; i++) SHOP_TRY(follow_atom(a, list, true, &s->matches[i], letters, s));
    const size_t from = s->n;
    for (size_t i = 0; i < s->n_matches; i++) {
        const struct shop_word_match *m = &s->matches[i];
        /* A word inside an exception cannot be part of a phrase either: do you sell glue guns? */
        if (s->n_exceptions && is_excepted(s, letters->at[m->first].begin, letters->at[m->last].end)) continue;
        SHOP_TRY(follow_atom(a, list, false, m, letters, s));
    }
    size_t kept = from;
    for (size_t i = from; i < s->n; i++)
        if (!is_excepted(s, s->hits[i].begin, s->hits[i].end)) s->hits[kept++] = s->hits[i];
    s->n = kept;
    return LLMCS_OK;
}

void shop_word_scratch_free(const llmcs_allocator *a, shop_word_scratch *s) {
    shop_free(a, s->phrases);
    shop_free(a, s->matches);
    shop_free(a, s->hits);
    shop_free(a, s->exceptions);
    *s = (shop_word_scratch){0};
}
