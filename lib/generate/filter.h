/* Reduces a row of scores to the candidates that may be sampled: temperature, top_k, top_p, min_p, typical_p,
 * epsilon_cutoff, eta_cutoff, in that order, with the meaning of Hugging Face Transformers' warpers of those names. */
#ifndef LL_GENERATE_FILTER_H
#define LL_GENERATE_FILTER_H

#include "generate/scores.h"

typedef struct ll_filter {
    float temperature;                /* > 0 */
    size_t top_k;                     /* 0: off */
    float top_p;                      /* 0..1; 1: off */
    float min_p;                      /* 0..1; 0: off */
    float typical_p;                  /* 0..1; 0 or 1: off */
    float epsilon_cutoff, eta_cutoff; /* 0..1; 0: off */
    size_t min_keep;                  /* at least 1: no filter leaves fewer */
} ll_filter;

/* A token that passed the filters. */
typedef struct ll_candidate {
    int32_t id;
    float score;  /* divided by the temperature */
    float weight; /* e^(score - the largest score): its share of the probability, up to a common factor */
} ll_candidate;

/* Workspace of filtering. */
typedef struct ll_filter_workspace {
    ll_candidate *candidates; /* [vocab] */
    float *heap;              /* [vocab] */
} ll_filter_workspace;

llmcs_status ll_filter_workspace_init(ll_filter_workspace *workspace, const llmcs_allocator *a, size_t vocab);
void ll_filter_workspace_free(ll_filter_workspace *workspace, const llmcs_allocator *a);

/* Fills workspace->candidates with the *n_candidates >= 1 tokens that may be sampled. Ties: top_k keeps every token
 * that equals the k-th; top_p takes the most probable first, on ties the higher id (the reverse of an ascending stable
 * sort). The order of the result depends on the scores only. If scores are +inf, only the first such token is kept.
 * Time: with top_k, O(block maxima) plus the blocks near the top; else O(vocab), without sorting the row. Errors:
 * NUMERIC, naming new token `step`. */
llmcs_status ll_filter_scores(const ll_filter *filter, const ll_scores *scores, size_t step,
                              ll_filter_workspace *workspace, size_t *n_candidates);

/* Samples one of n >= 1 candidates by inverse CDF: the first at which the running sum of weights exceeds u times the
 * total, u in [0, 1). If rounding lets no sum exceed it, the last one with a weight above 0. */
int32_t ll_sample_candidate(const ll_candidate *candidates, size_t n, double u);

/* Sum of the weights, in the order given. */
double ll_total_weight(const ll_candidate *candidates, size_t n);

#endif
