/* Greedy search and sampling on a session: one or more sequences after one prompt, a token for each in every pass. */
#include "runtime/generate/generate_session.h"

/* What a pass works on: the sequences that have not ended. */
typedef struct active_set {
    size_t *seqs;      /* [n] sequence i of the session is completion i */
    int32_t *next_ids; /* [n] what each goes on with; of one completion: its last token and guesses */
    size_t n;
} active_set;

static llmcs_status take_token(ll_generation *g, size_t index, const float *logits) {
    LL_TRY(ll_completion_sample(g, index, (ll_logits){logits, NULL}));
    return ll_completion_emit(g, index);
}

/* The first tokens: every completion chooses from the prompt's logits, and those that go on share its blocks. */
static llmcs_status first_tokens(ll_generation *g, llmcs_session *session, const float *logits) {
    for (size_t i = 0; i < g->n_completions; i++) LL_TRY(take_token(g, i, logits));
    for (size_t i = 1; i < g->n_completions; i++) {
        if (!g->completions[i].ended) ll_seq_copy(session, i, 0);
    }
    return LLMCS_OK;
}

static void find_active(const ll_generation *g, active_set *active) {
    active->n = 0;
    for (size_t i = 0; i < g->n_completions; i++) {
        const ll_completion *completion = &g->completions[i];
        if (completion->ended) continue;
        active->seqs[active->n] = i;
        active->next_ids[active->n++] = completion->ids[g->n_prompt + completion->n_new - 1];
    }
}

static llmcs_status step_together(ll_generation *g, llmcs_session *session, active_set *active) {
    const float *logits;
    LL_TRY(ll_seqs_eval(session, active->seqs, active->next_ids, active->n, &logits));
    for (size_t i = 0; i < active->n; i++) LL_TRY(take_token(g, active->seqs[i], logits + i * g->vocab));
    return LLMCS_OK;
}

/* The one completion's next token, and those after it that were guessed right: row i of the logits is what would have
 * been there had its i guesses been chosen, and as far as they are chosen now, they were. */
static llmcs_status step_guessing(ll_generation *g, llmcs_session *session, active_set *active) {
    ll_completion *completion = &g->completions[0];
    const float *logits;
    size_t n_held,
        n_draft_tokens = ll_prompt_lookup(g, completion, active->next_ids + 1, ll_prompt_lookup_limit(g, completion)),
        right = 0;
    LL_TRY(ll_seq_eval(session, 0, active->next_ids, 1 + n_draft_tokens, LLMCS_LOGITS_ALL, &logits));
    LL_TRY(take_token(g, 0, logits));
    while (right < n_draft_tokens && !completion->ended &&
           completion->ids[g->n_prompt + completion->n_new - 1] == active->next_ids[1 + right])
        LL_TRY(take_token(g, 0, logits + ++right * g->vocab));
    g->n_draft += n_draft_tokens;
    g->n_accepted += right;
    (void)ll_seq_tokens(session, 0, &n_held);
    ll_seq_rewind(session, 0, n_held - (n_draft_tokens - right));
    return LLMCS_OK;
}

static void break_off(ll_generation *g, const active_set *active, llmcs_status why) {
    for (size_t i = 0; i < active->n; i++)
        ll_completion_end(&g->completions[active->seqs[i]], ll_finish_reason_of(why));
}

static llmcs_status run(ll_generation *g, llmcs_session *session, const float *logits, active_set *active) {
    LL_TRY(first_tokens(g, session, logits));
    for (find_active(g, active); active->n; find_active(g, active)) {
        llmcs_status status =
            ll_prompt_lookup_max(g) ? step_guessing(g, session, active) : step_together(g, session, active);
        if (status == LLMCS_CANCELLED || status == LLMCS_DEADLINE)
            break_off(g, active, status);
        else if (status)
            return status;
    }
    for (size_t i = 0; i < g->n_completions; i++) LL_TRY(ll_completion_flush(g, i));
    return LLMCS_OK;
}

llmcs_status ll_generate_sampled(ll_generation *g, llmcs_session *session, const float *logits) {
    active_set active = {0};
    size_t n_next = g->n_completions + ll_prompt_lookup_max(g);
    llmcs_status status =
        ll_alloc(g->allocator, g->n_completions, sizeof *active.seqs, "active sequences", &active.seqs);
    if (!status) status = ll_alloc(g->allocator, n_next, sizeof *active.next_ids, "next tokens", &active.next_ids);
    if (!status && ll_prompt_lookup_max(g)) status = ll_session_reserve_logits(session, 1 + ll_prompt_lookup_max(g));
    if (!status) status = run(g, session, logits, &active);
    ll_free(g->allocator, active.seqs);
    ll_free(g->allocator, active.next_ids);
    return status;
}
