/*
 * Part of a vector row (see kernels_template.h): attention of a tile of rows (attend.h). Three steps: scores of all
 * rows against all blocks; then, block by block, weights 2^(score - largest) and their mix of values; at the end the
 * division by the sum of the weights. A score is one sum over head_dim in order, an output element one sum over
 * positions in order, a row's sum of weights VL sums over every VL-th position: none depends on how rows or blocks are
 * tiled, and nothing beyond a row's own last position is ever added to it. So a row's bits are its own.
 *
 * Tiles are up to ATTEND_ROWS rows times ATTEND_VECTORS vectors; one row alone, which waits for memory and not for
 * arithmetic, has a path of its own.
 */
#ifndef LL_KERNELS_VECTOR_ATTENTION_H
#define LL_KERNELS_VECTOR_ATTENTION_H

#include "kernels/vector/elements_template.h"

#define LOG2_E 1.44269504f
#define BLOCK_VECTORS (LL_KV_BLOCK / VL)
#define VECTORS_OF_16 (16 / VL) /* where no more than 16 columns are left */
/* Blocks whose values are mixed in one go: their float32 values fit a first-level cache. */
#define MIX_BLOCKS 2
#define MIX_TOKENS (MIX_BLOCKS * LL_KV_BLOCK)

typedef vf attend_sums[ATTEND_ROWS][ATTEND_VECTORS];

/* tile(number of rows, n_v, w) with a constant for the number, 2 to ATTEND_ROWS. */
#define ONE_OF_ROWS(n, tile, n_v, w) \
    case n:                          \
        tile(n, n_v, w);             \
        break
#if ATTEND_ROWS > 6
#define ROWS_7_AND_8(tile, n_v, w) \
    ONE_OF_ROWS(7, tile, n_v, w);  \
    ONE_OF_ROWS(8, tile, n_v, w);
#else
#define ROWS_7_AND_8(tile, n_v, w)
#endif
#define FOR_CONSTANT_ROWS(n_r, tile, n_v, w) \
    switch (n_r) {                           \
        ONE_OF_ROWS(2, tile, n_v, w);        \
        ONE_OF_ROWS(3, tile, n_v, w);        \
        ONE_OF_ROWS(4, tile, n_v, w);        \
        ONE_OF_ROWS(5, tile, n_v, w);        \
        ONE_OF_ROWS(6, tile, n_v, w);        \
        ROWS_7_AND_8(tile, n_v, w)           \
        default:                             \
            break;                           \
    }

/* The parts of a tile's scratch. */
typedef struct attend_room {
    float *q;        /* [n_rows][head_dim of stride], times the scale and log2(e) */
    float *sums;     /* [n_rows][stride] of values */
    float *expanded; /* MIX_BLOCKS blocks of values, or one of keys, in float32 */
    float *largest;  /* [n_rows][VL] */
    float *total;    /* [n_rows][VL] of weights */
    float *weights;  /* [rows of a group][MIX_TOKENS] */
    float *scores;   /* [n_rows][score_stride] */
    size_t stride, score_stride;
} attend_room;

static attend_room attend_room_of(const ll_attend *a) {
    attend_room m = {.stride = ll_kv_value_stride(a->head_dim),
                     .score_stride = ll_attend_scores_stride(a->n_positions + (a->n_rows - 1) * a->more)};
    m.q = a->scratch;
    m.sums = m.q + LL_ATTEND_ROWS * m.stride;
    m.expanded = m.sums + LL_ATTEND_ROWS * m.stride;
    m.largest = m.expanded + MIX_TOKENS * m.stride;
    m.total = m.largest + LL_ATTEND_ROWS * 16;
    m.weights = m.total + LL_ATTEND_ROWS * 16;
    m.scores = m.weights + 16 * MIX_TOKENS;
    return m;
}

static const void *keys_of(const ll_attend *a, size_t block) {
    return (const char *)a->kv_blocks[block] + a->head_bytes;
}
static const void *values_of(const ll_attend *a, size_t block) {
    return (const char *)keys_of(a, block) + a->head_dim * LL_KV_BLOCK * ll_kv_element_bytes(a->type);
}

