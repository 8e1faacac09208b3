/* Filters over a row of scores: heaps and block maxima instead of a sort of the whole row. */
#include "generate/filter.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "generate/softmax.h"

/* Division by the temperature. */
typedef struct ll_scaling {
    float temperature;
    float shift; /* subtracted first: 0, or the maximum score if dividing it would overflow */
} ll_scaling;

static ll_scaling scaling_for(float temperature, float max) {
    ll_scaling s = {temperature, 0.0f};
    if (isinf(max / temperature)) s.shift = max;
    return s;
}

static inline float scale_score(const ll_scaling *s, float score) {
    return s->temperature == 1.0f ? score : (score - s->shift) / s->temperature;
}

/* ---- the k-th largest: a heap of the k largest seen so far, the smallest of them on top */

typedef struct ll_best {
    float *heap; /* [k] */
    size_t n, k;
} ll_best;

static void sift_down_min(float *heap, size_t n, size_t i) {
    float x = heap[i];
    for (size_t child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && heap[child + 1] < heap[child]) child++;
        if (x <= heap[child]) break;
        heap[i] = heap[child];
    }
    heap[i] = x;
}

static inline void best_add(ll_best *best, float x) {
    if (best->n < best->k) {
        best->heap[best->n++] = x;
        for (size_t i = best->n == best->k ? best->k / 2 : 0; i-- > 0;) sift_down_min(best->heap, best->k, i);
    } else if (x > best->heap[0]) {
        best->heap[0] = x;
        sift_down_min(best->heap, best->k, 0);
    }
}

static size_t count_at_least(const float *x, size_t n, float least) {
    int32_t count = 0;
    for (size_t i = 0; i < n; i++) count += x[i] >= least;
    return (size_t)count;
}

/* A lower bound of the k-th largest score, close to it: at least k block maxima reach it; -inf if there are fewer
 * blocks. The search descends from the maximum in doubling steps, then bisects. Counting block maxima vectorises; a
 * heap would have unpredictable branches. */
static float bound_of_kth(const ll_scores *scores, size_t k) {
    if (k > scores->n_blocks) return -INFINITY;
    int64_t reached = ll_float_key(-INFINITY), above = (int64_t)ll_float_key(scores->max) + 1;
    for (int64_t step = 1 << 20; above - reached > 1;) { /* at first an eighth of an octave */
        int64_t middle = reached + (above - reached) / 2, at = above - step > middle ? above - step : middle;
        size_t n = count_at_least(scores->block_max, scores->n_blocks, ll_float_of_key((int32_t)at));
        if (n < k) {
            above = at;
            step *= 2;
        } else {
            reached = at;
            if (n <= k + k / 8) break;
        }
    }
    return ll_float_of_key((int32_t)reached);
}

/* The k-th largest score of n >= k candidates. */
static float kth_largest(const ll_candidate *candidates, size_t n, size_t k, float *heap) {
    ll_best best = {.heap = heap, .k = k};
    for (size_t i = 0; i < n; i++) best_add(&best, candidates[i].score);
    return heap[0];
}

/* ---- top_p: pops candidates from a heap, the most probable first, until their probabilities reach top_p */

/* True if an ascending stable sort by score puts a after b. */
static bool sorts_after(const ll_candidate *a, const ll_candidate *b) {
    return a->score != b->score ? a->score > b->score : a->id > b->id;
}

static void sift_down_max(ll_candidate *heap, size_t n, size_t i) {
    ll_candidate x = heap[i];
    for (size_t child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && sorts_after(&heap[child + 1], &heap[child])) child++;
        if (!sorts_after(&heap[child], &x)) break;
        heap[i] = heap[child];
    }
    heap[i] = x;
}

/* Tokens each below 1/n of the mass that top_p removes sum to less than that mass, so top_p removes all of them.
 * Dropping them first keeps the heap small. The margin covers the rounding of sums. */
static size_t drop_improbable(ll_candidate *candidates, size_t n, double weight, size_t min_keep) {
    if (min_keep > 1) return n;
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        if ((double)candidates[i].weight >= weight * 0.999) candidates[kept++] = candidates[i];
    }
    return kept;
}

/* Transformers sorts in ascending order and removes tokens while the running sum of probabilities is at most 1 - top_p.
 * Equivalently, a token is kept if the more probable ones sum to less than top_p. Kept candidates are moved to the
 * front, in ascending order; returns their number. */
