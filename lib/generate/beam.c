/* Beams and hypotheses: candidates in a heap, tokens in a tree. */
#include "generate/beam.h"

#include <math.h>
#include <string.h>

#include "generate/random.h"
#include "generate/softmax.h"

/* ---- memory */

llmcs_status ll_beams_init(ll_beams *b, const llmcs_allocator *a, const ll_beams_config *config) {
    *b = (ll_beams){.config = *config};
    size_t n_nodes, per_beam = ll_max(2, 1 + config->n_eos);
    /* At most two nodes per beam and step: one that continues and one that has ended. */
    if (!ll_mul(config->num_beams, per_beam, &b->max_candidates) ||
        !ll_mul(config->num_beams, config->max_new_tokens, &n_nodes) || n_nodes >= LL_BEAM_ROOT / 2)
        return ll_fail(LLMCS_NOMEM, "num_beams: %zu beams of %zu tokens are too many", config->num_beams,
                       config->max_new_tokens);
    n_nodes *= 2;
    llmcs_status status;
    LL_TRY_GOTO(status, ll_alloc(a, config->num_beams, sizeof *b->running, "running beams", &b->running), failed);
    LL_TRY_GOTO(status, ll_alloc(a, b->max_candidates, sizeof *b->candidates, "beam candidates", &b->candidates),
                failed);
    LL_TRY_GOTO(status, ll_alloc(a, config->num_beams + 1, sizeof *b->finished, "finished beams", &b->finished),
                failed);
    LL_TRY_GOTO(status, ll_alloc(a, n_nodes, sizeof *b->nodes, "tokens of beams", &b->nodes), failed);
    b->running[0] = (ll_running_beam){.node = LL_BEAM_ROOT};
    b->n_running = 1;
    return LLMCS_OK;
failed:
    ll_beams_free(b, a);
    return status;
}

uint64_t ll_beams_bytes(size_t max_new_tokens, size_t n_eos) {
    return sizeof(ll_running_beam) + ll_max(2, 1 + n_eos) * sizeof(ll_beam_candidate) + 2 * sizeof(ll_hypothesis) +
           2 * (uint64_t)max_new_tokens * sizeof(ll_beam_node);
}

void ll_beams_free(ll_beams *b, const llmcs_allocator *a) {
    ll_free(a, b->running);
    ll_free(a, b->candidates);
    ll_free(a, b->finished);
    ll_free(a, b->nodes);
    *b = (ll_beams){0};
}

/* ---- candidates: a heap of the best so far, the worst of them on top */

/* Higher key first; on ties the earlier beam, then the lower id. */
static bool ranks_before(const ll_beam_candidate *x, const ll_beam_candidate *y) {
    if (x->key != y->key) return x->key > y->key;
    if (x->beam != y->beam) return x->beam < y->beam;
    return x->id < y->id;
}

static void sift_down(ll_beam_candidate *heap, size_t n, size_t i) {
    ll_beam_candidate x = heap[i];
    for (size_t child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && ranks_before(&heap[child], &heap[child + 1])) child++;
        if (!ranks_before(&x, &heap[child])) break;
        heap[i] = heap[child];
    }
    heap[i] = x;
}

static void sift_up(ll_beam_candidate *heap, size_t i) {
    ll_beam_candidate x = heap[i];
    while (i > 0) {
        size_t parent = (i - 1) / 2;
        if (!ranks_before(&heap[parent], &x)) break;
        heap[i] = heap[parent];
        i = parent;
    }
    heap[i] = x;
}

static bool is_candidate(const ll_beams *b, double key) {
    return b->n_candidates < b->max_candidates || key > b->candidates[0].key;
}

static void insert_candidate(ll_beams *b, ll_beam_candidate candidate) {
    if (b->n_candidates < b->max_candidates) {
        b->candidates[b->n_candidates] = candidate;
        sift_up(b->candidates, b->n_candidates++);
    } else {
        b->candidates[0] = candidate;
        sift_down(b->candidates, b->n_candidates, 0);
    }
}