static ALWAYS_INLINE vf load_kv(const bool half, const void *p, size_t i) {
    return half ? v_load_f16((const uint16_t *)p + i) : v_load((const float *)p + i);
}

static void expand(const void *halves, size_t n, float *out) {
    for (size_t i = 0; i < n; i += VL) v_store(out + i, v_load_f16((const uint16_t *)halves + i));
}

/* Lanes of a vector that begins at `from` which lie below n. */
static ALWAYS_INLINE size_t lanes_below(size_t n, size_t from) { return n <= from ? 0 : n - from < VL ? n - from : VL; }

/* ---- scores of several rows */

typedef struct score_work {
    const float *q, *keys; /* [n_r][head_dim of q_stride]; [head_dim] of LL_KV_BLOCK */
    size_t q_stride;
    size_t head_dim;
    float *scores; /* [n_r] of stride */
    size_t stride;
    float *largest;       /* [n_r][VL] so far */
    size_t from, n, more; /* row r sees n + r * more columns of the block, of which the first here is number from */
} score_work;

static ALWAYS_INLINE void score_tile(const size_t n_r, const size_t n_v, const score_work *w) {
    const float *q = w->q, *keys = w->keys;
    const size_t q_stride = w->q_stride;
    attend_sums sum;
    UNROLL for (size_t r = 0; r < n_r; r++) { UNROLL for (size_t v = 0; v < n_v; v++) sum[r][v] = v_zero(); }
    for (const float *end = q + w->head_dim; q < end; q++, keys += LL_KV_BLOCK) {
        vf column[ATTEND_VECTORS];
        UNROLL for (size_t v = 0; v < n_v; v++) column[v] = v_load(keys + v * VL);
        UNROLL for (size_t r = 0; r < n_r; r++) {
            const vf row = v_set1(q[r * q_stride]);
            UNROLL for (size_t v = 0; v < n_v; v++) sum[r][v] = v_fma(row, column[v], sum[r][v]);
        }
    }
    const bool cut = w->n < w->from + n_v * VL;
    UNROLL for (size_t r = 0; r < n_r; r++) {
        vf largest = v_load(w->largest + r * VL);
        UNROLL for (size_t v = 0; v < n_v; v++) {
            v_store(w->scores + r * w->stride + v * VL, sum[r][v]);
            vf seen = sum[r][v];
            if (cut) seen = v_first(seen, lanes_below(w->n + r * w->more, w->from + v * VL), v_set1(-INFINITY));
            largest = v_max(largest, seen);
        }
        v_store(w->largest + r * VL, largest);
    }
}

static void score_rows(size_t n_r, bool narrow, const score_work *w) {
    if (narrow) {
        FOR_CONSTANT_ROWS(n_r, score_tile, VECTORS_OF_16, w);
    } else {
        FOR_CONSTANT_ROWS(n_r, score_tile, ATTEND_VECTORS, w);
    }
}

/* One block against one group of rows. */
static void score_block(const ll_attend *a, const attend_room *m, size_t first, size_t n_r, size_t block,
                        const float *keys) {
    const size_t n = a->n_positions + first * a->more - block * LL_KV_BLOCK; /* of the first row, from here on */
    const size_t last = n + (n_r - 1) * a->more;
    const size_t end = last < LL_KV_BLOCK ? last : LL_KV_BLOCK;
    for (size_t t = 0, width; t < end; t += width) {
        const bool narrow = end - t <= 16;
        width = narrow ? 16 : ATTEND_VECTORS * VL;
        const score_work w = {.q = m->q + first * m->stride,
                              .q_stride = m->stride,
                              .keys = keys + t,
                              .head_dim = a->head_dim,
                              .scores = m->scores + first * m->score_stride + block * LL_KV_BLOCK + t,
                              .stride = m->score_stride,
                              .largest = m->largest + first * VL,
                              .from = t,
                              .n = n,
                              .more = a->more};
        score_rows(n_r, narrow, &w);
    }
}

/* ---- weights */

/* weights[t] = 2^(scores[t] - largest) for t < n, and whatever in the rest of the last vector; *total += the first n.
 * weights may be scores. */
