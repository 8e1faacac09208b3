/*
 * The paged KV cache: keys and values in reference-counted blocks of LL_KV_BLOCK tokens. Sequences share blocks, which
 * are copied on write. Memory is in two chunks: a session's own, enough for one sequence of n_ctx tokens, and one
 * reserved for additional sequences.
 */
#ifndef LL_RUNTIME_KV_H
#define LL_RUNTIME_KV_H

#include "nn/nn.h"

typedef struct ll_kv_chunk {
    unsigned char *memory; /* [n_blocks, block_bytes] */
    size_t n_blocks;
    uint32_t *references;  /* [n_blocks] reference counts */
    uint32_t *free_blocks; /* [n_free], a stack */
    size_t n_free;
} ll_kv_chunk;

typedef struct ll_kv {
    size_t block_bytes;
    ll_kv_chunk own, reserved;
} ll_kv;

/* One sequence. Its arrays have capacity for n_ctx tokens. */
typedef struct ll_sequence {
    int32_t *tokens; /* [n_ctx] */
    void **blocks;   /* [blocks of n_ctx] */
    size_t n_tokens, n_blocks;
} ll_sequence;

static inline size_t ll_kv_blocks_of(size_t n_tokens) {
    return n_tokens / LL_KV_BLOCK + (n_tokens % LL_KV_BLOCK ? 1 : 0);
}

llmcs_status ll_kv_chunk_create(ll_kv_chunk *chunk, const llmcs_allocator *a, size_t n_blocks, size_t block_bytes);
void ll_kv_chunk_free(ll_kv_chunk *chunk, const llmcs_allocator *a);

/* Counts a reference; the last unref frees the block. */
void ll_kv_ref(ll_kv *kv, void *block);
void ll_kv_unref(ll_kv *kv, void *block);
uint32_t ll_kv_refcount(const ll_kv *kv, const void *block);

llmcs_status ll_sequence_create(ll_sequence *q, const llmcs_allocator *a, size_t n_ctx);
/* Frees the arrays only: blocks have been unreferenced before or are freed with their chunk. */
void ll_sequence_free(ll_sequence *q, const llmcs_allocator *a);

/* Keeps only the first n_tokens. */
void ll_sequence_truncate(ll_kv *kv, ll_sequence *q, size_t n_tokens);
/* Copies src to the empty dst: its tokens and references to its blocks. */
void ll_sequence_share(ll_kv *kv, ll_sequence *dst, const ll_sequence *src);
/* Allocates blocks for `n` more tokens, and copies a shared last block. INTERNAL if more sequences are in use than were
 * reserved; the sequence is then unchanged. */
llmcs_status ll_sequence_extend(ll_kv *kv, ll_sequence *q, size_t n);
/* Blocks that ll_sequence_extend would allocate. */
size_t ll_sequence_needs(const ll_kv *kv, const ll_sequence *q, size_t n);
/* Moves every block of q from the reserved chunk to the own one. No other block of the reserved chunk is in use. */
void ll_sequence_move_home(ll_kv *kv, ll_sequence *q);

#endif
