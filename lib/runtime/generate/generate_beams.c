/* Beam search on a session: the running beams are its first sequences, evaluated in one forward pass. */
#include "runtime/generate/generate_beams.h"

typedef struct beam_decoder {
    llmcs_session *session;
    ll_beam_search search;
    size_t *seqs;     /* [num_beams] 0, 1, 2, ... */
    size_t n_holding; /* number of the session's sequences that hold beams */
} beam_decoder;

static llmcs_status check_stop(void *session) { return ll_session_check_stop(session); }

/* Reorders the sequences to the continuing beams and evaluates the next token of each. */
static llmcs_status forward_beams(beam_decoder *d, const float **logits) {
    const size_t n = d->search.n_running;
    ll_seq_permute(d->session, d->search.parents, n);
    d->n_holding = n;
    return ll_seqs_eval(d->session, d->seqs, d->search.next_ids, n, logits);
}

/* Runs until the search is over. CANCELLED and DEADLINE end it with the hypotheses so far: *interrupted says which. */
static llmcs_status search_loop(ll_generation *g, beam_decoder *d, const float *logits,
                                llmcs_finish_reason *interrupted) {
    ll_beam_search *search = &d->search;
    for (bool over = false; !over;) {
        for (size_t i = 0; i < search->n_running; i++)
            search->held[i].ids = ll_seq_tokens(d->session, i, &search->held[i].n_ids);
        llmcs_status status = ll_beam_search_step(g, search, (ll_logits){.row = logits}, &over);
        if (!status && !over) status = forward_beams(d, &logits);
        if (status && status != LLMCS_CANCELLED && status != LLMCS_DEADLINE) return status;
        if (!status) continue;
        if (search->n_new == 0) return status; /* no token has been sampled yet */
        *interrupted = ll_finish_reason_of(status);
        ll_beam_search_interrupt(search);
        return LLMCS_OK;
    }
    return LLMCS_OK;
}

/* Leaves in sequence 0 as much of the best hypothesis as any sequence still holds. */
static void keep_best_hypothesis(const ll_generation *g, const beam_decoder *d) {
    const ll_completion *best = &g->completions[0];
    size_t longest_seq = 0, longest = 0;
    for (size_t i = 0; i < d->n_holding; i++) {
        size_t n_tokens;
        const int32_t *tokens = ll_seq_tokens(d->session, i, &n_tokens);
        size_t n = ll_common_prefix(tokens, n_tokens, best->ids, g->n_prompt + best->n_new);
        if (n <= longest) continue;
        longest_seq = i;
        longest = n;
    }
    ll_seq_copy(d->session, 0, longest_seq);
    ll_seq_rewind(d->session, 0, longest);
}

static llmcs_status decode_beams(ll_generation *g, beam_decoder *d, const float *logits) {
    const size_t n = (size_t)g->params.num_beams;
    llmcs_finish_reason interrupted = LLMCS_FINISH_CANCELLED;
    LL_TRY(ll_alloc(g->allocator, n, sizeof *d->seqs, "beams", &d->seqs));
    for (size_t i = 0; i < n; i++) d->seqs[i] = i;
    LL_TRY(ll_beam_search_init(g, &d->search));
    LL_TRY(search_loop(g, d, logits, &interrupted));
    LL_TRY(ll_beam_search_finish(g, &d->search, interrupted));
    keep_best_hypothesis(g, d);
    return LLMCS_OK;
}

llmcs_status ll_generate_beams(ll_generation *g, llmcs_session *session, const float *logits) {
    beam_decoder d = {.session = session, .n_holding = 1};
    g->check_stop = check_stop;
    g->check_stop_user = session;
    llmcs_status status = decode_beams(g, &d, logits);
    ll_beam_search_free(g, &d.search);
    ll_free(g->allocator, d.seqs);
    return status;
}
