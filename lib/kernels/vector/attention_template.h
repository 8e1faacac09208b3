/*
 * Part of a vector kernel set (see kernels_template.h): attention of one tile of query rows (attend.h).
 * scalar_attention.c defines in twenty lines what it computes. Here it takes three steps:
 *
 *   1. scores = Q K^T of all rows against all blocks, and row_max, the maximum of each row.
 *   2. Block by block: probs = 2^(score - row_max), row_sum += probs, acc += probs V ("pv").
 *   3. out = acc / row_sum.
 *
 * A score is one sum over head_dim in order, an output element one sum over positions in order, a row_sum VL sums over
 * every VL-th position. None of them depends on how rows or blocks are tiled, and nothing past a row's own last
 * position is ever added to it, so a row has the same bits in any tile.
 *
 * A tile is computed in groups of up to ATTEND_ROWS rows times ATTEND_VECTORS vectors, with accumulators in registers.
 * One row alone waits for memory, not for arithmetic: it has a path of its own, attend_one_row.
 */
#ifndef LL_KERNELS_VECTOR_ATTENTION_H
#define LL_KERNELS_VECTOR_ATTENTION_H

#include "kernels/vector/elements_template.h"

#define LOG2_E 1.44269504f
#define BLOCK_VECTORS (LL_KV_BLOCK / VL)
#define VECTORS_OF_16 (16 / VL) /* tile width for the last 16 columns or fewer */
/* Blocks of values in one step of pv: as float32 they fit the first-level cache. */
#define PV_BLOCKS 2
#define AHEAD_LINES 4  /* prefetched together */
#define AHEAD_GROUPS 2 /* with up to this many groups of rows memory is the limit, and blocks are prefetched */
#define PV_TOKENS (PV_BLOCKS * LL_KV_BLOCK)

typedef vf attend_acc[ATTEND_ROWS][ATTEND_VECTORS];

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

/* The parts of a tile's scratch memory. */
typedef struct attend_workspace {
    float *q;        /* [n_rows][head_dim of stride], times scale and log2(e) */
    float *acc;      /* [n_rows][stride] */
    float *expanded; /* float16 blocks in float32: PV_BLOCKS blocks of values, or one of keys */
    float *row_max;  /* [n_rows][VL] */
    float *row_sum;  /* [n_rows][VL] of probs */
    float *probs;    /* [rows of a group][PV_TOKENS] */
    float *scores;   /* [n_rows][score_stride] */
    size_t stride, score_stride;
} attend_workspace;

