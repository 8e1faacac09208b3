#include "generate/workspace.h"

static llmcs_status take(ll_sampler_workspace *room, const llmcs_allocator *a, size_t vocab, bool drawn) {
    LL_TRY(ll_scores_init(&room->scores, a, vocab));
    LL_TRY(ll_alloc_zero(a, vocab, sizeof *room->counts, "token counts", &room->counts));
    return drawn ? ll_filter_workspace_init(&room->filter, a, vocab) : LLMCS_OK;
}

llmcs_status ll_sampler_workspace_init(ll_sampler_workspace *room, const llmcs_allocator *a, size_t vocab, bool drawn) {
    *room = (ll_sampler_workspace){0};
    llmcs_status status = take(room, a, vocab, drawn);
    if (status) ll_sampler_workspace_free(room, a);
    return status;
}

void ll_sampler_workspace_free(ll_sampler_workspace *room, const llmcs_allocator *a) {
    ll_scores_free(&room->scores, a);
    ll_free(a, room->counts);
    ll_filter_workspace_free(&room->filter, a);
    *room = (ll_sampler_workspace){0};
}

uint64_t ll_sampler_workspace_bytes(size_t vocab) {
    const ll_sampler_workspace *room = NULL;
    const uint64_t a_token =
        sizeof *room->scores.copy + sizeof *room->counts + sizeof *room->filter.candidates + sizeof *room->filter.heap;
    const uint64_t a_block = sizeof *room->scores.changed + sizeof *room->scores.block_max;
    return vocab * a_token + ll_scores_n_blocks(vocab) * a_block;
}
