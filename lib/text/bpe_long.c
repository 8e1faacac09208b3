/* Merges a long word (ten megabytes of one letter are one word) without scanning every pair after every merge.
 *
 * Pairs are queued in one FIFO bucket per rank; a bitmap marks the buckets that are not empty. Buckets are emptied in
 * order of rank. A merge usually creates pairs of higher rank, which go to buckets not yet reached, so every operation
 * takes constant time. Two kinds of pairs go to a heap instead: those of a bucket already passed, which occur if a
 * token has two merges, and those of a bucket whose pairs are not in the order of the text. The next pair is always the
 * lowest rank, on ties the leftmost: the same as ll_bpe_merge for any table.
 */
#include <string.h>

#include "text/bpe.h"

#define NONE UINT32_MAX
#define AHEAD 8 /* pairs of a run whose tokens are fetched before their turn */

/* A token of the word, stored at the index of its first symbol. One struct, so that a merge somewhere in ten megabytes
 * touches one or two cache lines, not eight. */
typedef struct token {
    int32_t id;
    uint32_t previous, next;
    uint32_t rank; /* of the pair with the next token; LL_BPE_NO_RANK: none, or merged into the one before */
} token;

/* Queued positions of a bucket, in blocks of one cache line. */
#define BLOCK 14
typedef struct block {
    uint32_t next; /* of the same bucket, or of the free ones */
    uint32_t n;
    uint32_t position[BLOCK];
} block;

typedef struct bucket {
    uint32_t first, last; /* blocks; first == NONE: empty */
} bucket;

struct ll_bpe_long {
    token *token; /* the word */
    size_t token_capacity;
    /* Queued pairs. */
    bucket *bucket; /* [n_merges] */
    uint64_t *used; /* bit r: bucket r holds pairs */
    size_t n_used;  /* words of `used` */
    block *block;
    size_t n_blocks, block_capacity;
    uint32_t free_block;
    /* The bucket being emptied, if its positions rise. */
    uint32_t active;
    uint32_t *run;
    size_t n_run, run_at, run_capacity;
    /* The heap next to it: rank << 32 | position. */
    uint64_t *heap;
    size_t n_heap, heap_capacity;
};

void ll_bpe_scratch_free(ll_bpe_scratch *s, const llmcs_allocator *a) {
    ll_bpe_long *q = s->queue;
    ll_free(a, s->kept);
    ll_free(a, s->origin);
    ll_free(a, s->symbols);
    ll_free(a, s->word);
    if (!q) return;
    ll_free(a, q->token);
    ll_free(a, q->bucket);
    ll_free(a, q->used);
    ll_free(a, q->block);
    ll_free(a, q->run);
    ll_free(a, q->heap);
    ll_free(a, q);
    s->queue = NULL;
}

static llmcs_status create_queue(const ll_bpe *b, const llmcs_allocator *a, ll_bpe_scratch *s) {
    ll_bpe_long *q;
    LL_TRY(ll_alloc_zero(a, 1, sizeof *q, "merge queue", &q));
    s->queue = q;
    q->n_used = b->n_merges / 64 + 1;
    LL_TRY(ll_alloc(a, b->n_merges, sizeof *q->bucket, "merge queue", &q->bucket));
    LL_TRY(ll_alloc_zero(a, q->n_used, sizeof *q->used, "merge queue", &q->used));
    for (size_t r = 0; r < b->n_merges; r++) q->bucket[r].first = NONE;
    return LLMCS_OK;
}

/* Capacity for a word of n symbols. Every array is empty between words, so nothing is copied. */
static llmcs_status grow_queue(ll_bpe_long *q, const llmcs_allocator *a, size_t n) {
    LL_TRY(ll_grow(a, &q->token, 0, &q->token_capacity, n, sizeof *q->token, "long word"));
    q->n_blocks = q->n_run = q->run_at = q->n_heap = 0;
    q->free_block = NONE;
    q->active = 0;
    return LLMCS_OK;
}

/* ------------------------------------------------------------------------------------------------ the heap */

static llmcs_status heap_push(ll_bpe_long *q, const llmcs_allocator *a, uint32_t rank, uint32_t position) {
    LL_TRY(ll_grow(a, &q->heap, q->n_heap, &q->heap_capacity, q->n_heap + 1, sizeof *q->heap, "merge heap"));
    uint64_t key = (uint64_t)rank << 32 | position;
    size_t i = q->n_heap++;
    for (size_t up; i > 0 && q->heap[up = (i - 1) / 2] > key; i = up) q->heap[i] = q->heap[up];
    q->heap[i] = key;
    return LLMCS_OK;
}