/* Log-probabilities grow with logits: a block whose maximum is no candidate contains none. */
void ll_beams_offer(ll_beams *b, size_t beam, const ll_scores *s, const float *logits, double log_sum) {
    const double so_far = b->running[beam].score;
    for (size_t block = 0; block < s->n_blocks; block++) {
        const bool processed = s->changed[block];
        const float most = s->block_max[block];
        if (!is_candidate(b, so_far + (double)(processed ? most : ll_log_probability(most, log_sum)))) continue;
        size_t n;
        const float *scores = ll_scores_block(s, block, &n);
        for (size_t i = 0; i < n; i++) {
            const size_t id = block * LL_ROW_BLOCK + i;
            const double score = so_far + (double)(processed ? scores[i] : ll_log_probability(scores[i], log_sum));
            if (!is_candidate(b, score) || score == -(double)INFINITY) continue;
            insert_candidate(b, (ll_beam_candidate){.key = score,
                                                    .score = score,
                                                    .beam = (uint32_t)beam,
                                                    .id = (int32_t)id,
                                                    .logprob = ll_log_probability(logits[id], log_sum)});
        }
    }
}

/* Taking the largest values of score + Gumbel noise samples without replacement in proportion to e^score (Vieira,
 * "Gumbel-max trick and weighted reservoir sampling", 2014; Kool, van Hoof, Welling, "Stochastic Beams and Where to
 * Find Them", 2019), without a list of all candidates. */
static double gumbel_noise(const ll_beams *b, uint64_t draw) {
    double u = ll_uniform(b->config.seed, 0, (uint32_t)b->n_new, draw) + 0x1p-54; /* (0, 1) */
    return -log(-log(u));
}

void ll_beams_offer_filtered(ll_beams *b, size_t beam, const ll_candidate *left, size_t n, size_t vocab,
                             const float *logits, double log_sum) {
    double so_far = b->running[beam].score;
    for (size_t i = 0; i < n; i++) {
        size_t id = (size_t)left[i].id;
        double score = so_far + (double)left[i].score;
        double key = score + gumbel_noise(b, (uint64_t)beam * vocab + id);
        if (!is_candidate(b, key)) continue;
        insert_candidate(b, (ll_beam_candidate){.key = key,
                                                .score = score,
                                                .beam = (uint32_t)beam,
                                                .id = left[i].id,
                                                .logprob = ll_log_probability(logits[id], log_sum)});
    }
}

static bool is_eos(const ll_beams *b, int32_t id) {
    for (size_t i = 0; i < b->config.n_eos; i++) {
        if (b->config.eos[i] == id) return true;
    }
    return false;
}

void ll_beams_rank(ll_beams *b) {
    /* Heap sort: the worst candidate moves to the end of the heap, which shrinks. */
    for (size_t left = b->n_candidates; left > 1;) {
        ll_beam_candidate worst = b->candidates[0];
        b->candidates[0] = b->candidates[--left];
        sift_down(b->candidates, left, 0);
        b->candidates[left] = worst;
    }
    for (size_t i = 0; i < b->n_candidates; i++) {
        if (is_eos(b, b->candidates[i].id)) b->candidates[i].end = LL_BEAM_EOS;
    }
}

/* ---- a step */

static uint32_t add_node(ll_beams *b, const ll_beam_candidate *c) {
    b->nodes[b->n_nodes] = (ll_beam_node){b->running[c->beam].node, c->id, c->logprob};
    return (uint32_t)b->n_nodes++;
}

static double with_length_penalty(const ll_beams *b, double score, size_t n_tokens) {
    return score / pow((double)n_tokens, b->config.length_penalty);
}

/* Keeps the num_beams best hypotheses in order; on ties the older one first. */
static void add_finished(ll_beams *b, ll_hypothesis hypothesis) {
    size_t at = b->n_finished;
    while (at > 0 && hypothesis.score > b->finished[at - 1].score) at--;
    memmove(b->finished + at + 1, b->finished + at, (b->n_finished - at) * sizeof *b->finished);
    b->finished[at] = hypothesis;
    if (b->n_finished < b->config.num_beams) b->n_finished++;
}

/* Only the first num_beams candidates may finish; the others exist so that enough beams can continue. */
static void finish_candidates(ll_beams *b) {
    size_t n = ll_min(b->n_candidates, b->config.num_beams);
    for (size_t i = 0; i < n; i++) {
        const ll_beam_candidate *c = &b->candidates[i];
        if (c->end == LL_BEAM_GOES_ON) continue;
        double score = with_length_penalty(b, c->score, b->n_new);
        add_finished(b, (ll_hypothesis){add_node(b, c), score, c->end});
    }
}

