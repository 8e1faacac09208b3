/*
 * Part of a vector kernel set (see kernels_template.h): attention of a tile whose rows have a window, or a bias by
 * distance (attend.h). The steps are those of attention_template.h, and a row whose window reaches back to position 0
 * has the same bits as there. Each row has its own first position:
 *
 *   1. scores = Q K^T of the blocks that some row attends to.
 *   2. Row by row: the bias is added, and row_max is taken over the row's own positions.
 *   3. Block by block: probs, row_sum and acc as without a window. Neighbouring rows differ by a few positions at both
 *      ends, which are multiplied row by row; those between are multiplied as a tile.
 */
#ifndef LL_KERNELS_VECTOR_ATTENTION_MASKED_H
#define LL_KERNELS_VECTOR_ATTENTION_MASKED_H

#include "kernels/vector/attention_template.h"

#define FOR_ANY_ROWS(n_r, tile, n_v, w) \
    if ((n_r) == 1)                     \
        tile(1, n_v, w);                \
    else                                \
        FOR_CONSTANT_ROWS(n_r, tile, n_v, w)

/* Rows [first, first + n) of the tile and the positions they attend to. Begins and ends do not decrease from row to
 * row.
 */
typedef struct row_group {
    size_t first, n;
    size_t begin, end;         /* positions of any of its rows */
    size_t all_begin, all_end; /* positions common to all of them; none if all_begin >= all_end */
} row_group;

static row_group group_of_rows(const ll_attend *a, size_t first, size_t n) {
    const size_t last = first + n - 1;
    return (row_group){
        first, n, ll_attend_begin(a, first), ll_attend_end(a, last), ll_attend_begin(a, last), ll_attend_end(a, first)};
}

/* ---- scores */

static void masked_scores(const ll_attend *a, const attend_workspace *m, const row_group *g, size_t block,
                          size_t first_block, const float *keys, const char *next) {
    const size_t start = block * LL_KV_BLOCK;
    size_t t = g->begin > start ? (g->begin - start) / 16 * 16 : 0;
    const size_t end = g->end - start < LL_KV_BLOCK ? g->end - start : LL_KV_BLOCK;
    for (size_t width; t < end; t += width) {
        const bool narrow = end - t <= 16 || t % (ATTEND_VECTORS * VL) != 0;
        width = narrow ? 16 : ATTEND_VECTORS * VL;
        const score_args w = {
            .q = m->q + g->first * m->stride,
            .q_stride = m->stride,
            .keys = keys + t,
            .head_dim = a->head_dim,
            .scores = m->scores + g->first * m->score_stride + (block - first_block) * LL_KV_BLOCK + t,
            .stride = m->score_stride,
            .row_max = m->row_max + g->first * VL, /* overwritten in step 2 */
            .from = t,
            .n = LL_KV_BLOCK,
            .next = next,
            .next_step = LL_KV_BLOCK * ll_kv_element_bytes(a->type)};
        next = NULL;
        if (narrow) {
            FOR_ANY_ROWS(g->n, score_floats, VECTORS_OF_16, &w);
        } else {
            FOR_ANY_ROWS(g->n, score_floats, ATTEND_VECTORS, &w);
        }
    }
}

/* Lanes [from, to) of v, else `other`. */
static ALWAYS_INLINE vf lanes_of(vf v, size_t from, size_t to, vf other) {
    return v_first(other, from < VL ? from : VL, v_first(v, to < VL ? to : VL, other));
}

/* The lane of `position` in a vector that begins at `at`; 0 if it is before that. */
static ALWAYS_INLINE size_t lane_of(size_t position, size_t at) { return position > at ? position - at : 0; }

/* Adds the bias, if any, to a row's scores; scores[0] is that of position `start`. Returns the maximum over positions
 * [begin, end). */
