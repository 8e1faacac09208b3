/* Tokens by id in arrays, ids by token in a keyed hash table with open addressing. */
#include "text/vocab.h"

#include <string.h>

#include "text/hash.h"

#define LARGE ((size_t)1 << 17) /* tokens */

llmcs_status ll_vocab_init(ll_vocab *v, const llmcs_allocator *a, size_t n_ids, size_t n_tokens, size_t n_bytes,
                           uint64_t seed) {
    *v = (ll_vocab){.n_ids = n_ids, .capacity_bytes = n_bytes, .seed = seed, .n_slots = 16};
    if (n_bytes > UINT32_MAX || n_tokens > INT32_MAX)
        return ll_fail(LLMCS_LIMIT, "vocabulary of %zu tokens and %zu bytes is too large", n_tokens, n_bytes);
    /* At least half of them free; in large tables, which are not in the cache anyway, a quarter. */
    while (n_tokens < LARGE ? v->n_slots < 2 * n_tokens : 3 * v->n_slots < 4 * n_tokens) v->n_slots *= 2;
    llmcs_status st;
    LL_TRY_GOTO(st, ll_alloc(a, n_bytes, 1, "vocabulary text", &v->bytes), fail);
    LL_TRY_GOTO(st, ll_alloc(a, n_ids, sizeof *v->offset, "vocabulary offsets", &v->offset), fail);
    LL_TRY_GOTO(st, ll_alloc(a, n_ids, sizeof *v->length, "vocabulary lengths", &v->length), fail);
    LL_TRY_GOTO(st, ll_alloc(a, v->n_slots, sizeof *v->slot, "vocabulary table", &v->slot), fail);
    memset(v->length, 0xff, n_ids * sizeof *v->length);
    memset(v->slot, 0xff, v->n_slots * sizeof *v->slot);
    return LLMCS_OK;
fail:
    ll_vocab_free(v, a);
    return st;
}

void ll_vocab_free(ll_vocab *v, const llmcs_allocator *a) {
    ll_free(a, v->bytes);
    ll_free(a, v->offset);
    ll_free(a, v->length);
    ll_free(a, v->slot);
    *v = (ll_vocab){0};
}

static bool is_token(const ll_vocab *v, int32_t id, const char *token, size_t len) {
    return v->length[id] == len && !memcmp(v->bytes + v->offset[id], token, len);
}

uint64_t ll_vocab_hash(const ll_vocab *v, const char *token, size_t len) {
    const uint64_t hash = ll_hash_bytes(v->seed, token, len);
    __builtin_prefetch(&v->slot[(size_t)hash & (v->n_slots - 1)]);
    return hash;
}

static uint32_t tag_of(uint64_t hash) { return (uint32_t)(hash >> 32); }

/* The token's slot, or the free slot to insert it. */
static size_t find_slot(const ll_vocab *v, const char *token, size_t len, uint64_t hash) {
    const size_t mask = v->n_slots - 1;
    for (size_t i = (size_t)hash & mask;; i = (i + 1) & mask) {
        const ll_vocab_slot *s = &v->slot[i];
        if (s->id < 0 || (s->tag == tag_of(hash) && is_token(v, s->id, token, len))) return i;
    }
}

bool ll_vocab_add(ll_vocab *v, int32_t id, const char *token, size_t len) {
    if (id < 0 || (size_t)id >= v->n_ids || v->length[id] != LL_VOCAB_NONE) return false;
    if (len > v->capacity_bytes - v->n_bytes || v->n_tokens + 1 >= v->n_slots) return false;
    const uint64_t hash = ll_hash_bytes(v->seed, token, len);
    const size_t i = find_slot(v, token, len, hash);
    if (v->slot[i].id >= 0) return false;
    if (len) memcpy(v->bytes + v->n_bytes, token, len);
    v->offset[id] = (uint32_t)v->n_bytes;
    v->length[id] = (uint32_t)len;
    v->n_bytes += len;
    v->n_tokens++;
    v->slot[i] = (ll_vocab_slot){tag_of(hash), id};
    return true;
}

int32_t ll_vocab_find_hashed(const ll_vocab *v, const char *token, size_t len, uint64_t hash) {
    return v->slot[find_slot(v, token, len, hash)].id;
}

int32_t ll_vocab_find(const ll_vocab *v, const char *token, size_t len) {
    return ll_vocab_find_hashed(v, token, len, ll_hash_bytes(v->seed, token, len));
}

bool ll_vocab_is(const ll_vocab *v, int32_t id, const char *token, size_t len) {
    return id >= 0 && (size_t)id < v->n_ids && is_token(v, id, token, len);
}

const char *ll_vocab_token(const ll_vocab *v, int32_t id, size_t *len) {
    *len = 0;
    if (id < 0 || (size_t)id >= v->n_ids || v->length[id] == LL_VOCAB_NONE) return NULL;
    *len = v->length[id];
    return v->bytes + v->offset[id];
}
