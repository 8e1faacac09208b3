/*
 * A row of scores to sample from. Block maxima tell which blocks matter, so most of the row is never read. Blocks that
 * processors change are copied; all others stay where the network wrote them.
 *
 *     ... s->block_max is filled ...          or ll_scores_scan(s, row)
 *     ll_scores_start(s, row);
 *     ll_scores_touch(s, id); ...             every id that is about to change
 *     ... s->copy[id] changes ...
 *     ll_scores_finalize(s);
 */
#ifndef LL_GENERATE_SCORES_H
#define LL_GENERATE_SCORES_H

#include <string.h>

#include "base/alloc.h"
#include "kernels/kernels.h"

typedef struct ll_scores {
    const float *row; /* [vocab] */
    float *copy;      /* [vocab] the scores of changed blocks; undefined elsewhere */
    bool *changed;    /* [n_blocks] */
    float *block_max; /* [n_blocks] */
    float max;        /* of all */
    bool nan;         /* a score is NaN: the other fields are not valid */
    size_t vocab, n_blocks;
} ll_scores;

/* Floats as integers in the same order: negative NaN, -infinity, ..., -0, 0, ..., infinity, NaN. */
static inline int32_t ll_float_key(float x) {
    int32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits ^ (int32_t)((uint32_t)(bits >> 31) >> 1);
}

static inline float ll_float_of_key(int32_t key) {
    float x;
    int32_t bits = key ^ (int32_t)((uint32_t)(key >> 31) >> 1);
    memcpy(&x, &bits, sizeof x);
    return x;
}

llmcs_status ll_scores_init(ll_scores *s, const llmcs_allocator *a, size_t vocab);
void ll_scores_free(ll_scores *s, const llmcs_allocator *a);

/* Starts with the scores `row` [vocab]; the caller has filled s->block_max. */
void ll_scores_start(ll_scores *s, const float *row);
/* The same, and computes s->block_max. row may be s->copy. */
void ll_scores_scan(ll_scores *s, const float *row);

/* Copies the block of `id`, so that s->copy[id] may be changed until ll_scores_finalize. */
void ll_scores_touch(ll_scores *s, int32_t id);
void ll_scores_finalize(ll_scores *s);

/* Forbids tokens whose bit in allowed [vocab / 64, rounded up] is 0: sets their scores to -inf, or, in a block without
 * any allowed token, only the block's maximum. Call after ll_scores_finalize. */
void ll_scores_restrict(ll_scores *s, const uint64_t *allowed);

/* The scores of a block, and their number *n. */
static inline const float *ll_scores_block(const ll_scores *s, size_t block, size_t *n) {
    size_t begin = block * LL_ROW_BLOCK;
    *n = ll_min(LL_ROW_BLOCK, s->vocab - begin);
    return (s->changed[block] ? s->copy : s->row) + begin;
}

/* NUMERIC if a score is NaN or all are -inf, so that no token can be sampled. The message names new token `step`. */
llmcs_status ll_scores_check(const ll_scores *s, size_t step);

/* The lowest id with the largest score. The scores must pass ll_scores_check. */
int32_t ll_scores_argmax(const ll_scores *s);

#endif
