/* Beam search on a session: the running beams are its first sequences, evaluated in one pass. */
#include "runtime/generate/generate_beams.h"

typedef struct beam_run {
    ll_beam_search search;
    size_t *seqs;  /* [num_beams] 0, 1, 2, ... */
    size_t n_live; /* sequences of the session that hold beams */
} beam_run;

/* The session's sequences change places as the beams did and get their tokens. */
static llmcs_status evaluate(llmcs_session *session, beam_run *run, const float **logits) {
    size_t n = run->search.beams.n_running;
    ll_seq_permute(session, run->search.parents, n);
    run->n_live = n;
    return ll_seqs_eval(session, run->seqs, run->search.next_ids, n, logits);
}

static llmcs_status search(ll_generation *g, llmcs_session *session, beam_run *run, const float *logits,
                           llmcs_finish_reason *broken_off) {
    for (bool over;;) {
        for (size_t i = 0; i < run->search.beams.n_running; i++)
            run->search.held[i].ids = ll_seq_tokens(session, i, &run->search.held[i].n_ids);
        LL_TRY(ll_beam_search_step(g, &run->search, logits, &over));
        if (over) return LLMCS_OK;
        llmcs_status status = evaluate(session, run, &logits);
        if (status == LLMCS_CANCELLED || status == LLMCS_DEADLINE) {
            *broken_off = ll_finish_reason_of(status);
            ll_beams_break_off(&run->search.beams);
            return LLMCS_OK;
        }
        if (status) return status;
    }
}

/* ---- the end */

/* Sequence 0 becomes as much of the best hypothesis as any sequence still holds. */
static void keep_best_hypothesis(const ll_generation *g, llmcs_session *session, const beam_run *run) {
    const ll_completion *best = &g->completions[0];
    size_t holder = 0, held = 0;
    for (size_t i = 0; i < run->n_live; i++) {
        size_t n_tokens;
        const int32_t *tokens = ll_seq_tokens(session, i, &n_tokens);
        size_t n = ll_common_prefix(tokens, n_tokens, best->ids, g->n_prompt + best->n_new);
        if (n <= held) continue;
        holder = i;
        held = n;
    }
    ll_seq_copy(session, 0, holder);
    ll_seq_rewind(session, 0, held);
}

static llmcs_status run_beams(ll_generation *g, llmcs_session *session, beam_run *run, const float *logits) {
    size_t n = (size_t)g->params.num_beams;
    llmcs_finish_reason broken_off = LLMCS_FINISH_CANCELLED;
    LL_TRY(ll_alloc(g->allocator, n, sizeof *run->seqs, "beams", &run->seqs));
    for (size_t i = 0; i < n; i++) run->seqs[i] = i;
    run->n_live = 1;
    LL_TRY(ll_beam_search_init(g, &run->search));
    LL_TRY(search(g, session, run, logits, &broken_off));
    LL_TRY(ll_beam_search_finish(g, &run->search, broken_off));
    keep_best_hypothesis(g, session, run);
    return LLMCS_OK;
}

llmcs_status ll_generate_beams(ll_generation *g, llmcs_session *session, const float *logits) {
    beam_run run = {0};
    llmcs_status status = run_beams(g, session, &run, logits);
    ll_beam_search_free(g, &run.search);
    ll_free(g->allocator, run.seqs);
    return status;
}