static attend_workspace attend_workspace_of(const ll_attend *a) {
    attend_workspace m = {.stride = ll_kv_value_stride(a->head_dim),
                          .score_stride = ll_attend_scores_stride(a->n_positions + (a->n_rows - 1) * a->causal_step)};
    m.q = a->scratch;
    m.acc = m.q + LL_ATTEND_ROWS * m.stride;
    m.expanded = m.acc + LL_ATTEND_ROWS * m.stride;
    m.row_max = m.expanded + PV_TOKENS * m.stride;
    m.row_sum = m.row_max + LL_ATTEND_ROWS * 16;
    m.probs = m.row_sum + LL_ATTEND_ROWS * 16;
    m.scores = m.probs + 16 * PV_TOKENS;
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

/* Number of lanes below n in a vector that begins at `from`. */
static ALWAYS_INLINE size_t lanes_below(size_t n, size_t from) { return n <= from ? 0 : n - from < VL ? n - from : VL; }

/* ---- scores of several rows */

typedef struct score_args {
    const float *q;   /* [n_r][head_dim of q_stride] */
    const void *keys; /* [head_dim] of LL_KV_BLOCK, in float32 or where `half` in float16 */
    size_t q_stride, head_dim;
    float *scores; /* [n_r] of stride */
    size_t stride;
    float *row_max; /* [n_r][VL] so far */
    /* Row r attends to the first n + r * causal_step columns of the block; this tile's first column is column `from`.
     */
    size_t from, n, causal_step;
    const char *next; /* to prefetch meanwhile, a line every next_step bytes, or NULL */
    size_t next_step;
} score_args;

/* Prefetches AHEAD_LINES lines. Returns the address of the line after them. */
static ALWAYS_INLINE const char *ahead_of(const char *next, size_t step) {
    if (!next) return NULL;
    for (size_t i = 0; i < AHEAD_LINES; i++) v_prefetch(next + i * step);
    return next + AHEAD_LINES * step;
}

static ALWAYS_INLINE void score_tile(const bool half, const size_t n_r, const size_t n_v, const score_args *w) {
    const float *q = w->q;
    const char *keys = w->keys;
    const size_t keys_step = LL_KV_BLOCK * (half ? 2 : 4);
    const size_t q_stride = w->q_stride;
    const char *next = w->next;
    attend_acc acc;
    UNROLL for (size_t r = 0; r < n_r; r++) { UNROLL for (size_t v = 0; v < n_v; v++) acc[r][v] = v_zero(); }
    for (const float *end = q + w->head_dim; q < end; next = ahead_of(next, w->next_step)) {
        for (const float *stop = end - q > AHEAD_LINES ? q + AHEAD_LINES : end; q < stop; q++, keys += keys_step) {
            vf column[ATTEND_VECTORS];
            UNROLL for (size_t v = 0; v < n_v; v++) column[v] = load_kv(half, keys, v * VL);
            UNROLL for (size_t r = 0; r < n_r; r++) {
                const vf row = v_set1(q[r * q_stride]);
                UNROLL for (size_t v = 0; v < n_v; v++) acc[r][v] = v_fma(row, column[v], acc[r][v]);
            }
        }
    }
    const bool cut = w->n < w->from + n_v * VL;
    UNROLL for (size_t r = 0; r < n_r; r++) {
        vf row_max = v_load(w->row_max + r * VL);
        UNROLL for (size_t v = 0; v < n_v; v++) {
            v_store(w->scores + r * w->stride + v * VL, acc[r][v]);
            vf seen = acc[r][v];
            if (cut) seen = v_first(seen, lanes_below(w->n + r * w->causal_step, w->from + v * VL), v_set1(-INFINITY));
            row_max = v_max(row_max, seen);
        }
        v_store(w->row_max + r * VL, row_max);
    }
}

static ALWAYS_INLINE void score_floats(const size_t n_r, const size_t n_v, const score_args *w) {
    score_tile(false, n_r, n_v, w);
}
static ALWAYS_INLINE void score_halves(const size_t n_r, const size_t n_v, const score_args *w) {
    score_tile(true, n_r, n_v, w);
}

/* Scores of a group of n_r rows against one block, whose keys are float16 if `half`. next: what to prefetch, or NULL.
 */
static void score_block(const ll_attend *a, const attend_workspace *m, size_t first, size_t n_r, size_t block,
                        bool half, const void *keys, const char *next) {
    const size_t n = a->n_positions + first * a->causal_step - block * LL_KV_BLOCK; /* positions of the first row */
    const size_t last = n + (n_r - 1) * a->causal_step;
    const size_t end = last < LL_KV_BLOCK ? last : LL_KV_BLOCK;
    for (size_t t = 0, width; t < end; t += width) {
        const bool narrow = end - t <= 16;
        width = narrow ? 16 : ATTEND_VECTORS * VL;
        const score_args w = {.q = m->q + first * m->stride,
                              .q_stride = m->stride,
                              .keys = (const char *)keys + t * (half ? 2 : 4),
                              .head_dim = a->head_dim,
                              .scores = m->scores + first * m->score_stride + block * LL_KV_BLOCK + t,
                              .stride = m->score_stride,
                              .row_max = m->row_max + first * VL,
                              .from = t,
                              .n = n,
                              .causal_step = a->causal_step,
                              .next = next,
                              .next_step = LL_KV_BLOCK * ll_kv_element_bytes(a->type)};
        next = NULL;
        if (narrow && half) {
            FOR_CONSTANT_ROWS(n_r, score_halves, VECTORS_OF_16, &w);
        } else if (narrow) {
            FOR_CONSTANT_ROWS(n_r, score_floats, VECTORS_OF_16, &w);
        } else if (half) {
            FOR_CONSTANT_ROWS(n_r, score_halves, ATTEND_VECTORS, &w);
        } else {
            FOR_CONSTANT_ROWS(n_r, score_floats, ATTEND_VECTORS, &w);
        }
    }
}

/* ---- softmax */

/* probs[t] = 2^(scores[t] - row_max) for t < n, not yet divided by their sum; the rest of the last vector is undefined.
 * Returns row_sum plus these n. probs may be scores. */
static ALWAYS_INLINE vf softmax_numerators(const float *scores, float row_max, size_t n, float *probs, vf row_sum) {
    const vf center = v_set1(row_max);
    size_t t = 0;
    for (; t + VL <= n; t += VL) {
        const vf prob = v_exp2(v_sub(v_load(scores + t), center));
        row_sum = v_add(row_sum, prob);
        v_store(probs + t, prob);
    }
    if (t < n) {
        const vf prob = v_first(v_exp2(v_sub(v_load(scores + t), center)), n - t, v_zero());
        row_sum = v_add(row_sum, prob);
        v_store(probs + t, prob);
    }
    return row_sum;
}

/* ---- probs times values, of several rows */

typedef struct pv_args {
    const float *probs;            /* [n_r][PV_TOKENS] */
    const void *values[PV_BLOCKS]; /* [tokens of the block] of stride, in float32 or where `half` in float16 */
    size_t n_tokens[PV_BLOCKS];    /* that all rows attend to */
    size_t stride;
    float *acc;                  /* [n_r] of stride */
    bool init;                   /* acc starts from 0 */
    const char *next[PV_BLOCKS]; /* to prefetch while a block is multiplied, as in score_args */
    size_t next_step;
} pv_args;

/* diagonal: in the last block, row r attends to r tokens more than row 0. Each of those tokens is multiplied only for
 * the rows that attend to it: a prob of zero times a value that is NaN would be NaN. */
static ALWAYS_INLINE void pv_tile(const bool half, const size_t n_r, const size_t n_v, const bool diagonal,
                                  const pv_args *w) {
    attend_acc acc;
    vf column[ATTEND_VECTORS];
    UNROLL for (size_t r = 0; r < n_r; r++) {
        UNROLL for (size_t v = 0; v < n_v; v++) acc[r][v] =
            w->init ? v_zero() : v_load(w->acc + r * w->stride + v * VL);
    }
    const float *p = w->probs;
    const char *values = w->values[0];
    const size_t step_bytes = w->stride * (half ? 2 : 4);
    for (size_t b = 0; b < PV_BLOCKS && w->n_tokens[b]; b++) {
        const char *next = w->next[b];
        p = w->probs + b * LL_KV_BLOCK;
        values = w->values[b];
        for (const float *end = p + w->n_tokens[b]; p < end; next = ahead_of(next, w->next_step)) {
            for (const float *stop = end - p > AHEAD_LINES ? p + AHEAD_LINES : end; p < stop;
                 p++, values += step_bytes) {
                UNROLL for (size_t v = 0; v < n_v; v++) column[v] = load_kv(half, values, v * VL);
                UNROLL for (size_t r = 0; r < n_r; r++) {
                    const vf row = v_set1(p[r * PV_TOKENS]);
                    UNROLL for (size_t v = 0; v < n_v; v++) acc[r][v] = v_fma(row, column[v], acc[r][v]);
                }
            }
        }
    }
    if (diagonal) {
        UNROLL for (size_t step = 1; step < n_r; step++, p++, values += step_bytes) {
            UNROLL for (size_t v = 0; v < n_v; v++) column[v] = load_kv(half, values, v * VL);
            UNROLL for (size_t r = step; r < n_r; r++) {
                const vf row = v_set1(p[r * PV_TOKENS]);
                UNROLL for (size_t v = 0; v < n_v; v++) acc[r][v] = v_fma(row, column[v], acc[r][v]);
            }
        }
    }
    UNROLL for (size_t r = 0; r < n_r; r++) {
        UNROLL for (size_t v = 0; v < n_v; v++) v_store(w->acc + r * w->stride + v * VL, acc[r][v]);
    }
}

static ALWAYS_INLINE void pv_plain(const size_t n_r, const size_t n_v, const pv_args *w) {
    pv_tile(false, n_r, n_v, false, w);
}
static ALWAYS_INLINE void pv_diagonal(const size_t n_r, const size_t n_v, const pv_args *w) {
    pv_tile(false, n_r, n_v, true, w);
}
static ALWAYS_INLINE void pv_halves(const size_t n_r, const size_t n_v, const pv_args *w) {
    pv_tile(true, n_r, n_v, false, w);
}

/* Softmax and pv of a group of n_r rows over blocks [block, block + PV_BLOCKS). half: values are float16, and all rows
 * attend to the same positions. next: values to prefetch, or NULL. */
static void pv_blocks(const ll_attend *a, const attend_workspace *m, size_t first, size_t n_r, size_t block, bool half,
                      const void *const values[PV_BLOCKS], const char *const next[PV_BLOCKS]) {
    const size_t n = a->n_positions + first * a->causal_step - block * LL_KV_BLOCK; /* positions of the first row */
    const size_t last = n + (n_r - 1) * a->causal_step;
    for (size_t r = 0; r < n_r; r++) {
        const size_t seen = n + r * a->causal_step;
        float *row_sum = m->row_sum + (first + r) * VL;
        v_store(row_sum, softmax_numerators(m->scores + (first + r) * m->score_stride + block * LL_KV_BLOCK,
                                            m->row_max[(first + r) * VL], seen < PV_TOKENS ? seen : PV_TOKENS,
                                            m->probs + r * PV_TOKENS, v_load(row_sum)));
    }
    const size_t element = ll_kv_element_bytes(a->type);
    pv_args w = {.probs = m->probs, .stride = m->stride, .init = block == 0, .next_step = m->stride * element};
    for (size_t b = 0, left = n < PV_TOKENS ? n : PV_TOKENS; b < PV_BLOCKS; b++) {
        w.n_tokens[b] = left < LL_KV_BLOCK ? left : LL_KV_BLOCK;
        left -= w.n_tokens[b];
    }
    const bool diagonal = a->causal_step && last <= PV_TOKENS;
    for (size_t d = 0, width; d < m->stride; d += width) {
        const bool narrow = m->stride - d <= 16;
        width = narrow ? 16 : ATTEND_VECTORS * VL;
        for (size_t b = 0; b < PV_BLOCKS; b++) {
            w.values[b] = values[b] ? (const char *)values[b] + d * (half ? 2 : 4) : NULL;
            w.next[b] = next[b] ? next[b] + d * element : NULL;
        }
        w.acc = m->acc + first * m->stride + d;
        if (narrow && diagonal) {
            FOR_CONSTANT_ROWS(n_r, pv_diagonal, VECTORS_OF_16, &w);
        } else if (narrow && half) {
            FOR_CONSTANT_ROWS(n_r, pv_halves, VECTORS_OF_16, &w);
        } else if (narrow) {
            FOR_CONSTANT_ROWS(n_r, pv_plain, VECTORS_OF_16, &w);
        } else if (half) {
            FOR_CONSTANT_ROWS(n_r, pv_halves, ATTEND_VECTORS, &w);
        } else if (diagonal) {
            FOR_CONSTANT_ROWS(n_r, pv_diagonal, ATTEND_VECTORS, &w);
        } else {
            FOR_CONSTANT_ROWS(n_r, pv_plain, ATTEND_VECTORS, &w);
        }
    }
}

/* ---- several rows */

/* Groups of rows have nearly equal size: 9 rows are 5 + 4. */
static size_t group_end(size_t n_rows, size_t n_groups, size_t g) { return n_rows * (g + 1) / n_groups; }

/* to = from * scale, zeros up to a whole vector. */
static void scale_row(const float *from, float scale, size_t n, float *to) {
    size_t d = 0;
    for (; d + VL <= n; d += VL) v_store(to + d, v_mul(v_load(from + d), v_set1(scale)));
    if (d < n) v_store(to + d, v_mul(v_load_part(from + d, n - d), v_set1(scale)));
}

static void init_rows(const ll_attend *a, const attend_workspace *m) {
    for (size_t r = 0; r < a->n_rows; r++) {
        scale_row(a->q + r * a->ldq, a->scale * LOG2_E, a->head_dim, m->q + r * m->stride);
        v_store(m->row_max + r * VL, v_set1(-INFINITY));
        v_store(m->row_sum + r * VL, v_zero());
    }
}

/* out = acc / row_sum. A row without a finite score, or with a NaN among them, is NaN. */
static void finish_row(const float *acc, vf row_sum, size_t head_dim, float *out) {
    const float sum = v_reduce_add(row_sum);
    const vf scale = v_set1(isnan(sum) ? NAN : 1.0f / sum);
    size_t d = 0;
    for (; d + VL <= head_dim; d += VL) v_store(out + d, v_mul(v_load(acc + d), scale));
    if (d < head_dim) v_store_part(out + d, v_mul(v_load(acc + d), scale), head_dim - d);
}

/* ---- one row: each key and value is used once, so memory is the limit, and the next blocks are prefetched */

/* Scores against n_blocks <= ONE_ROW_BLOCKS at once. next[i] is prefetched meanwhile, a line for each row of keys. */
static ALWAYS_INLINE void score_one_row(const bool half, const size_t n_blocks, const float *q, size_t head_dim,
                                        const void *const *keys, const char *const *next, float *scores) {
    vf acc[ONE_ROW_BLOCKS][BLOCK_VECTORS];
    const size_t row_bytes = LL_KV_BLOCK * (half ? 2 : 4);
    UNROLL for (size_t b = 0; b < n_blocks; b++) {
        UNROLL for (size_t v = 0; v < BLOCK_VECTORS; v++) acc[b][v] = v_zero();
    }
    for (size_t d = 0; d < head_dim; d++) {
        const vf row = v_set1(q[d]);
        UNROLL for (size_t b = 0; b < n_blocks; b++) {
            for (size_t line = 0; line < row_bytes; line += 64) v_prefetch(next[b] + d * row_bytes + line);
            UNROLL for (size_t v = 0; v < BLOCK_VECTORS; v++) acc[b][v] =
                v_fma(row, load_kv(half, keys[b], d * LL_KV_BLOCK + v * VL), acc[b][v]);
        }
    }
    UNROLL for (size_t b = 0; b < n_blocks; b++) {
        UNROLL for (size_t v = 0; v < BLOCK_VECTORS; v++) v_store(scores + b * LL_KV_BLOCK + v * VL, acc[b][v]);
    }
}

static ALWAYS_INLINE void score_one_row_all(const bool half, const ll_attend *a, const float *q, float *scores) {
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
                score_one_row(half, 1, q, a->head_dim, keys, next, to);
                break;
#if ONE_ROW_BLOCKS > 2
            case 2:
                score_one_row(half, 2, q, a->head_dim, keys, next, to);
                break;
            case 3:
                score_one_row(half, 3, q, a->head_dim, keys, next, to);
                break;
#endif
            default:
                score_one_row(half, ONE_ROW_BLOCKS, q, a->head_dim, keys, next, to);
                break;
        }
    }
}