static ALWAYS_INLINE vf weigh(const float *scores, float largest, size_t n, float *weights, vf total) {
    const vf center = v_set1(largest);
    size_t t = 0;
    for (; t + VL <= n; t += VL) {
        const vf weight = v_exp2_weight(v_sub(v_load(scores + t), center));
        total = v_add(total, weight);
        v_store(weights + t, weight);
    }
    if (t < n) {
        const vf weight = v_first(v_exp2_weight(v_sub(v_load(scores + t), center)), n - t, v_zero());
        total = v_add(total, weight);
        v_store(weights + t, weight);
    }
    return total;
}

/* ---- the mix of several rows */

typedef struct mix_work {
    const float *weights;            /* [n_r][MIX_TOKENS] */
    const float *values[MIX_BLOCKS]; /* [tokens of the block] of stride */
    size_t n_tokens[MIX_BLOCKS];     /* that all rows see */
    size_t stride;
    float *sums; /* [n_r] of stride */
    bool begin;  /* sums start from 0 */
} mix_work;

/* staircase: row r sees r tokens more than the first one, in the last block. */
static ALWAYS_INLINE void mix_tile(const size_t n_r, const size_t n_v, const bool staircase, const mix_work *w) {
    attend_sums sum;
    vf column[ATTEND_VECTORS];
    UNROLL for (size_t r = 0; r < n_r; r++) {
        UNROLL for (size_t v = 0; v < n_v; v++) sum[r][v] =
            w->begin ? v_zero() : v_load(w->sums + r * w->stride + v * VL);
    }
    const float *p = w->weights, *values = w->values[0];
    const size_t stride = w->stride;
    for (size_t b = 0; b < MIX_BLOCKS && w->n_tokens[b]; b++) {
        p = w->weights + b * LL_KV_BLOCK;
        values = w->values[b];
        for (const float *end = p + w->n_tokens[b]; p < end; p++, values += stride) {
            UNROLL for (size_t v = 0; v < n_v; v++) column[v] = v_load(values + v * VL);
            UNROLL for (size_t r = 0; r < n_r; r++) {
                const vf row = v_set1(p[r * MIX_TOKENS]);
                UNROLL for (size_t v = 0; v < n_v; v++) sum[r][v] = v_fma(row, column[v], sum[r][v]);
            }
        }
    }
    if (staircase) {
        UNROLL for (size_t step = 1; step < n_r; step++, p++, values += stride) {
            UNROLL for (size_t v = 0; v < n_v; v++) column[v] = v_load(values + v * VL);
            UNROLL for (size_t r = step; r < n_r; r++) {
                const vf row = v_set1(p[r * MIX_TOKENS]);
                UNROLL for (size_t v = 0; v < n_v; v++) sum[r][v] = v_fma(row, column[v], sum[r][v]);
            }
        }
    }
    UNROLL for (size_t r = 0; r < n_r; r++) {
        UNROLL for (size_t v = 0; v < n_v; v++) v_store(w->sums + r * w->stride + v * VL, sum[r][v]);
    }
}

static ALWAYS_INLINE void mix_plain(const size_t n_r, const size_t n_v, const mix_work *w) {
    mix_tile(n_r, n_v, false, w);
}
static ALWAYS_INLINE void mix_staircase(const size_t n_r, const size_t n_v, const mix_work *w) {
    mix_tile(n_r, n_v, true, w);
}

static void mix_rows(size_t n_r, bool narrow, bool staircase, const mix_work *w) {
    if (narrow && staircase) {
        FOR_CONSTANT_ROWS(n_r, mix_staircase, VECTORS_OF_16, w);
    } else if (narrow) {
        FOR_CONSTANT_ROWS(n_r, mix_plain, VECTORS_OF_16, w);
    } else if (staircase) {
        FOR_CONSTANT_ROWS(n_r, mix_staircase, ATTEND_VECTORS, w);
    } else {
        FOR_CONSTANT_ROWS(n_r, mix_plain, ATTEND_VECTORS, w);
    }
}

