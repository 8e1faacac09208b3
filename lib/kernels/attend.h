/*
 * Arguments of the attention kernels (kernels.h): the layout of keys and values, and one tile of query rows of one
 * head.
 */
#ifndef LL_KERNELS_ATTEND_H
#define LL_KERNELS_ATTEND_H

#include <stdbool.h>
#include <stddef.h>

/* Tokens of one block of keys and values; a multiple of every vector's length. */
#define LL_KV_BLOCK 32
/* Most rows of one tile. */
#define LL_ATTEND_ROWS 32

typedef enum ll_kv_type {
    LL_KV_F32,
    LL_KV_F16 /* IEEE 754 binary16, rounded to nearest even; values too large become infinity */
} ll_kv_type;

static inline size_t ll_kv_element_bytes(ll_kv_type type) { return type == LL_KV_F16 ? 2 : 4; }

/* Elements from one value to the next: whole vectors, zeros past head_dim. */
static inline size_t ll_kv_value_stride(size_t head_dim) { return (head_dim + 15) / 16 * 16; }

/* The keys and values of one head of one layer in a block: keys [head_dim][LL_KV_BLOCK], so that a vector holds
 * neighbouring tokens, then values [LL_KV_BLOCK][value stride]. A multiple of 64. */
static inline size_t ll_kv_head_bytes(ll_kv_type type, size_t head_dim) {
    return (head_dim + ll_kv_value_stride(head_dim)) * LL_KV_BLOCK * ll_kv_element_bytes(type);
}

/* Tokens [slot, slot + n_tokens) of one block of one head. */
typedef struct ll_kv_rows {
    const float *key, *value; /* [n_tokens, head_dim of ld_key, ld_value] */
    size_t ld_key, ld_value, n_tokens, slot, head_dim;
    ll_kv_type type;
    void *head; /* the block's memory of this layer and head */
} ll_kv_rows;

/* out[r] = sum over the positions t of row r of p[r, t] * value[t], where p[r] is the softmax over those t of
 * scale * q[r].key[t] + distance (Vaswani et al. 2017, eq. 1), for r < n_rows <= LL_ATTEND_ROWS. The positions are
 * [0, n_positions + r * causal_step); in a window [ll_attend_begin, ll_attend_end). */
typedef struct ll_attend {
    const float *q; /* [n_rows, head_dim of ldq] */
    float *out;     /* [n_rows, head_dim of ldo] */
    size_t ldq, ldo;
    void *const *kv_blocks; /* [blocks of the sequence], of LL_KV_BLOCK tokens each */
    size_t head_bytes;      /* where in a block this layer's and head's memory begins */
    ll_kv_type type;
    size_t head_dim, n_rows;
    size_t n_positions; /* positions that row 0 attends to, at least 1 */
    size_t causal_step; /* 1 if causal: each row attends to one position more than the row before; else 0. The last
                           positions of all rows are in one block */
    /* A window, in which row r begins at begin + r * begin_step, and ends as above, but at n_most at the latest. The
     * last positions may then be in several blocks. No window: n_most is 0. */
    ptrdiff_t begin; /* may be negative: the row begins at 0 */
    size_t begin_step, n_most;
    float scale;
    const float
        *distance; /* NULL, or a bias: distance[r * distance_step + t] is added; readable to the end of blocks */
    ptrdiff_t distance_step;
    /* The blocks this thread attends to after this tile, to prefetch their keys. n_next_blocks 0: not known. */
    void *const *next_blocks;
    size_t n_next_blocks, next_head_bytes;
    float *scratch; /* ll_attend_scratch_floats(...), aligned to 64 bytes */
} ll_attend;

static inline bool ll_attend_has_window(const ll_attend *a) { return a->n_most > 0; }
static inline size_t ll_attend_begin(const ll_attend *a, size_t r) {
    const ptrdiff_t begin = a->begin + (ptrdiff_t)(r * a->begin_step);
    return begin > 0 ? (size_t)begin : 0;
}
static inline size_t ll_attend_end(const ll_attend *a, size_t r) {
    const size_t end = a->n_positions + r * a->causal_step;
    return ll_attend_has_window(a) && end > a->n_most ? a->n_most : end;
}

/* The scratch memory of a tile: queries and accumulators of all rows, two blocks in float32, a few vectors; then the
 * scores. Rows of scores are whole blocks plus one cache line, so that they do not map to the same cache sets. */
static inline size_t ll_attend_scores_stride(size_t n_positions) {
    return (n_positions + LL_KV_BLOCK - 1) / LL_KV_BLOCK * LL_KV_BLOCK + 16;
}
static inline size_t ll_attend_scratch_floats(size_t head_dim, size_t n_positions) {
    const size_t stride = ll_kv_value_stride(head_dim);
    return LL_ATTEND_ROWS * (2 * stride + 2 * 16 + ll_attend_scores_stride(n_positions)) + 2 * LL_KV_BLOCK * stride +
           16 * 2 * LL_KV_BLOCK;
}

#endif