/* What pv prefetches, one step per value it reads. With few blocks score_one_row_all has already prefetched all values,
 * and pv prefetches keys of the next head, from several blocks in turn; else it prefetches the next block's values. */
typedef struct pv_prefetch {
    const char *at[ONE_ROW_BLOCKS];
    size_t n, i; /* number of blocks in `at`; the one that is prefetched next */
    size_t step_bytes;
} pv_prefetch;

static ALWAYS_INLINE void prefetch_step(pv_prefetch *m, size_t bytes) {
    for (size_t line = 0; line < bytes; line += 64) v_prefetch(m->at[m->i] + line);
    m->at[m->i] += m->step_bytes;
    m->i = m->i + 1 == m->n ? 0 : m->i + 1;
}

static ALWAYS_INLINE pv_prefetch prefetch_block(const ll_attend *a, size_t block, size_t n_blocks, size_t from_bytes,
                                                size_t stride_bytes) {
    return (pv_prefetch){.at = {(const char *)values_of(a, block + 1 < n_blocks ? block + 1 : block) + from_bytes},
                         .n = 1,
                         .step_bytes = stride_bytes};
}

static ALWAYS_INLINE pv_prefetch prefetch_head(const ll_attend *a, size_t from_bytes, size_t bytes) {
    pv_prefetch m = {.n = a->n_next_blocks < ONE_ROW_BLOCKS ? a->n_next_blocks : ONE_ROW_BLOCKS, .step_bytes = bytes};
    for (size_t i = 0; i < m.n; i++) m.at[i] = (const char *)a->next_blocks[i] + a->next_head_bytes + from_bytes;
    return m;
}