static float bias_and_max(const float *bias, size_t start, size_t begin, size_t end, float *scores) {
    const vf lowest = v_set1(-INFINITY);
    vf max = lowest;
    for (size_t t = begin / VL * VL; t < end; t += VL) {
        vf score = v_load(scores + t - start);
        if (bias) {
            score = v_fma(v_load(bias + t), v_set1(LOG2_E), score);
            v_store(scores + t - start, score);
        }
        if (t < begin || t + VL > end) score = lanes_of(score, lane_of(begin, t), lane_of(end, t), lowest);
        max = v_max(max, score);
    }
    return v_reduce_max(max);
}

/* ---- softmax, probs times values */

/* Numerators of positions [begin, end) of a block; those of a vector's other positions are 0. Returns row_sum plus
 * these. */
static ALWAYS_INLINE vf masked_numerators(const float *scores, float row_max, size_t begin, size_t end, float *probs,
                                          vf row_sum) {
    const vf center = v_set1(row_max);
    for (size_t t = begin / VL * VL; t < end; t += VL) {
        vf prob = v_exp2(v_sub(v_load(scores + t), center));
        if (t < begin || t + VL > end) prob = lanes_of(prob, lane_of(begin, t), lane_of(end, t), v_zero());
        row_sum = v_add(row_sum, prob);
        v_store(probs + t, prob);
    }
    return row_sum;
}

/* Positions [begin, end) of the block at `start`, for each of the group's rows that attends to them. */
static void pv_edge(const ll_attend *a, const attend_workspace *m, const row_group *g, size_t start, size_t begin,
                    size_t end, const float *values) {
    for (size_t t = begin; t < end; t++) {
        const float *value = values + (t - start) * m->stride;
        for (size_t r = 0; r < g->n; r++) {
            float *acc = m->acc + (g->first + r) * m->stride;
            if (t < ll_attend_begin(a, g->first + r) || t >= ll_attend_end(a, g->first + r)) continue;
            const vf prob = v_set1(m->probs[r * PV_TOKENS + t - start]);
            for (size_t d = 0; d < m->stride; d += VL)
                v_store(acc + d, v_fma(prob, v_load(value + d), v_load(acc + d)));
        }
    }
}

/* Positions [begin, end) of the block at `start`, to which all rows attend. */
static void pv_middle(const ll_attend *a, const attend_workspace *m, const row_group *g, size_t start, size_t begin,
                      size_t end, const float *values, const char *next) {
    pv_args w = {.probs = m->probs + begin - start, .n_tokens = {end - begin}, .stride = m->stride};
    const size_t element = ll_kv_element_bytes(a->type);
    w.next_step = m->stride * element;
    for (size_t d = 0, width; d < m->stride; d += width) {
        const bool narrow = m->stride - d <= 16;
        width = narrow ? 16 : ATTEND_VECTORS * VL;
        w.values[0] = values + (begin - start) * m->stride + d;
        w.next[0] = next ? next + d * element : NULL;
        w.acc = m->acc + g->first * m->stride + d;
        if (narrow) {
            FOR_ANY_ROWS(g->n, pv_plain, VECTORS_OF_16, &w);
        } else {
            FOR_ANY_ROWS(g->n, pv_plain, ATTEND_VECTORS, &w);
        }
    }
}

static ALWAYS_INLINE size_t cut_to(size_t position, size_t low, size_t high) {
    return position < low ? low : position < high ? position : high;
}

static void masked_pv(const ll_attend *a, const attend_workspace *m, const row_group *g, size_t block,
                      size_t first_block, const float *values, const char *next) {
    const size_t start = block * LL_KV_BLOCK, stop = start + LL_KV_BLOCK;
    const size_t begin = cut_to(g->begin, start, stop), end = cut_to(g->end, start, stop);
    const size_t middle = cut_to(g->all_begin, begin, end), rest = cut_to(g->all_end, middle, end);
    for (size_t r = 0; r < g->n; r++) {
        const size_t row = g->first + r;
        float *row_sum = m->row_sum + row * VL;
        v_store(row_sum, masked_numerators(m->scores + row * m->score_stride + (block - first_block) * LL_KV_BLOCK,
                                           m->row_max[row * VL], cut_to(ll_attend_begin(a, row), start, stop) - start,
                                           cut_to(ll_attend_end(a, row), start, stop) - start, m->probs + r * PV_TOKENS,
                                           v_load(row_sum)));
    }
    pv_edge(a, m, g, start, begin, middle, values);
    if (middle < rest) pv_middle(a, m, g, start, middle, rest, values, next);
    pv_edge(a, m, g, start, rest, end, values);
}

