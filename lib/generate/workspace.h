/* Memory for sampling one token. It holds no state between tokens, so each sampling thread has one for any number of
 * sequences, and it stays in that thread's cache. */
#ifndef LL_GENERATE_WORKSPACE_H
#define LL_GENERATE_WORKSPACE_H

#include "generate/filter.h"

typedef struct ll_sampler_workspace {
    ll_scores scores;
    uint32_t *counts;  /* [vocab] of tokens, for processors; all zero between calls */
    uint64_t *allowed; /* [ll_workspace_words(vocab)] bits of tokens, for grammars */
    ll_filter_workspace filter;
} ll_sampler_workspace;

static inline size_t ll_workspace_words(size_t vocab) { return vocab / 64 + 1; }

/* sampled: also allocate the filter's workspace, which greedy search does not need. */
llmcs_status ll_sampler_workspace_init(ll_sampler_workspace *workspace, const llmcs_allocator *a, size_t vocab,
                                       bool sampled);
void ll_sampler_workspace_free(ll_sampler_workspace *workspace, const llmcs_allocator *a);

/* Bytes of a workspace with sampled = true. */
uint64_t ll_sampler_workspace_bytes(size_t vocab);

#endif