/* out[d] = sum over t of probs[t] * value[t][d] for n_v vectors from column d on. */
static ALWAYS_INLINE void pv_one_row(const bool half, const bool next_head, const size_t n_v, const ll_attend *a,
                                     const float *probs, size_t d, float *out) {
    const size_t stride = ll_kv_value_stride(a->head_dim), n_blocks = (a->n_positions + LL_KV_BLOCK - 1) / LL_KV_BLOCK;
    const size_t element = half ? 2 : 4, bytes = n_v * VL * element;
    pv_prefetch ahead = {0};
    vf acc[ONE_ROW_VECTORS];
    UNROLL for (size_t v = 0; v < n_v; v++) acc[v] = v_zero();
    if (next_head) ahead = prefetch_head(a, d * LL_KV_BLOCK * element, bytes);
    for (size_t b = 0; b < n_blocks; b++) {
        const size_t left = a->n_positions - b * LL_KV_BLOCK, n = left < LL_KV_BLOCK ? left : LL_KV_BLOCK;
        const char *values = values_of(a, b);
        if (!next_head) ahead = prefetch_block(a, b, n_blocks, d * element, stride * element);
        for (size_t t = 0; t < n; t++, probs++) {
            const vf row = v_set1(*probs);
            prefetch_step(&ahead, bytes);
            UNROLL for (size_t v = 0; v < n_v; v++) acc[v] =
                v_fma(row, load_kv(half, values, t * stride + d + v * VL), acc[v]);
        }
    }
    UNROLL for (size_t v = 0; v < n_v; v++) v_store(out + d + v * VL, acc[v]);
}

