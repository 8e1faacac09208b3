/* A hash set of short strings with their token ids: one lookup replaces merging or matching, and most words of a text
 * are found here. Keys never change after building; the states may, from many threads at once. */
#ifndef LL_TEXT_STRING_SET_H
#define LL_TEXT_STRING_SET_H

#include <stdatomic.h>

#include "base/alloc.h"
#include "text/hash.h"

#define LL_WORD_BYTES 15 /* longest word the table holds */

/* A word: its bytes are `low`, or, of 8 and more, the first 8 and the last 8, which may overlap. */
typedef struct ll_word {
    uint64_t low, high;
    int32_t id;
    uint16_t n_bytes;    /* 0: a free slot */
    atomic_ushort state; /* for the owner of the table; 0 at first */
} ll_word;

#define LL_WORDS_AT_ONCE 16

typedef struct ll_string_set {
    ll_word *slot;
    size_t n_slots; /* a power of two */
    uint64_t seed;
    ll_word waiting[LL_WORDS_AT_ONCE]; /* while it is built: their slots are being prefetched */
    size_t n_waiting;
} ll_string_set;

/* Capacity n. */
llmcs_status ll_string_set_init(ll_string_set *w, const llmcs_allocator *a, size_t n, uint64_t seed);
void ll_string_set_free(ll_string_set *w, const llmcs_allocator *a);

/* 1 to LL_WORD_BYTES bytes that are not in the table yet. */
void ll_string_set_add(ll_string_set *w, const char *word, size_t n, int32_t id);
/* After the last one. */
void ll_string_set_finish(ll_string_set *w);

static inline ll_word ll_word_pack(const char *word, size_t n) {
    ll_word packed = {0, 0, -1, (uint16_t)n, 0};
    if (n < 8) {
        packed.low = ll_hash_few(word, n);
    } else {
        memcpy(&packed.low, word, 8);
        memcpy(&packed.high, word + n - 8, 8);
    }
    return packed;
}

static inline size_t ll_word_slot(const ll_string_set *w, const ll_word *word) {
    const uint64_t low = word->low ^ w->seed, high = word->high ^ LL_HASH_ODD ^ w->seed << 1;
    return (size_t)ll_hash_mix(low, high + ((uint64_t)word->n_bytes << 56)) & (w->n_slots - 1);
}

/* The entry of a word of 1 to LL_WORD_BYTES bytes; NULL: not in the table. */
static inline ll_word *ll_string_set_find(const ll_string_set *w, const char *word, size_t n) {
    ll_word packed = ll_word_pack(word, n);
    for (size_t i = ll_word_slot(w, &packed);; i = (i + 1) & (w->n_slots - 1)) {
        ll_word *at = &w->slot[i];
        if (at->low == packed.low && at->high == packed.high && at->n_bytes == packed.n_bytes) return at;
        if (at->n_bytes == 0) return NULL;
    }
}

#endif
