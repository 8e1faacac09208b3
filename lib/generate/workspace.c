/* Allocates and frees the workspace of sampling. */
#include "generate/workspace.h"

static llmcs_status alloc_workspace(ll_sampler_workspace *workspace, const llmcs_allocator *a, size_t vocab,
                                    bool sampled) {
    LL_TRY(ll_scores_init(&workspace->scores, a, vocab));
    LL_TRY(ll_alloc_zero(a, vocab, sizeof *workspace->counts, "token counts", &workspace->counts));
    LL_TRY(ll_alloc(a, ll_workspace_words(vocab), sizeof *workspace->allowed, "allowed tokens", &workspace->allowed));
    return sampled ? ll_filter_workspace_init(&workspace->filter, a, vocab) : LLMCS_OK;
}

llmcs_status ll_sampler_workspace_init(ll_sampler_workspace *workspace, const llmcs_allocator *a, size_t vocab,
                                       bool sampled) {
    *workspace = (ll_sampler_workspace){0};
    llmcs_status status = alloc_workspace(workspace, a, vocab, sampled);
    if (status) ll_sampler_workspace_free(workspace, a);
    return status;
}

void ll_sampler_workspace_free(ll_sampler_workspace *workspace, const llmcs_allocator *a) {
    ll_scores_free(&workspace->scores, a);
    ll_free(a, workspace->counts);
    ll_free(a, workspace->allowed);
    ll_filter_workspace_free(&workspace->filter, a);
    *workspace = (ll_sampler_workspace){0};
}

uint64_t ll_sampler_workspace_bytes(size_t vocab) {
    const ll_sampler_workspace *workspace = NULL;
    const uint64_t a_token = sizeof *workspace->scores.copy + sizeof *workspace->counts +
                             sizeof *workspace->filter.candidates + sizeof *workspace->filter.heap;
    const uint64_t a_block = sizeof *workspace->scores.changed + sizeof *workspace->scores.block_max;
    return vocab * a_token + ll_workspace_words(vocab) * sizeof *workspace->allowed + ll_row_blocks(vocab) * a_block;
}
