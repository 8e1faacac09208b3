/* Blocks of keys and values, and the sequences that refer to them. */
#include "runtime/session/kv.h"

#include <string.h>

llmcs_status ll_kv_chunk_create(ll_kv_chunk *chunk, const llmcs_allocator *a, size_t n_blocks, size_t block_bytes) {
    *chunk = (ll_kv_chunk){.n_blocks = n_blocks, .n_free = n_blocks};
    llmcs_status st = LLMCS_OK;
    if (n_blocks > UINT32_MAX)
        return ll_fail(LLMCS_LIMIT, "keys and values: %zu blocks exceed the address space", n_blocks);
    LL_TRY_GOTO(st, ll_alloc(a, n_blocks, block_bytes, "keys and values", &chunk->memory), fail);
    LL_TRY_GOTO(st, ll_alloc_zero(a, n_blocks, sizeof(uint32_t), "keys and values", &chunk->references), fail);
    LL_TRY_GOTO(st, ll_alloc(a, n_blocks, sizeof(uint32_t), "keys and values", &chunk->free_blocks), fail);
    /* Block 0 is on top of the stack, so that memory is used from its start and pages are touched only when needed. */
    for (size_t i = 0; i < n_blocks; i++) chunk->free_blocks[i] = (uint32_t)(n_blocks - 1 - i);
    return LLMCS_OK;
fail:
    ll_kv_chunk_free(chunk, a);
    return st;
}

void ll_kv_chunk_free(ll_kv_chunk *chunk, const llmcs_allocator *a) {
    ll_free(a, chunk->memory);
    ll_free(a, chunk->references);
    ll_free(a, chunk->free_blocks);
    *chunk = (ll_kv_chunk){0};
}

/* -------------------------------------------------------------------------------------------------- blocks */

static bool in_chunk(const ll_kv_chunk *chunk, size_t block_bytes, const void *block) {
    /* Compared as integers: comparing pointers into different objects is undefined. */
    uintptr_t first = (uintptr_t)chunk->memory, at = (uintptr_t)block;
    return chunk->n_blocks && at >= first && at < first + chunk->n_blocks * block_bytes;
}

static uint32_t *block_references(const ll_kv *kv, const void *block) {
    const ll_kv_chunk *chunk = in_chunk(&kv->own, kv->block_bytes, block) ? &kv->own : &kv->reserved;
    return &chunk->references[(size_t)((const unsigned char *)block - chunk->memory) / kv->block_bytes];
}

static void *alloc_from(ll_kv_chunk *chunk, size_t block_bytes) {
    if (!chunk->n_free) return NULL;
    uint32_t i = chunk->free_blocks[--chunk->n_free];
    chunk->references[i] = 1;
    return chunk->memory + i * block_bytes;
}

static void *alloc_block(ll_kv *kv) {
    void *block = alloc_from(&kv->own, kv->block_bytes);
    return block ? block : alloc_from(&kv->reserved, kv->block_bytes);
}

void ll_kv_ref(ll_kv *kv, void *block) { ++*block_references(kv, block); }

uint32_t ll_kv_refcount(const ll_kv *kv, const void *block) { return *block_references(kv, block); }

void ll_kv_unref(ll_kv *kv, void *block) {
    if (--*block_references(kv, block)) return;
    ll_kv_chunk *chunk = in_chunk(&kv->own, kv->block_bytes, block) ? &kv->own : &kv->reserved;
    chunk->free_blocks[chunk->n_free++] =
        (uint32_t)((size_t)((const unsigned char *)block - chunk->memory) / kv->block_bytes);
}

/* ----------------------------------------------------------------------------------------------- sequences */

llmcs_status ll_sequence_create(ll_sequence *q, const llmcs_allocator *a, size_t n_ctx) {
    *q = (ll_sequence){0};
    LL_TRY(ll_alloc(a, n_ctx, sizeof(int32_t), "tokens", &q->tokens));
    llmcs_status st = ll_alloc(a, ll_kv_blocks_of(n_ctx), sizeof(void *), "block table", &q->blocks);
    if (st) ll_sequence_free(q, a);
    return st;
}

void ll_sequence_free(ll_sequence *q, const llmcs_allocator *a) {
    ll_free(a, q->tokens);
    ll_free(a, q->blocks);
    *q = (ll_sequence){0};
}

void ll_sequence_truncate(ll_kv *kv, ll_sequence *q, size_t n_tokens) {
    while (q->n_blocks > ll_kv_blocks_of(n_tokens)) ll_kv_unref(kv, q->blocks[--q->n_blocks]);
    q->n_tokens = ll_min(q->n_tokens, n_tokens);
}

void ll_sequence_share(ll_kv *kv, ll_sequence *dst, const ll_sequence *src) {
    memcpy(dst->tokens, src->tokens, src->n_tokens * sizeof *src->tokens);
    dst->n_tokens = src->n_tokens;
    dst->n_blocks = src->n_blocks;
    for (size_t i = 0; i < src->n_blocks; i++) {
        dst->blocks[i] = src->blocks[i];
        ll_kv_ref(kv, src->blocks[i]);
    }
}

static llmcs_status no_block_left(void) {
    return ll_fail(LLMCS_INTERNAL,
                   "no free block of keys and values: more sequences are in use than were reserved for");
}

/* True if q ends inside a block that other sequences share. */
static bool shares_last(const ll_kv *kv, const ll_sequence *q) {
    return q->n_tokens % LL_KV_BLOCK && *block_references(kv, q->blocks[q->n_tokens / LL_KV_BLOCK]) > 1;
}

size_t ll_sequence_needs(const ll_kv *kv, const ll_sequence *q, size_t n) {
    return ll_kv_blocks_of(q->n_tokens + n) - q->n_blocks + shares_last(kv, q);
}

llmcs_status ll_sequence_extend(ll_kv *kv, ll_sequence *q, size_t n) {
    if (shares_last(kv, q)) {
        void *copy = alloc_block(kv), **last = &q->blocks[q->n_tokens / LL_KV_BLOCK];
        if (!copy) return no_block_left();
        memcpy(copy, *last, kv->block_bytes);
        ll_kv_unref(kv, *last);
        *last = copy;
    }
    while (q->n_blocks < ll_kv_blocks_of(q->n_tokens + n)) {
        void *block = alloc_block(kv);
        if (!block) {
            ll_sequence_truncate(kv, q, q->n_tokens);
            return no_block_left();
        }
        q->blocks[q->n_blocks++] = block;
    }
    return LLMCS_OK;
}

void ll_sequence_move_home(ll_kv *kv, ll_sequence *q) {
    for (size_t i = 0; i < q->n_blocks; i++) {
        if (in_chunk(&kv->own, kv->block_bytes, q->blocks[i])) continue;
        void *home =
            alloc_from(&kv->own, kv->block_bytes); /* never NULL: the chunk fits n_ctx tokens, and only q is left */
        memcpy(home, q->blocks[i], kv->block_bytes);
        ll_kv_unref(kv, q->blocks[i]);
        q->blocks[i] = home;
    }
}
