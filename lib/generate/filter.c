#include "generate/filter.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "generate/softmax.h"

/* How scores are divided by the temperature. */
typedef struct ll_scaling {
    float temperature;
    float shift; /* subtracted first: 0, or the largest score where dividing it would overflow */
} ll_scaling;

static ll_scaling scaling_for(float temperature, float max) {
    ll_scaling s = {temperature, 0.0f};
    if (isinf(max / temperature)) s.shift = max;
    return s;
}

static inline float scale(const ll_scaling *s, float score) {
    return s->temperature == 1.0f ? score : (score - s->shift) / s->temperature;
}

/* ---- passes over a row that care for few of its scores: most blocks hold none, which is seen without a branch a
 * score, in vector code */

#define BLOCK ((size_t)64)

/* Is one of scores [BLOCK] at least `least`? */
static inline bool any_at_least(const float *scores, float least) {
    int any = 0;
    for (size_t i = 0; i < BLOCK; i++) any |= scores[i] >= least;
    return any;
}

/* ---- the k-th largest of a row: a heap of the k largest seen so far, the least of them on top */

static void sift_down_min(float *heap, size_t n, size_t i) {
    float x = heap[i];
    for (size_t child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && heap[child + 1] < heap[child]) child++;
        if (x <= heap[child]) break;
        heap[i] = heap[child];
    }
    heap[i] = x;
}

/* 1 <= k <= n. heap: room for k. */
static float kth_largest(const float *scores, size_t n, size_t k, float *heap) {
    memcpy(heap, scores, k * sizeof *heap);
    for (size_t i = k / 2; i-- > 0;) sift_down_min(heap, k, i);
    for (size_t i = k, m; i < n; i += m) {
        m = ll_min(BLOCK, n - i);
        if (m == BLOCK && !any_at_least(scores + i, heap[0])) continue;
        for (size_t j = 0; j < m; j++) {
            if (scores[i + j] > heap[0]) {
                heap[0] = scores[i + j];
                sift_down_min(heap, k, 0);
            }
        }
    }
    return heap[0];
}

/* ---- top_p: candidates taken from a heap, the most probable on top, until they have the mass */

/* The one that an ascending stable sort by score puts later. */
static bool later(const ll_candidate *a, const ll_candidate *b) {
    return a->score != b->score ? a->score > b->score : a->id > b->id;
}

static void sift_down_max(ll_candidate *heap, size_t n, size_t i) {
    ll_candidate x = heap[i];
    for (size_t child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && later(&heap[child + 1], &heap[child])) child++;
        if (!later(&heap[child], &x)) break;
        heap[i] = heap[child];
    }
    heap[i] = x;
}

/* n tokens that have less than the n-th part of what top_p removes each have less than all of it together: without
 * them the heap is small. The margin is for the rounding of sums. */
static size_t drop_hopeless(ll_candidate *candidates, size_t n, double weight, size_t min_keep) {
    if (min_keep > 1) return n;
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        if ((double)candidates[i].weight >= weight * 0.999) candidates[kept++] = candidates[i];
    }
    return kept;
}

/* Transformers removes what an ascending sort's running sum of probabilities has at or below 1 - top_p. Seen from
 * the other end: a token stays as long as those more probable than it have less than top_p together. What stays is
 * moved to the front, in ascending order; returns how many. */
static size_t keep_top_p(ll_candidate *candidates, size_t n, double top_p, size_t min_keep) {
    double total = ll_total_weight(candidates, n), taken = 0;
    n = drop_hopeless(candidates, n, (1 - top_p) * total / (double)n, min_keep);
    for (size_t i = n / 2; i-- > 0;) sift_down_max(candidates, n, i);
    size_t left = n; /* [0, left) is the heap, [left, n) what was taken */
    while (left > 0 && (taken < top_p * total || n - left < min_keep)) {
        ll_candidate best = candidates[0];
        candidates[0] = candidates[--left];
        if (left) sift_down_max(candidates, left, 0);
        candidates[left] = best;
        taken += (double)best.weight;
    }
    memmove(candidates, candidates + left, (n - left) * sizeof *candidates);
    return n - left;
}

/* ---- min_p */

/* The score of the min_keep-th most probable; with one to keep that is the largest, whose weight is 1 anyway. */
static float least_weight_to_keep(ll_candidate *candidates, size_t n, size_t min_keep) {
    if (min_keep <= 1) return 1.0f;
    if (min_keep >= n) return 0.0f;
    for (size_t i = n / 2; i-- > 0;) sift_down_max(candidates, n, i);
    float weight = 1.0f;
    for (size_t taken = 0, left = n; taken < min_keep; taken++) {
        ll_candidate best = candidates[0];
        candidates[0] = candidates[--left];
        if (left) sift_down_max(candidates, left, 0);
        candidates[left] = best;
        weight = best.weight;
    }
    return weight;
}

