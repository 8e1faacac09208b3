/* Block maxima of a row of scores. */
#include "generate/scores.h"

#include <math.h>
#include <string.h>

#include "generate/softmax.h"

llmcs_status ll_scores_init(ll_scores *s, const llmcs_allocator *a, size_t vocab) {
    *s = (ll_scores){.vocab = vocab, .n_blocks = ll_row_blocks(vocab)};
    llmcs_status status = ll_alloc(a, vocab, sizeof *s->copy, "row of scores", &s->copy);
    if (!status) status = ll_alloc_zero(a, s->n_blocks, sizeof *s->changed, "marks of scores", &s->changed);
    if (!status) status = ll_alloc(a, s->n_blocks, sizeof *s->block_max, "largest scores", &s->block_max);
    if (status) ll_scores_free(s, a);
    return status;
}

void ll_scores_free(ll_scores *s, const llmcs_allocator *a) {
    ll_free(a, s->copy);
    ll_free(a, s->changed);
    ll_free(a, s->block_max);
    *s = (ll_scores){0};
}

static void max_of_blocks(ll_scores *s) { s->nan = !ll_row_scan(s->block_max, s->n_blocks, &s->max); }

/* The maximum of a full block; NaN if it contains a NaN. Compares integers that are ordered like the floats, with NaN
 * at both ends: compilers vectorise that, unlike float comparisons. */
static float max_of_full_block(const float *x) {
    int32_t largest = INT32_MIN, least = INT32_MAX;
    for (size_t i = 0; i < LL_ROW_BLOCK; i++) {
        int32_t key = ll_float_key(x[i]);
        largest = key > largest ? key : largest;
        least = key < least ? key : least;
    }
    return largest > ll_float_key(INFINITY) || least < ll_float_key(-INFINITY) ? NAN : ll_float_of_key(largest);
}

static void scan_block(ll_scores *s, size_t block) {
    size_t n;
    const float *x = ll_scores_block(s, block, &n);
    if (n == LL_ROW_BLOCK)
        s->block_max[block] = max_of_full_block(x);
    else if (!ll_row_scan(x, n, &s->block_max[block]))
        s->block_max[block] = NAN;
}

void ll_scores_start(ll_scores *s, const float *row) {
    s->row = row;
    memset(s->changed, 0, s->n_blocks * sizeof *s->changed);
    max_of_blocks(s);
}

void ll_scores_scan(ll_scores *s, const float *row) {
    s->row = row;
    memset(s->changed, row == s->copy, s->n_blocks * sizeof *s->changed); /* nothing is left to copy */
    for (size_t b = 0; b < s->n_blocks; b++) scan_block(s, b);
    max_of_blocks(s);
}

void ll_scores_touch(ll_scores *s, int32_t id) {
    size_t block = (size_t)id / LL_ROW_BLOCK, n;
    if (s->changed[block]) return;
    const float *from = ll_scores_block(s, block, &n);
    float *to = s->copy + block * LL_ROW_BLOCK;
    if (n == LL_ROW_BLOCK) /* a size that the compiler knows */
        memcpy(to, from, LL_ROW_BLOCK * sizeof *to);
    else
        memcpy(to, from, n * sizeof *to);
    s->changed[block] = true;
}

void ll_scores_finalize(ll_scores *s) {
    for (size_t b = 0; b < s->n_blocks; b++)
        if (s->changed[b]) scan_block(s, b);
    max_of_blocks(s);
}

_Static_assert(LL_ROW_BLOCK == 32, "allowed has 64-bit words, half a word per block");

void ll_scores_restrict(ll_scores *s, const uint64_t *allowed) {
    for (size_t b = 0; b < s->n_blocks && b * LL_ROW_BLOCK < s->vocab; b++) {
        const size_t begin = b * LL_ROW_BLOCK, n = ll_min(LL_ROW_BLOCK, s->vocab - begin);
        const uint32_t all = UINT32_MAX >> (LL_ROW_BLOCK - n), bits = (uint32_t)(allowed[b / 2] >> b % 2 * 32) & all;
        if (bits == all) continue;
        s->block_max[b] = -INFINITY;
        if (!bits) continue;
        ll_scores_touch(s, (int32_t)begin);
        for (size_t i = 0; i < n; i++)
            if (!(bits >> i & 1)) s->copy[begin + i] = -INFINITY;
        scan_block(s, b);
    }
    max_of_blocks(s);
}

llmcs_status ll_scores_check(const ll_scores *s, size_t step) { return ll_max_check(!s->nan, s->max, step); }

int32_t ll_scores_argmax(const ll_scores *s) {
    size_t block = 0, n, i = 0;
    while (s->block_max[block] < s->max) block++; /* both loops end, because s->max is one of the scores */
    const float *x = ll_scores_block(s, block, &n);
    while (x[i] < s->max) i++;
    return (int32_t)(block * LL_ROW_BLOCK + i);
}