static ALWAYS_INLINE void pv_one_row_all(const bool half, const bool next_head, const ll_attend *a, const float *probs,
                                         size_t stride, float *acc) {
    size_t d = 0;
    for (; d + ONE_ROW_VECTORS * VL <= stride; d += ONE_ROW_VECTORS * VL)
        pv_one_row(half, next_head, ONE_ROW_VECTORS, a, probs, d, acc);
    for (; d < stride; d += 16) pv_one_row(half, next_head, VECTORS_OF_16, a, probs, d, acc);
}

static ALWAYS_INLINE void attend_one_row(const bool half, const ll_attend *a) {
    const attend_workspace m = attend_workspace_of(a);
    scale_row(a->q, a->scale * LOG2_E, a->head_dim, m.q);
    score_one_row_all(half, a, m.q, m.scores);
    const vf row_sum =
        softmax_numerators(m.scores, max_of(m.scores, a->n_positions), a->n_positions, m.scores, v_zero());
    if (a->n_positions <= ONE_ROW_BLOCKS * LL_KV_BLOCK && a->n_next_blocks > 0)
        pv_one_row_all(half, true, a, m.scores, m.stride, m.acc);
    else
        pv_one_row_all(half, false, a, m.scores, m.stride, m.acc);
    finish_row(m.acc, row_sum, a->head_dim, a->out);
}