/* Weights and mix of one group of rows over blocks [block, block + MIX_BLOCKS) as far as they see. */
static void mix_blocks(const ll_attend *a, const attend_room *m, size_t first, size_t n_r, size_t block,
                       const float *const values[MIX_BLOCKS]) {
    const size_t n = a->n_positions + first * a->more - block * LL_KV_BLOCK; /* of the first row, from here on */
    const size_t last = n + (n_r - 1) * a->more;
    for (size_t r = 0; r < n_r; r++) {
        const size_t seen = n + r * a->more;
        float *total = m->total + (first + r) * VL;
        v_store(total,
                weigh(m->scores + (first + r) * m->score_stride + block * LL_KV_BLOCK, m->largest[(first + r) * VL],
                      seen < MIX_TOKENS ? seen : MIX_TOKENS, m->weights + r * MIX_TOKENS, v_load(total)));
    }
    mix_work w = {.weights = m->weights, .stride = m->stride, .begin = block == 0};
    for (size_t b = 0, left = n < MIX_TOKENS ? n : MIX_TOKENS; b < MIX_BLOCKS; b++) {
        w.n_tokens[b] = left < LL_KV_BLOCK ? left : LL_KV_BLOCK;
        left -= w.n_tokens[b];
    }
    const bool staircase = a->more && last <= MIX_TOKENS;
    for (size_t d = 0, width; d < m->stride; d += width) {
        const bool narrow = m->stride - d <= 16;
        width = narrow ? 16 : ATTEND_VECTORS * VL;
        for (size_t b = 0; b < MIX_BLOCKS; b++) w.values[b] = values[b] + d;
        w.sums = m->sums + first * m->stride + d;
        mix_rows(n_r, narrow, staircase, &w);
    }
}

/* ---- several rows */

/* Rows are worked in groups of nearly equal size: 9 are 5 + 4. */
static size_t group_end(size_t n_rows, size_t n_groups, size_t g) { return n_rows * (g + 1) / n_groups; }

/* to = from * scale, zeros up to a whole vector. */
static void scale_row(const float *from, float scale, size_t n, float *to) {
    size_t d = 0;
    for (; d + VL <= n; d += VL) v_store(to + d, v_mul(v_load(from + d), v_set1(scale)));
    if (d < n) v_store(to + d, v_mul(v_load_part(from + d, n - d), v_set1(scale)));
}

static void begin_rows(const ll_attend *a, const attend_room *m) {
    for (size_t r = 0; r < a->n_rows; r++) {
        scale_row(a->q + r * a->ldq, a->scale * LOG2_E, a->head_dim, m->q + r * m->stride);
        v_store(m->largest + r * VL, v_set1(-INFINITY));
        v_store(m->total + r * VL, v_zero());
    }
}

/* out = sums / total. A row without a finite score, or with a NaN among them, is NaN. */
static void finish_row(const float *sums, vf total, size_t head_dim, float *out) {
    const float sum = v_reduce_add(total);
    const vf scale = v_set1(isnan(sum) ? NAN : 1.0f / sum);
    size_t d = 0;
    for (; d + VL <= head_dim; d += VL) v_store(out + d, v_mul(v_load(sums + d), scale));
    if (d < head_dim) v_store_part(out + d, v_mul(v_load(sums + d), scale), head_dim - d);
}

