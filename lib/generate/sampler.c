/* Greedy search, or sampling from the candidates that pass the filters. */
#include "generate/sampler.h"

#include <string.h>

#include "generate/random.h"

llmcs_status ll_sampler_sample(ll_sampler *sampler, const ll_scores *scores, uint32_t sequence, size_t step,
                               int32_t *id) {
    size_t n;
    if (sampler->greedy) {
        LL_TRY(ll_scores_check(scores, step));
        *id = ll_scores_argmax(scores);
        return LLMCS_OK;
    }
    LL_TRY(ll_filter_scores(&sampler->filter, scores, step, &sampler->workspace, &n));
    *id = ll_sample_candidate(sampler->workspace.candidates, n, ll_uniform(sampler->seed, sequence, (uint32_t)step, 0));
    return LLMCS_OK;
}

llmcs_status ll_sampler_distribution(ll_sampler *sampler, const ll_scores *scores, float *probabilities) {
    const size_t bytes = scores->vocab * sizeof *probabilities;
    size_t n;
    if (sampler->greedy) {
        LL_TRY(ll_scores_check(scores, 0));
        memset(probabilities, 0, bytes);
        probabilities[ll_scores_argmax(scores)] = 1.0f;
        return LLMCS_OK;
    }
    LL_TRY(ll_filter_scores(&sampler->filter, scores, 0, &sampler->workspace, &n));
    memset(probabilities, 0, bytes);
    const ll_candidate *left = sampler->workspace.candidates;
    double total = ll_total_weight(left, n);
    for (size_t i = 0; i < n; i++) probabilities[left[i].id] = (float)((double)left[i].weight / total);
    return LLMCS_OK;
}