static uint64_t heap_pop(ll_bpe_long *q) {
    uint64_t top = q->heap[0], key = q->heap[--q->n_heap];
    size_t i = 0;
    for (size_t down; (down = 2 * i + 1) < q->n_heap; i = down) {
        if (down + 1 < q->n_heap && q->heap[down + 1] < q->heap[down]) down++;
        if (q->heap[down] >= key) break;
        q->heap[i] = q->heap[down];
    }
    q->heap[i] = key;
    return top;
}

/* ------------------------------------------------------------------------------------------------ the queue */

/* Appends an empty block to a bucket. */
static llmcs_status add_block(ll_bpe_long *q, const llmcs_allocator *a, bucket *to) {
    uint32_t fresh = q->free_block;
    if (fresh != NONE) {
        q->free_block = q->block[fresh].next;
    } else {
        LL_TRY(
            ll_grow(a, &q->block, q->n_blocks, &q->block_capacity, q->n_blocks + 1, sizeof *q->block, "merge queue"));
        fresh = (uint32_t)q->n_blocks++;
    }
    q->block[fresh].next = NONE;
    q->block[fresh].n = 0;
    if (to->first == NONE)
        to->first = fresh;
    else
        q->block[to->last].next = fresh;
    to->last = fresh;
    return LLMCS_OK;
}

static llmcs_status bucket_push(ll_bpe_long *q, const llmcs_allocator *a, uint32_t rank, uint32_t position) {
    bucket *to = &q->bucket[rank];
    if (to->first == NONE || q->block[to->last].n == BLOCK) LL_TRY(add_block(q, a, to));
    block *last = &q->block[to->last];
    last->position[last->n++] = position;
    q->used[rank / 64] |= (uint64_t)1 << rank % 64;
    return LLMCS_OK;
}

/* The lowest rank whose bucket holds pairs, not below the active one; NONE: all are empty. */
static uint32_t next_bucket(const ll_bpe_long *q) {
    for (size_t i = q->active / 64; i < q->n_used; i++)
        if (q->used[i]) return (uint32_t)(i * 64) + (uint32_t)__builtin_ctzll(q->used[i]);
    return NONE;
}

/* Moves the positions of a bucket to the run; *rising: they are in ascending order. */
static llmcs_status empty_bucket(ll_bpe_long *q, const llmcs_allocator *a, bucket *from, bool *rising) {
    uint32_t before = 0;
    *rising = true;
    for (uint32_t b = from->first; b != NONE; b = q->block[b].next) {
        const block *full = &q->block[b];
        LL_TRY(ll_grow(a, &q->run, q->n_run, &q->run_capacity, q->n_run + BLOCK, sizeof *q->run, "merge queue"));
        for (uint32_t i = 0; i < full->n; i++) {
            *rising = *rising && before <= full->position[i];
            before = q->run[q->n_run++] = full->position[i];
        }
    }
    q->block[from->last].next = q->free_block;
    q->free_block = from->first;
    from->first = NONE;
    return LLMCS_OK;
}

/* Makes the next bucket the active one: its positions become the run if they rise, else they go to the heap.
 * *any: false if all buckets are empty. */
static llmcs_status activate_next_bucket(ll_bpe_long *q, const llmcs_allocator *a, bool *any) {
    bool rising;
    uint32_t rank = next_bucket(q);
    *any = rank != NONE;
    if (!*any) return LLMCS_OK;
    q->active = rank;
    q->n_run = q->run_at = 0;
    LL_TRY(empty_bucket(q, a, &q->bucket[rank], &rising));
    q->used[rank / 64] &= ~((uint64_t)1 << rank % 64);
    if (rising) return LLMCS_OK;
    for (size_t i = 0; i < q->n_run; i++) LL_TRY(heap_push(q, a, rank, q->run[i]));
    q->n_run = 0;
    return LLMCS_OK;
}