static void attend_rows(const ll_attend *a) {
    const attend_room m = attend_room_of(a);
    const size_t n_groups = (a->n_rows + ATTEND_ROWS - 1) / ATTEND_ROWS;
    const size_t n_last = a->n_positions + (a->n_rows - 1) * a->more;
    const size_t n_blocks = (n_last + LL_KV_BLOCK - 1) / LL_KV_BLOCK;
    begin_rows(a, &m);
    for (size_t b = 0; b < n_blocks; b++) {
        const float *keys = keys_of(a, b);
        if (a->type == LL_KV_F16) {
            expand(keys, a->head_dim * LL_KV_BLOCK, m.expanded);
            keys = m.expanded;
        }
        for (size_t g = 0, r = 0, end; g < n_groups; g++, r = end) {
            end = group_end(a->n_rows, n_groups, g);
            score_block(a, &m, r, end - r, b, keys);
        }
    }
    for (size_t r = 0; r < a->n_rows; r++) m.largest[r * VL] = v_reduce_max(v_load(m.largest + r * VL));
    for (size_t b = 0; b < n_blocks; b += MIX_BLOCKS) {
        const float *values[MIX_BLOCKS] = {0};
        for (size_t i = 0; i < MIX_BLOCKS && b + i < n_blocks; i++) {
            values[i] = values_of(a, b + i);
            if (a->type == LL_KV_F32) continue;
            float *to = m.expanded + i * LL_KV_BLOCK * m.stride;
            const size_t seen = n_last - (b + i) * LL_KV_BLOCK;
            expand(values[i], (seen < LL_KV_BLOCK ? seen : LL_KV_BLOCK) * m.stride, to);
            values[i] = to;
        }
        for (size_t g = 0, r = 0, end; g < n_groups; g++, r = end) {
            end = group_end(a->n_rows, n_groups, g);
            mix_blocks(a, &m, r, end - r, b, values);
        }
    }
    for (size_t r = 0; r < a->n_rows; r++)
        finish_row(m.sums + r * m.stride, v_load(m.total + r * VL), a->head_dim, a->out + r * a->ldo);
}

/* ---- one row: nothing is used twice, so the memory sets the pace; the blocks that come next are asked for early */

/* Scores against n_blocks <= ONE_ROW_BLOCKS at once; next[i] is memory to ask for meanwhile. */
static ALWAYS_INLINE void score_one(const bool half, const size_t n_blocks, const float *q, size_t head_dim,
                                    const void *const *keys, const char *const *next, float *scores) {
    vf sum[ONE_ROW_BLOCKS][BLOCK_VECTORS];
    const size_t row_bytes = LL_KV_BLOCK * (half ? 2 : 4);
    UNROLL for (size_t b = 0; b < n_blocks; b++) {
        UNROLL for (size_t v = 0; v < BLOCK_VECTORS; v++) sum[b][v] = v_zero();
    }
    for (size_t d = 0; d < head_dim; d++) {
        const vf row = v_set1(q[d]);
        UNROLL for (size_t b = 0; b < n_blocks; b++) {
            for (size_t line = 0; line < row_bytes; line += 64) v_fetch(next[b] + d * row_bytes + line);
            UNROLL for (size_t v = 0; v < BLOCK_VECTORS; v++) sum[b][v] =
                v_fma(row, load_kv(half, keys[b], d * LL_KV_BLOCK + v * VL), sum[b][v]);
        }
    }
    UNROLL for (size_t b = 0; b < n_blocks; b++) {
        UNROLL for (size_t v = 0; v < BLOCK_VECTORS; v++) v_store(scores + b * LL_KV_BLOCK + v * VL, sum[b][v]);
    }
}

static ALWAYS_INLINE void score_all(const bool half, const ll_attend *a, const float *q, float *scores) {
    const size_t n_blocks = (a->n_positions + LL_KV_BLOCK - 1) / LL_KV_BLOCK;
    const void *keys[ONE_ROW_BLOCKS];
    const char *next[ONE_ROW_BLOCKS];
    for (size_t b = 0, n; b < n_blocks; b += n) {
        n = n_blocks - b < ONE_ROW_BLOCKS ? n_blocks - b : ONE_ROW_BLOCKS;
        for (size_t i = 0; i < n; i++) {
            keys[i] = keys_of(a, b + i);
            next[i] = b + n + i < n_blocks ? keys_of(a, b + n + i) : values_of(a, i < n_blocks ? i : 0);
        }
        float *to = scores + b * LL_KV_BLOCK;
        switch (n) {
            case 1:
                score_one(half, 1, q, a->head_dim, keys, next, to);
                break;
#if ONE_ROW_BLOCKS > 2
            case 2:
                score_one(half, 2, q, a->head_dim, keys, next, to);
                break;
            case 3:
                score_one(half, 3, q, a->head_dim, keys, next, to);
                break;
#endif
            default:
                score_one(half, ONE_ROW_BLOCKS, q, a->head_dim, keys, next, to);
                break;
        }
    }
}