static size_t keep_top_p(ll_candidate *candidates, size_t n, double top_p, size_t min_keep) {
    double total = ll_total_weight(candidates, n), taken = 0;
    n = drop_improbable(candidates, n, (1 - top_p) * total / (double)n, min_keep);
    for (size_t i = n / 2; i-- > 0;) sift_down_max(candidates, n, i);
    size_t left = n; /* [0, left) is the heap, [left, n) the popped candidates */
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

/* ---- min_p, epsilon_cutoff, eta_cutoff: the least weight */

/* 1, unless typical_p has removed the most probable token. */
static float largest_weight(const ll_candidate *candidates, size_t n) {
    float largest = 0;
    for (size_t i = 0; i < n; i++)
        if (candidates[i].weight > largest) largest = candidates[i].weight;
    return largest;
}

/* The weight of the min_keep-th most probable candidate. */
static float least_weight_to_keep(ll_candidate *candidates, size_t n, size_t min_keep) {
    if (min_keep <= 1) return largest_weight(candidates, n);
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

/* Keeps candidates of at least `least`, and the min_keep most probable ones. */
static size_t keep_weights(ll_candidate *candidates, size_t n, double least, size_t min_keep) {
    const float kept_weight = least_weight_to_keep(candidates, n, min_keep);
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        if ((double)candidates[i].weight >= least || candidates[i].weight >= kept_weight)
            candidates[kept++] = candidates[i];
    }
    return kept;
}

/* epsilon_cutoff: Hewitt, Manning, Liang 2022, "Truncation Sampling as Language Model Desmoothing". */
static size_t keep_epsilon(ll_candidate *candidates, size_t n, double epsilon, size_t min_keep) {
    return keep_weights(candidates, n, epsilon * ll_total_weight(candidates, n), min_keep);
}

/* Entropy in nats of the candidates' distribution. *log_total is the log normaliser: log p(i) = score(i) - *log_total.
 */
static double entropy(const ll_candidate *candidates, size_t n, double *log_total) {
    const ll_candidate *top = &candidates[0];
    for (size_t i = 1; i < n; i++)
        if (candidates[i].score > top->score) top = &candidates[i];
    const double total = ll_total_weight(candidates, n);
    *log_total = (double)top->score + log(total / (double)top->weight);
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum -= (double)candidates[i].weight / total * ((double)candidates[i].score - *log_total);
    return sum;
}

/* eta_cutoff: the same paper's cutoff that depends on the entropy. */
static size_t keep_eta(ll_candidate *candidates, size_t n, double epsilon, size_t min_keep) {
    double log_total;
    const double by_entropy = sqrt(epsilon) * exp(-entropy(candidates, n, &log_total));
    return keep_epsilon(candidates, n, by_entropy < epsilon ? by_entropy : epsilon, min_keep);
}

/* ---- typical_p */

/* Parameters of a token's distance: |surprisal - entropy|. shift is the entropy. */
typedef struct typicality {
    double shift, log_total;
} typicality;

static double distance_from(const typicality *t, const ll_candidate *c) {
    return fabs(t->log_total - (double)c->score - t->shift);
}

/* True if a is popped before b: smaller distance first, on ties the lower id. */
static bool more_typical(const typicality *t, const ll_candidate *a, const ll_candidate *b) {
    const double x = distance_from(t, a), y = distance_from(t, b);
    return x != y ? x < y : a->id < b->id;
}

static void sift_down_typical(const typicality *t, ll_candidate *heap, size_t n, size_t i) {
    ll_candidate x = heap[i];
    for (size_t child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && more_typical(t, &heap[child + 1], &heap[child])) child++;
        if (!more_typical(t, &heap[child], &x)) break;
        heap[i] = heap[child];
    }
    heap[i] = x;
}

/* Meister, Pimentel, Wiher, Cotterell 2022, "Locally Typical Sampling": keeps the most typical tokens until their
 * probabilities reach `mass`, and ties with the last one. Kept candidates are moved to the front. */
static size_t keep_typical(ll_candidate *candidates, size_t n, double mass, size_t min_keep) {
    typicality t;
    t.shift = entropy(candidates, n, &t.log_total);
    const double total = ll_total_weight(candidates, n);
    for (size_t i = n / 2; i-- > 0;) sift_down_typical(&t, candidates, n, i);
    double taken = 0, last = -1;
    size_t left = n; /* [0, left) is the heap, [left, n) the popped candidates */
    while (left > 0) {
        const double distance = distance_from(&t, &candidates[0]);
        const bool reached = last >= 0 && taken >= mass * total;
        if (reached && distance > last && n - left >= min_keep) break;
        ll_candidate best = candidates[0];
        candidates[0] = candidates[--left];
        if (left) sift_down_typical(&t, candidates, left, 0);
        candidates[left] = best;
        if (!reached) last = distance;
        taken += (double)best.weight;
    }
    memmove(candidates, candidates + left, (n - left) * sizeof *candidates);
    return n - left;
}

/* ---- all filters */