/* Keeps what has at least min_p times the probability of the most probable one, whose weight is 1. */
static size_t keep_min_p(ll_candidate *candidates, size_t n, float min_p, size_t min_keep) {
    float sure = least_weight_to_keep(candidates, n, min_keep);
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (candidates[i].weight >= min_p || candidates[i].weight >= sure) candidates[kept++] = candidates[i];
    }
    return kept;
}

/* ---- all together */

/* Tokens with a scaled score of at least `threshold`, in order of their ids. No score below `least` has one. */
static size_t collect(const ll_scaling *scaling, const float *scores, size_t vocab, float least, float threshold,
                      float scaled_max, ll_candidate *candidates) {
    float scaled[BLOCK], weights[BLOCK];
    size_t kept = 0;
    for (size_t begin = 0, n; begin < vocab; begin += n) {
        n = ll_min(BLOCK, vocab - begin);
        if (n == BLOCK && !any_at_least(scores + begin, least)) continue;
        for (size_t i = 0; i < n; i++) scaled[i] = scale(scaling, scores[begin + i]);
        ll_exp_row(scaled, n, scaled_max, weights);
        for (size_t i = 0; i < n; i++) {
            if (scaled[i] < threshold || scaled[i] < -FLT_MAX) continue;
            candidates[kept++] = (ll_candidate){(int32_t)(begin + i), scaled[i], weights[i]};
        }
    }
    return kept;
}

/* A little below a score: what lies below that is less than it after scaling, too, whose two roundings move a number by
 * no more than 2^-23 of itself. */
static float below(const ll_scaling *scaling, float score) {
    return score - (fabsf(score) + fabsf(scaling->shift)) * 0x1p-20f;
}

llmcs_status ll_filter_room_init(ll_filter_room *room, const llmcs_allocator *a, size_t vocab) {
    *room = (ll_filter_room){.vocab = vocab};
    llmcs_status status = ll_alloc(a, vocab, sizeof *room->candidates, "candidates", &room->candidates);
    if (!status) status = ll_alloc(a, vocab, sizeof *room->heap, "heap of scores", &room->heap);
    if (status) ll_filter_room_free(room, a);
    return status;
}

void ll_filter_room_free(ll_filter_room *room, const llmcs_allocator *a) {
    ll_free(a, room->candidates);
    ll_free(a, room->heap);
    *room = (ll_filter_room){0};
}

llmcs_status ll_filter_scores(const ll_filter *filter, const float *scores, size_t step, ll_filter_room *room,
                              size_t *n_candidates) {
    size_t vocab = room->vocab;
    ll_candidate *candidates = room->candidates;
    float max;
    LL_TRY(ll_row_max(scores, vocab, step, &max));
    if (max > FLT_MAX) { /* no number compares with it: the first such token is certain */
        int32_t id;
        LL_TRY(ll_row_argmax(scores, vocab, step, &id));
        candidates[0] = (ll_candidate){id, 0.0f, 1.0f};
        *n_candidates = 1;
        return LLMCS_OK;
    }
    ll_scaling scaling = scaling_for(filter->temperature, max);
    float least = -FLT_MAX, threshold = -INFINITY;
    size_t k = ll_max(filter->top_k, filter->min_keep);
    if (filter->top_k && k < vocab) {
        float kth = kth_largest(scores, vocab, k, room->heap);
        threshold = scale(&scaling, kth);
        least = below(&scaling, kth);
    }
    size_t n = collect(&scaling, scores, vocab, least, threshold, scale(&scaling, max), candidates);
    if (filter->top_p < 1.0f) n = keep_top_p(candidates, n, (double)filter->top_p, filter->min_keep);
    if (filter->min_p > 0.0f) n = keep_min_p(candidates, n, filter->min_p, filter->min_keep);
    *n_candidates = n;
    return LLMCS_OK;
}

double ll_total_weight(const ll_candidate *candidates, size_t n) {
    double total = 0;
    for (size_t i = 0; i < n; i++) total += (double)candidates[i].weight;
    return total;
}

int32_t ll_draw(const ll_candidate *candidates, size_t n, double u) {
    double target = u * ll_total_weight(candidates, n), sum = 0;
    int32_t last = candidates[0].id;
    for (size_t i = 0; i < n; i++) {
        if (!(candidates[i].weight > 0)) continue;
        last = candidates[i].id;
        sum += (double)candidates[i].weight;
        if (sum > target) break;
    }
    return last;
}