/* What the memory is asked for while values are mixed, a step with each of them: where all values have been asked for
 * by the scores, the next head's keys, several blocks of them side by side; else the values of the next block. */
typedef struct mix_ahead {
    const char *at[ONE_ROW_BLOCKS];
    size_t n, i;       /* how many there are, and whose turn it is */
    size_t step_bytes; /* from one step to the next */
} mix_ahead;

static ALWAYS_INLINE void ask_ahead(mix_ahead *m, size_t bytes) {
    for (size_t line = 0; line < bytes; line += 64) v_fetch(m->at[m->i] + line);
    m->at[m->i] += m->step_bytes;
    m->i = m->i + 1 == m->n ? 0 : m->i + 1;
}

static ALWAYS_INLINE mix_ahead ahead_of_block(const ll_attend *a, size_t block, size_t n_blocks, size_t from_bytes,
                                              size_t stride_bytes) {
    return (mix_ahead){.at = {(const char *)values_of(a, block + 1 < n_blocks ? block + 1 : block) + from_bytes},
                       .n = 1,
                       .step_bytes = stride_bytes};
}

static ALWAYS_INLINE mix_ahead ahead_of_head(const ll_attend *a, size_t from_bytes, size_t bytes) {
    mix_ahead m = {.n = a->n_next_blocks < ONE_ROW_BLOCKS ? a->n_next_blocks : ONE_ROW_BLOCKS, .step_bytes = bytes};
    for (size_t i = 0; i < m.n; i++) m.at[i] = (const char *)a->next_blocks[i] + a->next_head_bytes + from_bytes;
    return m;
}

/* sums[d] = sum over t of weights[t] * value[t][d] for n_v vectors from column d on. */
static ALWAYS_INLINE void mix_one(const bool half, const bool next_head, const size_t n_v, const ll_attend *a,
                                  const float *weights, size_t d, float *sums) {
    const size_t stride = ll_kv_value_stride(a->head_dim), n_blocks = (a->n_positions + LL_KV_BLOCK - 1) / LL_KV_BLOCK;
    const size_t element = half ? 2 : 4, bytes = n_v * VL * element;
    mix_ahead ahead = {0};
    vf sum[ONE_ROW_VECTORS];
    UNROLL for (size_t v = 0; v < n_v; v++) sum[v] = v_zero();
    if (next_head) ahead = ahead_of_head(a, d * LL_KV_BLOCK * element, bytes);
    for (size_t b = 0; b < n_blocks; b++) {
        const size_t left = a->n_positions - b * LL_KV_BLOCK, n = left < LL_KV_BLOCK ? left : LL_KV_BLOCK;
        const char *values = values_of(a, b);
        if (!next_head) ahead = ahead_of_block(a, b, n_blocks, d * element, stride * element);
        for (size_t t = 0; t < n; t++, weights++) {
            const vf row = v_set1(*weights);
            ask_ahead(&ahead, bytes);
            UNROLL for (size_t v = 0; v < n_v; v++) sum[v] =
                v_fma(row, load_kv(half, values, t * stride + d + v * VL), sum[v]);
        }
    }
    UNROLL for (size_t v = 0; v < n_v; v++) v_store(sums + d + v * VL, sum[v]);
}

static ALWAYS_INLINE void mix_all(const bool half, const bool next_head, const ll_attend *a, const float *weights,
                                  size_t stride, float *sums) {
    size_t d = 0;
    for (; d + ONE_ROW_VECTORS * VL <= stride; d += ONE_ROW_VECTORS * VL)
        mix_one(half, next_head, ONE_ROW_VECTORS, a, weights, d, sums);
    for (; d < stride; d += 16) mix_one(half, next_head, VECTORS_OF_16, a, weights, d, sums);
}