/* The next pair to merge as rank << 32 | position; UINT64_MAX: none is left. */
static llmcs_status pop_pair(ll_bpe_long *q, const llmcs_allocator *a, uint64_t *out) {
    for (bool any = true; any;) {
        uint64_t from_run = q->run_at < q->n_run ? (uint64_t)q->active << 32 | q->run[q->run_at] : UINT64_MAX;
        if (q->n_heap && q->heap[0] < from_run) {
            *out = heap_pop(q);
            return LLMCS_OK;
        }
        if (from_run != UINT64_MAX) {
            q->run_at++;
            if (q->run_at + AHEAD < q->n_run) __builtin_prefetch(&q->token[q->run[q->run_at + AHEAD]], 1);
            *out = from_run;
            return LLMCS_OK;
        }
        LL_TRY(activate_next_bucket(q, a, &any));
    }
    *out = UINT64_MAX;
    return LLMCS_OK;
}

/* ------------------------------------------------------------------------------------------------- merging */

/* Looks up the pair that begins at `position` and queues it. */
static llmcs_status requeue_pair(const ll_bpe *b, ll_bpe_long *q, const llmcs_allocator *a, uint32_t position) {
    token *left = &q->token[position];
    left->rank = left->next == NONE ? LL_BPE_NO_RANK : ll_bpe_rank(b, left->id, q->token[left->next].id);
    if (left->rank == LL_BPE_NO_RANK) return LLMCS_OK;
    /* The buckets of ranks up to the active one are done, so their pairs go to the heap. */
    return left->rank > q->active ? bucket_push(q, a, left->rank, position) : heap_push(q, a, left->rank, position);
}

static llmcs_status merge_pair(const ll_bpe *b, ll_bpe_long *q, const llmcs_allocator *a, uint32_t position) {
    token *left = &q->token[position], *gone = &q->token[left->next];
    left->id = b->result[left->rank];
    left->next = gone->next;
    gone->rank = LL_BPE_NO_RANK;
    if (left->next != NONE) q->token[left->next].previous = position;
    if (left->previous != NONE) LL_TRY(requeue_pair(b, q, a, left->previous));
    return requeue_pair(b, q, a, position);
}

static llmcs_status queue_pairs(const ll_bpe *b, ll_bpe_long *q, const llmcs_allocator *a, const int32_t *symbols,
                                size_t n) {
    for (size_t i = 0; i < n; i++) {
        bool last = i + 1 == n;
        if (i + AHEAD + 1 < n) ll_bpe_fetch(b, symbols[i + AHEAD], symbols[i + AHEAD + 1]);
        uint32_t rank = last ? LL_BPE_NO_RANK : ll_bpe_rank(b, symbols[i], symbols[i + 1]);
        q->token[i] = (token){symbols[i], i ? (uint32_t)i - 1 : NONE, last ? NONE : (uint32_t)i + 1, rank};
        if (rank != LL_BPE_NO_RANK) LL_TRY(bucket_push(q, a, rank, (uint32_t)i));
    }
    return LLMCS_OK;
}

static llmcs_status merge_all(const ll_bpe *b, ll_bpe_long *q, const llmcs_allocator *a) {
    for (;;) {
        uint64_t pair;
        LL_TRY(pop_pair(q, a, &pair));
        if (pair == UINT64_MAX) return LLMCS_OK;
        uint32_t position = (uint32_t)pair;
        if (q->token[position].rank == (uint32_t)(pair >> 32)) LL_TRY(merge_pair(b, q, a, position));
    }
}

llmcs_status ll_bpe_merge_symbols(const ll_bpe *b, ll_bpe_scratch *s, const llmcs_allocator *a, const int32_t *ids,
                                  size_t n, const ll_bpe_symbol **out, size_t *n_out) {
    if (!s->queue) LL_TRY(create_queue(b, a, s));
    ll_bpe_long *q = s->queue;
    LL_TRY(grow_queue(q, a, n));
    LL_TRY(queue_pairs(b, q, a, ids, n));
    LL_TRY(merge_all(b, q, a));
    ll_bpe_symbol *packed = (ll_bpe_symbol *)(void *)q->token; /* into memory that the tokens passed leave */
    *n_out = 0;
    for (uint32_t i = n ? 0 : NONE, next; i != NONE; i = next) {
        const ll_bpe_symbol symbol = {q->token[i].id, i};
        next = q->token[i].next;
        packed[(*n_out)++] = symbol;
    }
    *out = packed;
    return LLMCS_OK;
}
