/* Builds the Aho-Corasick automaton of the stop strings. */
#include "runtime/generate/stop_strings.h"

#include <string.h>

static uint32_t child_of(const ll_stop_strings *stops, uint32_t node, unsigned char byte) {
    if (node == 0) return stops->from_root[byte];
    uint32_t child = stops->nodes[node].first_child;
    while (child && stops->nodes[child].byte != byte) child = stops->nodes[child].next_sibling;
    return child;
}

static void add_string(ll_stop_strings *stops, uint32_t number) {
    const char *string = stops->strings[number];
    uint32_t node = 0, depth = 0;
    for (; string[depth]; depth++) {
        const unsigned char byte = (unsigned char)string[depth];
        uint32_t child = child_of(stops, node, byte);
        if (!child) {
            child = stops->n_nodes++;
            stops->nodes[child] = (ll_stop_node){
                .next_sibling = stops->nodes[node].first_child, .depth = depth + 1, .string = number, .byte = byte};
            stops->nodes[node].first_child = child;
            if (node == 0) stops->from_root[byte] = child;
        }
        node = child;
    }
    stops->nodes[node].longest = depth;
}

/* Breadth first, because a fallback is always shallower than its node. */
static void set_fallbacks(ll_stop_strings *stops) {
    ll_stop_node *nodes = stops->nodes;
    uint32_t last = 0;
    for (uint32_t node = 0;;) {
        for (uint32_t child = nodes[node].first_child; child; child = nodes[child].next_sibling) {
            uint32_t fallback = node ? ll_stop_strings_step(stops, nodes[node].fallback, nodes[child].byte) : 0;
            nodes[child].fallback = fallback;
            if (!nodes[child].longest) nodes[child].longest = nodes[fallback].longest;
            nodes[last].next_to_link = child;
            last = child;
        }
        if (node == last) return;
        node = nodes[node].next_to_link;
    }
}

llmcs_status ll_stop_strings_init(ll_stop_strings *stops, const llmcs_allocator *a, const char *const *strings,
                                  size_t n) {
    *stops = (ll_stop_strings){.strings = strings, .n = n, .n_nodes = 1};
    size_t n_nodes = 1;
    for (size_t i = 0; i < n; i++)
        if (!ll_add(n_nodes, strlen(strings[i]), &n_nodes) || n_nodes > UINT32_MAX)
            return ll_fail(LLMCS_LIMIT, "stop_strings: more than 4 GB of text");
    LL_TRY(ll_alloc_zero(a, n_nodes, sizeof *stops->nodes, "stop strings", &stops->nodes));
    for (size_t i = 0; i < n; i++) add_string(stops, (uint32_t)i);
    set_fallbacks(stops);
    return LLMCS_OK;
}

void ll_stop_strings_free(ll_stop_strings *stops, const llmcs_allocator *a) {
    ll_free(a, stops->nodes);
    *stops = (ll_stop_strings){0};
}

uint32_t ll_stop_strings_step(const ll_stop_strings *stops, uint32_t node, unsigned char byte) {
    for (;; node = stops->nodes[node].fallback) {
        const uint32_t child = child_of(stops, node, byte);
        if (child || node == 0) return child;
    }
}
