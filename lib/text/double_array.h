/* A trie over bytes as a double array (Aoe 1989): a step is one memory access, and a vocabulary of 250,000 tokens takes
 * about 9 MB. Immutable once built. Written by hand because Debian's tries allocate with malloc only (libdatrie-dev) or
 * are C++ (libmarisa-dev, libdarts-dev). */
#ifndef LL_TEXT_DOUBLE_ARRAY_H
#define LL_TEXT_DOUBLE_ARRAY_H

#include "base/alloc.h"

#define LL_DOUBLE_ARRAY_NONE UINT32_MAX

/* The child of node i by a byte is node base ^ byte, if that one's parent is i. */
typedef struct ll_double_array_unit {
    uint32_t base, parent;
    int32_t value; /* of the key that ends here; -1: none does */
} ll_double_array_unit;

typedef struct ll_double_array {
    ll_double_array_unit *unit; /* a multiple of 256; node 0 is the root */
    size_t n_units, capacity;
} ll_double_array;

typedef struct ll_double_array_key {
    const char *bytes;
    uint32_t n;
    int32_t value; /* 0 and up */
} ll_double_array_key;

/* Sorts the keys; of equal keys one is kept. Time and memory are linear in the total bytes of the keys. LIMIT above
 * LL_DOUBLE_ARRAY_MAX_BYTES. */
#define LL_DOUBLE_ARRAY_MAX_BYTES ((size_t)1 << 26)
llmcs_status ll_double_array_build(ll_double_array *d, const llmcs_allocator *a, ll_double_array_key *keys,
                                   size_t n_keys);
void ll_double_array_free(ll_double_array *d, const llmcs_allocator *a);

/* LL_DOUBLE_ARRAY_NONE: no such child. */
static inline uint32_t ll_double_array_step(const ll_double_array *d, uint32_t node, unsigned char byte) {
    const uint32_t next = d->unit[node].base ^ byte;
    return d->unit[next].parent == node ? next : LL_DOUBLE_ARRAY_NONE;
}

/* The value of a whole key; -1: there is none. */
static inline int32_t ll_double_array_find(const ll_double_array *d, const char *key, size_t n) {
    uint32_t node = 0;
    for (size_t i = 0; i < n && node != LL_DOUBLE_ARRAY_NONE; i++)
        node = ll_double_array_step(d, node, (unsigned char)key[i]);
    return node == LL_DOUBLE_ARRAY_NONE ? -1 : d->unit[node].value;
}

#endif