/* ---- the tile */

typedef struct masked_tile {
    size_t first_block, end_block, n_groups;
} masked_tile;

static void masked_tile_scores(const ll_attend *a, const attend_workspace *m, const masked_tile *tile) {
    for (size_t b = tile->first_block; b < tile->end_block; b++) {
        const float *keys = keys_of(a, b);
        const char *next = tile->n_groups > AHEAD_GROUPS ? NULL
                           : b + 1 < tile->end_block     ? keys_of(a, b + 1)
                                                         : values_of(a, tile->first_block);
        if (a->type == LL_KV_F16) {
            expand(keys, a->head_dim * LL_KV_BLOCK, m->expanded);
            keys = m->expanded;
        }
        for (size_t i = 0, r = 0, end; i < tile->n_groups; i++, r = end) {
            end = group_end(a->n_rows, tile->n_groups, i);
            const row_group g = group_of_rows(a, r, end - r);
            if (g.begin < (b + 1) * LL_KV_BLOCK && g.end > b * LL_KV_BLOCK)
                masked_scores(a, m, &g, b, tile->first_block, keys, i ? NULL : next);
        }
    }
}

static void masked_tile_pv(const ll_attend *a, const attend_workspace *m, const masked_tile *tile) {
    const size_t n_last = ll_attend_end(a, a->n_rows - 1);
    for (size_t b = tile->first_block; b < tile->end_block; b++) {
        const float *values = values_of(a, b);
        const char *next = tile->n_groups > AHEAD_GROUPS || b + 1 == tile->end_block ? NULL : values_of(a, b + 1);
        if (a->type == LL_KV_F16) {
            const size_t seen = n_last - b * LL_KV_BLOCK;
            expand(values, (seen < LL_KV_BLOCK ? seen : LL_KV_BLOCK) * m->stride, m->expanded);
            values = m->expanded;
        }
        for (size_t i = 0, r = 0, end; i < tile->n_groups; i++, r = end) {
            end = group_end(a->n_rows, tile->n_groups, i);
            const row_group g = group_of_rows(a, r, end - r);
            if (g.begin < (b + 1) * LL_KV_BLOCK && g.end > b * LL_KV_BLOCK)
                masked_pv(a, m, &g, b, tile->first_block, values, i ? NULL : next);
        }
    }
}

static void attend_masked(const ll_attend *a) {
    attend_workspace m = attend_workspace_of(a);
    const size_t n_last = ll_attend_end(a, a->n_rows - 1);
    const masked_tile tile = {.first_block = ll_attend_begin(a, 0) / LL_KV_BLOCK,
                              .end_block = (n_last + LL_KV_BLOCK - 1) / LL_KV_BLOCK,
                              .n_groups = (a->n_rows + ATTEND_ROWS - 1) / ATTEND_ROWS};
    const size_t start = tile.first_block * LL_KV_BLOCK;
    m.score_stride = ll_attend_scores_stride(n_last - start);
    init_rows(a, &m);
    masked_tile_scores(a, &m, &tile);
    for (size_t r = 0; r < a->n_rows; r++) {
        const float *bias = a->distance ? a->distance + (ptrdiff_t)r * a->distance_step : NULL;
        float *acc = m.acc + r * m.stride;
        m.row_max[r * VL] =
            bias_and_max(bias, start, ll_attend_begin(a, r), ll_attend_end(a, r), m.scores + r * m.score_stride);
        for (size_t d = 0; d < m.stride; d += VL) v_store(acc + d, v_zero());
    }
    masked_tile_pv(a, &m, &tile);
    for (size_t r = 0; r < a->n_rows; r++)
        finish_row(m.acc + r * m.stride, v_load(m.row_sum + r * VL), a->head_dim, a->out + r * a->ldo);
}

#endif
