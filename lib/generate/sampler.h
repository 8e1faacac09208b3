/* Chooses one token from one row of scores: the most probable, or one sampled from the candidates that pass the
 * filters. */
#ifndef LL_GENERATE_SAMPLER_H
#define LL_GENERATE_SAMPLER_H

#include "generate/filter.h"

typedef struct ll_sampler {
    bool greedy; /* true: the fields below are unused */
    ll_filter filter;
    uint64_t seed;
    ll_filter_workspace workspace; /* the caller's */
} ll_sampler;

/* Samples new token `step` of sequence `sequence`; the same arguments give the same token.
 * Errors: NUMERIC (NaN; no token left). */
llmcs_status ll_sampler_sample(ll_sampler *sampler, const ll_scores *scores, uint32_t sequence, size_t step,
                               int32_t *id);

/* The probability of each token to be sampled: probabilities is [vocab]. Errors: as ll_sampler_sample. */
llmcs_status ll_sampler_distribution(ll_sampler *sampler, const ll_scores *scores, float *probabilities);

#endif