static void attend_plain(const ll_attend *a) {
    if (a->n_rows == 1 && a->type == LL_KV_F16) {
        attend_one_row(true, a);
        return;
    }
    if (a->n_rows == 1) {
        attend_one_row(false, a);
        return;
    }
    const attend_workspace m = attend_workspace_of(a);
    const size_t n_groups = (a->n_rows + ATTEND_ROWS - 1) / ATTEND_ROWS;
    const size_t n_last = a->n_positions + (a->n_rows - 1) * a->causal_step;
    const size_t n_blocks = (n_last + LL_KV_BLOCK - 1) / LL_KV_BLOCK;
    /* With few rows memory is the limit, so the next block is prefetched; with many the arithmetic is. */
    const bool ahead = n_groups <= AHEAD_GROUPS;
    /* A single group reads each element once and converts float16 on the fly; else blocks are expanded once for all. */
    const bool half = a->type == LL_KV_F16 && n_groups == 1 && !a->causal_step, expands = a->type == LL_KV_F16 && !half;
    init_rows(a, &m);
    for (size_t b = 0; b < n_blocks; b++) {
        const void *keys = keys_of(a, b);
        const char *next = !ahead ? NULL : b + 1 < n_blocks ? keys_of(a, b + 1) : values_of(a, 0);
        if (expands) {
            expand(keys, a->head_dim * LL_KV_BLOCK, m.expanded);
            keys = m.expanded;
        }
        for (size_t g = 0, r = 0, end; g < n_groups; g++, r = end) {
            end = group_end(a->n_rows, n_groups, g);
            score_block(a, &m, r, end - r, b, half, keys, g ? NULL : next);
        }
    }
    for (size_t r = 0; r < a->n_rows; r++) m.row_max[r * VL] = v_reduce_max(v_load(m.row_max + r * VL));
    for (size_t b = 0; b < n_blocks; b += PV_BLOCKS) {
        const void *values[PV_BLOCKS] = {0};
        const char *next[PV_BLOCKS] = {0}, *none[PV_BLOCKS] = {0};
        for (size_t i = 0; ahead && i < PV_BLOCKS; i++)
            next[i] = values_of(a, b + PV_BLOCKS + i < n_blocks ? b + PV_BLOCKS + i : n_blocks - 1);
        for (size_t i = 0; i < PV_BLOCKS && b + i < n_blocks; i++) {
            values[i] = values_of(a, b + i);
            if (!expands) continue;
            float *to = m.expanded + i * LL_KV_BLOCK * m.stride;
            const size_t seen = n_last - (b + i) * LL_KV_BLOCK;
            expand(values[i], (seen < LL_KV_BLOCK ? seen : LL_KV_BLOCK) * m.stride, to);
            values[i] = to;
        }
        for (size_t g = 0, r = 0, end; g < n_groups; g++, r = end) {
            end = group_end(a->n_rows, n_groups, g);
            pv_blocks(a, &m, r, end - r, b, half, values, g ? none : next);
        }
    }
    for (size_t r = 0; r < a->n_rows; r++)
        finish_row(m.acc + r * m.stride, v_load(m.row_sum + r * VL), a->head_dim, a->out + r * a->ldo);
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

/* Keys of up to VL tokens: squares of VL x VL numbers are transposed. */
static ALWAYS_INLINE void store_square(const bool half, const ll_kv_rows *k, size_t first, size_t d, const size_t n,
                                       const size_t columns) {
    vf square[VL];
    const float *from = k->key + first * k->ld_key + d;
    UNROLL for (size_t r = 0; r < VL; r++) square[r] = r >= n          ? v_zero()
                                                       : columns == VL ? v_load(from + r * k->ld_key)
                                                                       : v_load_part(from + r * k->ld_key, columns);
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
        const float *from = k->value + r * k->ld_value;
        for (size_t d = 0; d < stride; d += VL) {
            const size_t columns = lanes_below(k->head_dim, d);
            const vf v = columns == VL ? v_load(from + d) : columns ? v_load_part(from + d, columns) : v_zero();
            store_kv(half, k->head, begin + (k->slot + r) * stride + d, v, VL);
        }
    }
}

/* The key of one token: storing single elements is faster than transposing a square with one row in use. */
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
