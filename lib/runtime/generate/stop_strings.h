/* Finds stop strings in text that arrives byte by byte (Aho and Corasick 1975): the time for a byte does not depend on
 * their number. All streams of a request share one automaton. */
#ifndef LL_RUNTIME_STOP_STRINGS_H
#define LL_RUNTIME_STOP_STRINGS_H

#include "base/alloc.h"

/* A prefix of some stop strings. Nodes are in the order of their depth's first mention; node 0 is the empty prefix. */
typedef struct ll_stop_node {
    uint32_t first_child, next_sibling; /* 0: none */
    uint32_t fallback;                  /* the longest proper suffix of this prefix that is a prefix, too */
    uint32_t next_to_link;              /* while fallbacks are set: a queue, shallow nodes first */
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

/* The strings are not empty, and outlive this. n may be 0. NOMEM; LIMIT: more than 4 GB of them. */
llmcs_status ll_stop_strings_init(ll_stop_strings *stops, const llmcs_allocator *a, const char *const *strings,
                                  size_t n);
void ll_stop_strings_free(ll_stop_strings *stops, const llmcs_allocator *a);

/* The node for the longest end of the text that begins a stop string, after one more byte. Before the first byte: 0. */
uint32_t ll_stop_strings_step(const ll_stop_strings *stops, uint32_t node, unsigned char byte);

#endif
