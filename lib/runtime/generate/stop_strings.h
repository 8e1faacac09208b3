/* Finds stop strings in text that arrives byte by byte (Aho and Corasick 1975): the time per byte does not depend on
 * the number of strings. All streams of a request share one automaton. */
#ifndef LL_RUNTIME_STOP_STRINGS_H
#define LL_RUNTIME_STOP_STRINGS_H

#include "base/alloc.h"

/* A node of the trie: a prefix of one or more stop strings. Node 0 is the empty prefix. */
typedef struct ll_stop_node {
    uint32_t first_child, next_sibling; /* 0: none */
    uint32_t fallback;                  /* the node of the longest proper suffix of this prefix that is also a node */
    uint32_t next_to_link;              /* while fallbacks are computed: the next node of the breadth-first queue */
    uint32_t depth;                     /* bytes of the prefix */
    uint32_t longest;                   /* bytes of the longest stop string that ends here; 0: none does */
    uint32_t string;                    /* a stop string that begins with the prefix */
    unsigned char byte;                 /* its last one */
} ll_stop_node;

typedef struct ll_stop_strings {
    const char *const *strings; /* [n], the caller's */
    size_t n;
    ll_stop_node *nodes;
    uint32_t n_nodes;
    uint32_t from_root[256]; /* the root's children by byte; 0: none */
} ll_stop_strings;

/* The strings are not empty and must outlive *stops. n may be 0. NOMEM; LIMIT: more than 4 GB of text. */
llmcs_status ll_stop_strings_init(ll_stop_strings *stops, const llmcs_allocator *a, const char *const *strings,
                                  size_t n);
void ll_stop_strings_free(ll_stop_strings *stops, const llmcs_allocator *a);

/* Reads one more byte. Returns the node of the longest suffix of the text that is a prefix of a stop string; before the
 * first byte it is 0. */
uint32_t ll_stop_strings_step(const ll_stop_strings *stops, uint32_t node, unsigned char byte);

#endif
