/* Tokens by id and ids by token. Immutable once built. */
#ifndef LL_TEXT_VOCAB_H
#define LL_TEXT_VOCAB_H

#include "base/alloc.h"

typedef struct ll_vocab_slot {
    uint32_t tag; /* bits of the hash, so that other tokens are hardly ever compared */
    int32_t id;   /* -1: free */
} ll_vocab_slot;

typedef struct ll_vocab {
    char *bytes; /* all tokens, one after the other */
    size_t n_bytes, capacity_bytes;
    uint32_t *offset; /* [n_ids]: where token id begins in bytes */
    uint32_t *length; /* [n_ids]; LL_VOCAB_NONE: no token has this id */
    size_t n_ids;     /* largest id + 1 */
    size_t n_tokens;
    ll_vocab_slot *slot; /* [n_slots], a power of two */
    size_t n_slots;
    uint64_t seed;
} ll_vocab;

#define LL_VOCAB_NONE UINT32_MAX

/* Capacity for n_tokens tokens with ids below n_ids and n_bytes bytes of text in all. */
llmcs_status ll_vocab_init(ll_vocab *v, const llmcs_allocator *a, size_t n_ids, size_t n_tokens, size_t n_bytes,
                           uint64_t seed);
void ll_vocab_free(ll_vocab *v, const llmcs_allocator *a);

/* Adds a token; the capacity of init must suffice. False: the id or the token exists. */
bool ll_vocab_add(ll_vocab *v, int32_t id, const char *token, size_t len);

/* -1: no such token. */
int32_t ll_vocab_find(const ll_vocab *v, const char *token, size_t len);

/* The same in two steps, for many lookups: the first prefetches the memory that the second reads. */
uint64_t ll_vocab_hash(const ll_vocab *v, const char *token, size_t len);
int32_t ll_vocab_find_hashed(const ll_vocab *v, const char *token, size_t len, uint64_t hash);

/* True if the id is this token's; faster than ll_vocab_find. */
bool ll_vocab_is(const ll_vocab *v, int32_t id, const char *token, size_t len);

/* NULL and *len 0: no such id. */
const char *ll_vocab_token(const ll_vocab *v, int32_t id, size_t *len);

#endif