/* Collects tokens with a finite score of at least `least` in ascending order of id; their weights are not set yet. */
static size_t collect_candidates(const ll_scores *scores, float least, ll_candidate *candidates) {
    size_t n_found = 0, n;
    for (size_t b = 0; b < scores->n_blocks; b++) {
        if (scores->block_max[b] < least) continue;
        const float *x = ll_scores_block(scores, b, &n);
        for (size_t i = 0; i < n; i++) {
            if (x[i] >= least)
                candidates[n_found++] = (ll_candidate){.id = (int32_t)(b * LL_ROW_BLOCK + i), .score = x[i]};
        }
    }
    return n_found;
}

/* Scales the scores, keeps those that are finite and at least `threshold`, and computes their weights. */
static size_t weigh_candidates(const ll_scaling *scaling, float threshold, float scaled_max, ll_candidate *candidates,
                               size_t n) {
    enum { AT_ONCE = 64 };
    float scaled[AT_ONCE], weights[AT_ONCE];
    size_t kept = 0;
    for (size_t begin = 0, m; begin < n; begin += m) {
        m = ll_min(AT_ONCE, n - begin);
        for (size_t i = 0; i < m; i++) scaled[i] = scale_score(scaling, candidates[begin + i].score);
        ll_exp_row(scaled, m, scaled_max, weights);
        for (size_t i = 0; i < m; i++) {
            if (scaled[i] < threshold || scaled[i] < -FLT_MAX) continue;
            candidates[kept++] = (ll_candidate){candidates[begin + i].id, scaled[i], weights[i]};
        }
    }
    return kept;
}

/* Collects the tokens that top_k keeps, or all. */
static size_t keep_top_k(const ll_filter *filter, const ll_scores *scores, ll_filter_workspace *workspace) {
    ll_scaling scaling = scaling_for(filter->temperature, scores->max);
    size_t k = ll_max(filter->top_k, filter->min_keep);
    bool cut = filter->top_k && k < scores->vocab;
    float bound = cut ? bound_of_kth(scores, k) : -INFINITY, threshold = -INFINITY;
    /* The two roundings of scaling change a number by at most 2^-23 of itself, so a score below `least` is also below
     * the bound after scaling. */
    float least = bound - (fabsf(bound) + fabsf(scaling.shift)) * 0x1p-20f;
    if (!(least >= -FLT_MAX)) least = -FLT_MAX; /* no bound, or one next to -FLT_MAX */
    size_t n = collect_candidates(scores, least, workspace->candidates);
    if (cut && n > k) threshold = scale_score(&scaling, kth_largest(workspace->candidates, n, k, workspace->heap));
    return weigh_candidates(&scaling, threshold, scale_score(&scaling, scores->max), workspace->candidates, n);
}

llmcs_status ll_filter_workspace_init(ll_filter_workspace *workspace, const llmcs_allocator *a, size_t vocab) {
    *workspace = (ll_filter_workspace){0};
    llmcs_status status = ll_alloc(a, vocab, sizeof *workspace->candidates, "candidates", &workspace->candidates);
    if (!status) status = ll_alloc(a, vocab, sizeof *workspace->heap, "heap of scores", &workspace->heap);
    if (status) ll_filter_workspace_free(workspace, a);
    return status;
}

void ll_filter_workspace_free(ll_filter_workspace *workspace, const llmcs_allocator *a) {
    ll_free(a, workspace->candidates);
    ll_free(a, workspace->heap);
    *workspace = (ll_filter_workspace){0};
}

llmcs_status ll_filter_scores(const ll_filter *filter, const ll_scores *scores, size_t step,
                              ll_filter_workspace *workspace, size_t *n_candidates) {
    ll_candidate *candidates = workspace->candidates;
    LL_TRY(ll_scores_check(scores, step));
    if (scores->max > FLT_MAX) { /* +inf: the first such token has probability 1 */
        candidates[0] = (ll_candidate){ll_scores_argmax(scores), 0.0f, 1.0f};
        *n_candidates = 1;
        return LLMCS_OK;
    }
    size_t n = keep_top_k(filter, scores, workspace);
    if (filter->top_p < 1.0f) n = keep_top_p(candidates, n, (double)filter->top_p, filter->min_keep);
    if (filter->min_p > 0.0f) n = keep_weights(candidates, n, (double)filter->min_p, filter->min_keep);
    if (filter->typical_p > 0.0f && filter->typical_p < 1.0f)
        n = keep_typical(candidates, n, (double)filter->typical_p, filter->min_keep);
    if (filter->epsilon_cutoff > 0.0f)
        n = keep_epsilon(candidates, n, (double)filter->epsilon_cutoff, filter->min_keep);
    if (filter->eta_cutoff > 0.0f) n = keep_eta(candidates, n, (double)filter->eta_cutoff, filter->min_keep);
    *n_candidates = n;
    return LLMCS_OK;
}

double ll_total_weight(const ll_candidate *candidates, size_t n) {
    double total = 0;
    for (size_t i = 0; i < n; i++) total += (double)candidates[i].weight;
    return total;
}

int32_t ll_sample_candidate(const ll_candidate *candidates, size_t n, double u) {
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