/* Insertion sort: sampled candidates come in the order of their noise, the others are sorted already. */
static void sort_by_score(ll_beam_candidate *candidates, size_t n) {
    for (size_t i = 1; i < n; i++) {
        ll_beam_candidate x = candidates[i];
        size_t at = i;
        for (; at > 0 && x.score > candidates[at - 1].score; at--) candidates[at] = candidates[at - 1];
        candidates[at] = x;
    }
}

/* The num_beams best unfinished candidates become the running beams. All nodes are added before a beam is
 * overwritten. */
static void continue_beams(ll_beams *b) {
    if (b->config.do_sample) sort_by_score(b->candidates, b->n_candidates);
    size_t n = 0;
    for (size_t i = 0; i < b->n_candidates && n < b->config.num_beams; i++) {
        if (b->candidates[i].end == LL_BEAM_GOES_ON) b->candidates[n++] = b->candidates[i];
    }
    size_t first_node = b->n_nodes;
    for (size_t i = 0; i < n; i++) add_node(b, &b->candidates[i]);
    for (size_t i = 0; i < n; i++) {
        const ll_beam_candidate *c = &b->candidates[i];
        b->running[i] = (ll_running_beam){(uint32_t)(first_node + i), c->score, c->beam};
    }
    b->n_running = n;
}

/* True if a beam with score `best` could still beat the worst of num_beams finished hypotheses. Exact only if the
 * length penalty is 0; otherwise Transformers' estimate. */
static bool can_improve(const ll_beams *b, double best) {
    if (b->n_finished < b->config.num_beams) return true;
    bool longest = b->config.early_stopping == LLMCS_EARLY_STOPPING_NEVER && b->config.length_penalty > 0;
    size_t n_tokens = longest ? b->config.max_new_tokens : b->n_new;
    return with_length_penalty(b, best, n_tokens) > b->finished[b->n_finished - 1].score;
}

static void finish_running(ll_beams *b, ll_beam_end end) {
    for (size_t i = 0; i < b->n_running; i++) {
        double score = with_length_penalty(b, b->running[i].score, b->n_new);
        add_finished(b, (ll_hypothesis){b->running[i].node, score, end});
    }
}

/* A group's step (BeamSearchScorer.process and .finalize). The best candidate decides whether the group can improve,
 * even if it has just ended. At the last step, the running beams become hypotheses only if the group can improve. */
static bool advance_group(ll_beams *b) {
    const double best = b->n_candidates ? b->candidates[0].score : -(double)INFINITY;
    const bool last = b->n_new >= b->config.max_new_tokens || b->time_over;
    finish_candidates(b);
    continue_beams(b);
    b->n_candidates = 0;
    const bool full = b->n_finished == b->config.num_beams;
    if (full && (b->config.early_stopping == LLMCS_EARLY_STOPPING_TRUE || !can_improve(b, best))) return true;
    if (last) finish_running(b, b->time_over ? LL_BEAM_TIME : LL_BEAM_LENGTH);
    return last || !b->n_running;
}

void ll_beams_end_all(ll_beams *b, ll_beam_end end) {
    b->time_over = end == LL_BEAM_TIME;
    for (size_t i = 0; i < b->n_candidates && !b->config.group; i++) {
        if (b->candidates[i].end == LL_BEAM_GOES_ON) b->candidates[i].end = end;
    }
}

bool ll_beams_advance(ll_beams *b) {
    b->n_new++;
    if (b->config.group) return advance_group(b);
    if (b->n_new >= b->config.max_new_tokens) ll_beams_end_all(b, LL_BEAM_LENGTH);
    finish_candidates(b);
    continue_beams(b);
    b->n_candidates = 0;
    if (!b->n_running) return true;
    if (b->config.early_stopping == LLMCS_EARLY_STOPPING_TRUE && b->n_finished == b->config.num_beams) return true;
    return !can_improve(b, b->running[0].score);
}

void ll_beams_interrupt(ll_beams *b) {
    if (b->n_new > 0) finish_running(b, LL_BEAM_INTERRUPTED);
    b->n_running = 0;
}

size_t ll_beams_path(const ll_beams *b, uint32_t node, int32_t *ids, float *logprobs) {
    size_t n = 0;
    for (uint32_t at = node; at != LL_BEAM_ROOT; at = b->nodes[at].parent) n++;
    uint32_t at = node;
    for (size_t i = n; i-- > 0; at = b->nodes[at].parent) {
        ids[i] = b->nodes[at].id;
        if (logprobs) logprobs[i] = b->nodes[at].logprob;
    }
    return n;
}
