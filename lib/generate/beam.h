/*
 * Beam search and beam sampling over rows of log-probabilities, with the results of Hugging Face Transformers 4.50
 * and later (_beam_search in generation/utils.py), or one group of its diverse beam search (_group_beam_search with
 * BeamSearchScorer), which ends by other rules. The caller evaluates the running beams and offers each row of scores;
 * ll_beams_advance then selects the token that each beam continues with.
 *
 *     while (true) {
 *         for every running beam i:  ll_beams_offer(b, i, ...);   // its row of scores
 *         ll_beams_rank(b);                                       // candidates, best first; EOS is marked
 *         ... mark further candidates as ended (stop strings) ...
 *         if (ll_beams_advance(b)) break;                         // else evaluate the new tokens of b->running
 *     }
 *     ... b->finished, best first
 *
 * Hypotheses are paths in a tree of tokens, from a leaf towards the root, so that nothing is copied when beams
 * are reordered.
 */
#ifndef LL_GENERATE_BEAM_H
#define LL_GENERATE_BEAM_H

#include "base/alloc.h"
#include "generate/filter.h"

#define LL_BEAM_ROOT UINT32_MAX /* the prompt: the parent of first tokens */

typedef struct ll_beam_node {
    uint32_t parent; /* a node, or LL_BEAM_ROOT */
    int32_t id;
    float logprob; /* as the model gave it */
} ll_beam_node;

/* How a candidate ends; LL_BEAM_GOES_ON for one that does not. */
typedef enum ll_beam_end {
    LL_BEAM_GOES_ON,
    LL_BEAM_EOS,
    LL_BEAM_STOP,
    LL_BEAM_LENGTH,
    LL_BEAM_TIME,
    LL_BEAM_INTERRUPTED
} ll_beam_end;

/* A beam and one more token. */
typedef struct ll_beam_candidate {
    double key;   /* rank: the score, or in beam sampling the score with noise */
    double score; /* sum of processed log-probabilities */
    uint32_t beam;
    int32_t id;
    float logprob;
    ll_beam_end end;
} ll_beam_candidate;

typedef struct ll_running_beam {
    uint32_t node;   /* its last token; LL_BEAM_ROOT before the first */
    double score;    /* sum of processed log-probabilities */
    uint32_t parent; /* index of the beam, before ll_beams_advance, that it continues */
} ll_running_beam;

typedef struct ll_hypothesis {
    uint32_t node; /* its last token, EOS included */
    double score;  /* sum of processed log-probabilities / (new tokens ** length_penalty) */
    ll_beam_end end;
} ll_hypothesis;

typedef struct ll_beams_config {
    size_t num_beams;
    size_t max_new_tokens;
    llmcs_early_stopping early_stopping;
    double length_penalty;
    const int32_t *eos; /* [n_eos] */
    size_t n_eos;
    bool group;     /* one group of diverse beam search */
    bool do_sample; /* candidates are sampled without replacement; else the best are taken */
    uint64_t seed;
} ll_beams_config;

typedef struct ll_beams {
    ll_beams_config config;
    size_t n_new; /* tokens of every running beam */
    ll_running_beam *running;
    size_t n_running;
    ll_beam_candidate *candidates; /* a heap while rows are offered, then ranked */
    size_t n_candidates, max_candidates;
    ll_hypothesis *finished; /* [num_beams + 1], best first */
    size_t n_finished;
    ll_beam_node *nodes;
    size_t n_nodes;
    bool time_over; /* this step is the last: ll_beams_end_all */
} ll_beams;

/* One running beam, the prompt. Allocates all memory of the search. Errors: NOMEM. */
llmcs_status ll_beams_init(ll_beams *b, const llmcs_allocator *a, const ll_beams_config *config);
void ll_beams_free(ll_beams *b, const llmcs_allocator *a);
/* Most bytes that ll_beams_init allocates per beam. */
uint64_t ll_beams_bytes(size_t max_new_tokens, size_t n_eos);

/* Offers every token as continuation of running beam `beam`. Changed blocks of `scores` have processed
 * log-probabilities (-inf: forbidden), the others logits; logits [vocab] and log_sum give the model's own
 * log-probabilities. */
void ll_beams_offer(ll_beams *b, size_t beam, const ll_scores *scores, const float *logits, double log_sum);

/* Beam sampling: offers only the n tokens that passed the filters. */
void ll_beams_offer_filtered(ll_beams *b, size_t beam, const ll_candidate *left, size_t n, size_t vocab,
                             const float *logits, double log_sum);

/* Sorts the candidates, best first, and marks EOS. 0 candidates: every token of every beam is forbidden. */
void ll_beams_rank(ll_beams *b);

/* Marks every candidate as ended, as at max_new_tokens. */
void ll_beams_end_all(ll_beams *b, ll_beam_end end);

/* Ends the step: ended candidates among the first num_beams become finished hypotheses, the best of the others become
 * the running beams. True when the search is over; a group still has the running beams of its last step then. */
bool ll_beams_advance(ll_beams *b);

/* Ends the search early: running beams become finished hypotheses if there are fewer than num_beams or they are better.
 */
void ll_beams_interrupt(ll_beams *b);

/* The new tokens from the first to `node`, at most max_new_tokens; ids and logprobs (may be NULL) are that
 * long. Returns how many. */
size_t ll_beams_path(const ll_beams *b, uint32_t node, int32_t *ids, float *logprobs);

#endif