static ALWAYS_INLINE void attend_one(const bool half, const ll_attend *a) {
    const attend_room m = attend_room_of(a);
    scale_row(a->q, a->scale * LOG2_E, a->head_dim, m.q);
    score_all(half, a, m.q, m.scores);
    const vf total = weigh(m.scores, max_of(m.scores, a->n_positions), a->n_positions, m.scores, v_zero());
    if (a->n_positions <= ONE_ROW_BLOCKS * LL_KV_BLOCK && a->n_next_blocks > 0)
        mix_all(half, true, a, m.scores, m.stride, m.sums);
    else
        mix_all(half, false, a, m.scores, m.stride, m.sums);
    finish_row(m.sums, total, a->head_dim, a->out);
}

static void attend(const ll_attend *a) {
    if (a->n_rows > 1) {
        attend_rows(a);
    } else if (a->type == LL_KV_F16) {
        attend_one(true, a);
    } else {
        attend_one(false, a);
    }
}

/* ---- storing */

static ALWAYS_INLINE void store_kv(const bool half, void *p, size_t i, vf v, size_t n) {
    if (half) {
        v_store_f16_part((uint16_t *)p + i, v, n);
    } else if (n == VL) {
        v_store((float *)p + i, v);
    } else {
        v_store_part((float *)p + i, v, n);
    }
}

/* Keys of up to VL tokens: squares of VL numbers are turned. */
static ALWAYS_INLINE void store_square(const bool half, const ll_kv_rows *k, size_t first, size_t d, const size_t n,
                                       const size_t columns) {
    vf square[VL];
    const float *from = k->key + first * k->ld + d;
    UNROLL for (size_t r = 0; r < VL; r++) square[r] = r >= n          ? v_zero()
                                                       : columns == VL ? v_load(from + r * k->ld)
                                                                       : v_load_part(from + r * k->ld, columns);
    v_transpose(square);
    UNROLL for (size_t i = 0; i < VL; i++) if (i < columns)
        store_kv(half, k->head, (d + i) * LL_KV_BLOCK + k->slot + first, square[i], n);
}

static ALWAYS_INLINE void store_keys(const bool half, const ll_kv_rows *k, size_t first, size_t n) {
    for (size_t d = 0; d < k->head_dim; d += VL) {
        const size_t columns = lanes_below(k->head_dim, d);
        if (n == VL && columns == VL)
            store_square(half, k, first, d, VL, VL);
        else
            store_square(half, k, first, d, n, columns);
    }
}

static ALWAYS_INLINE void store_values(const bool half, const ll_kv_rows *k) {
    const size_t stride = ll_kv_value_stride(k->head_dim), begin = k->head_dim * LL_KV_BLOCK;
    for (size_t r = 0; r < k->n_tokens; r++) {
        const float *from = k->value + r * k->ld;
        for (size_t d = 0; d < stride; d += VL) {
            const size_t columns = lanes_below(k->head_dim, d);
            const vf v = columns == VL ? v_load(from + d) : columns ? v_load_part(from + d, columns) : v_zero();
            store_kv(half, k->head, begin + (k->slot + r) * stride + d, v, VL);
        }
    }
}

/* The key of one token: number by number is less work than a square of which a line is used. */
static ALWAYS_INLINE void store_key(const bool half, const ll_kv_rows *k) {
    const size_t bytes = half ? 2 : 4;
    char lanes[VL * sizeof(float)];
    for (size_t d = 0; d < k->head_dim; d += VL) {
        const size_t columns = lanes_below(k->head_dim, d);
        store_kv(half, lanes, 0, columns == VL ? v_load(k->key + d) : v_load_part(k->key + d, columns), VL);
        for (size_t i = 0; i < columns; i++)
            memcpy((char *)k->head + ((d + i) * LL_KV_BLOCK + k->slot) * bytes, lanes + i * bytes, bytes);
    }
}

static ALWAYS_INLINE void kv_store_as(const bool half, const ll_kv_rows *k) {
    if (k->n_tokens == 1) {
        store_key(half, k);
    } else {
        for (size_t r = 0; r < k->n_tokens; r += VL) store_keys(half, k, r, lanes_below(k->n_tokens, r));
    }
    store_values(half, k);
}

static void kv_store(const ll_kv_rows *k) {
    if (k->type == LL_KV_F16) {
        kv_store_as(true, k);
    } else {
        kv_store_as(false, k);
    }
}

#endif
