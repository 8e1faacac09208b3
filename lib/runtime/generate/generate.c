/* Generation on a session: the prompt is evaluated (prefill), tokens are sampled one by one (decode_loop) or beams are
 * searched, and the completions become the result. */
#include "base/call.h"
#include "base/clock.h"
#include "runtime/generate/generate_beams.h"

/* One call of llmcs_generate. end_call releases its resources, also when a callback throws. */
typedef struct generate_call {
    llmcs_session *session;
    ll_generation g;
    ll_sampler_workspace workspace;
    int32_t *encoded; /* ids of a prompt that is text */
    bool evaluating;  /* the session's tokens are being replaced */
    bool finished;
    /* The unfinished completions: sequence seqs[i] of the session continues with next_ids[i]. With guidance, the
     * sequences of the negative prompt follow. With prompt lookup, next_ids are the last token of the only completion
     * and the draft tokens. */
    size_t *seqs;      /* [sequences] */
    int32_t *next_ids; /* [sequences + draft tokens] */
    size_t n_active;
} generate_call;

static void end_call(generate_call *c) {
    if (!c->session) return;
    const llmcs_allocator *a = &ll_session_model(c->session)->allocator;
    if (c->evaluating) {
        size_t n_held;
        (void)ll_seq_tokens(c->session, 0, &n_held);
        /* After a failed call the session holds the prompt, not a completion that no result describes. */
        if (!c->finished && n_held > c->g.n_prompt) ll_seq_rewind(c->session, 0, c->g.n_prompt);
        ll_session_release(c->session);
    }
    ll_generation_free(&c->g);
    ll_sampler_workspace_free(&c->workspace, a);
    ll_free(a, c->encoded);
    ll_free(a, c->seqs);
    ll_free(a, c->next_ids);
    ll_session_leave(c->session);
}

/* Reads the parameters. Called after the session was entered. */
static llmcs_status begin_call(generate_call *c, llmcs_session *session, const llmcs_generate_params *params,
                               bool is_text) {
    c->session = session;
    LL_TRY(ll_generation_init(&c->g, ll_session_model(session), params));
    LL_TRY(ll_generation_use_languages(&c->g, is_text));
    return ll_generation_check_callback(&c->g, c->g.on_text || c->g.on_token);
}

/* ---- prefill */

/* Allocates all memory of the call, so that sampling a token allocates nothing. */
static llmcs_status reserve_generation(generate_call *c) {
    ll_generation *g = &c->g;
    LL_TRY(ll_generation_prepare(g, ll_session_n_ctx(c->session)));
    LL_TRY(ll_sampler_workspace_init(&c->workspace, g->allocator, g->vocab, g->sampled));
    ll_generation_set_workspace(g, &c->workspace);
    LL_TRY(ll_generation_alloc(g));
    const size_t n_seqs = ll_generation_n_seqs(g), n_draft = ll_prompt_lookup_max(g);
    LL_TRY(ll_alloc(g->allocator, n_seqs, sizeof *c->seqs, "active sequences", &c->seqs));
    LL_TRY(ll_alloc(g->allocator, n_seqs + n_draft, sizeof *c->next_ids, "next tokens", &c->next_ids));
    if (n_draft) LL_TRY(ll_session_reserve_logits(c->session, 1 + n_draft));
    const size_t max_tokens = ll_generation_longest_prompt(g) + g->max_new - 1;
    if (n_seqs > 1) LL_TRY(ll_session_reserve(c->session, n_seqs, max_tokens));
    c->evaluating = true;
    return LLMCS_OK;
}

/* Evaluates prompt and negative prompt; *logits: [2, vocab] of their last tokens. */
static llmcs_status prefill_both(generate_call *c, const float **logits) {
    const ll_generation *g = &c->g;
    const llmcs_ids negative = ll_generation_negative(g);
    const size_t seqs[] = {0, g->n_completions}, n_rest = g->n_prompt - 1 - g->n_cached;
    const int32_t last_ids[] = {g->prompt[g->n_prompt - 1], negative.ids[negative.n_ids - 1]};
    if (n_rest) LL_TRY(ll_seq_eval(c->session, seqs[0], g->prompt + g->n_cached, n_rest, LLMCS_LOGITS_NONE, NULL));
    if (negative.n_ids > 1)
        LL_TRY(ll_seq_eval(c->session, seqs[1], negative.ids, negative.n_ids - 1, LLMCS_LOGITS_NONE, NULL));
    return ll_seqs_eval(c->session, seqs, last_ids, 2, logits);
}

/* Evaluates the part of the prompt that the session does not hold; at least its last token, for the logits. */
static llmcs_status prefill(generate_call *c, const float **logits) {
    ll_generation *g = &c->g;
    LL_TRY(reserve_generation(c));
    ll_session_set_limits(c->session, (ll_limits){ll_generation_deadline_ns(g), g->params.cancel});
    if (g->source.n_ids) LL_TRY(ll_session_encode(c->session, g->source.ids, g->source.n_ids, NULL));
    g->n_cached = ll_seq_keep_prefix(c->session, g->prompt, g->n_prompt);
    if (g->guided)
        LL_TRY(prefill_both(c, logits));
    else
        LL_TRY(
            ll_seq_eval(c->session, 0, g->prompt + g->n_cached, g->n_prompt - g->n_cached, LLMCS_LOGITS_LAST, logits));
    g->prompt_end_ns = ll_now_ns();
    return LLMCS_OK;
}

/* ---- decode */

/* negative: NULL without guidance. */
static llmcs_status sample_and_emit(ll_generation *g, size_t index, const float *logits, const float *negative) {
    LL_TRY(ll_completion_sample(g, index, (ll_logits){.row = logits, .negative = negative}));
    return ll_completion_emit(g, index);
}

static void find_active(generate_call *c) {
    const ll_generation *g = &c->g;
    c->n_active = 0;
    for (size_t i = 0; i < g->n_completions; i++) {
        const ll_completion *completion = &g->completions[i];
        if (completion->ended) continue;
        c->seqs[c->n_active] = i;
        c->next_ids[c->n_active++] = completion->ids[g->n_prompt + completion->n_new - 1];
    }
    for (size_t i = 0; g->guided && i < c->n_active; i++) {
        c->seqs[c->n_active + i] = g->n_completions + c->seqs[i];
        c->next_ids[c->n_active + i] = c->next_ids[i];
    }
}

/* Evaluates and samples one token for each active completion. */
static llmcs_status decode_step(generate_call *c) {
    const size_t n = c->n_active, vocab = c->g.vocab;
    const float *logits;
    LL_TRY(ll_seqs_eval(c->session, c->seqs, c->next_ids, c->g.guided ? 2 * n : n, &logits));
    for (size_t i = 0; i < n; i++)
        LL_TRY(sample_and_emit(&c->g, c->seqs[i], logits + i * vocab, c->g.guided ? logits + (n + i) * vocab : NULL));
    return LLMCS_OK;
}

/* Evaluates the last token and draft tokens of the only completion, samples, and accepts draft tokens while sampling
 * gives the same ids. Row i of the logits follows i draft tokens. */
static llmcs_status decode_step_with_lookup(generate_call *c) {
    ll_generation *g = &c->g;
    const ll_completion *completion = &g->completions[0];
    const int32_t *draft_ids = c->next_ids + 1;
    const float *logits;
    size_t n_held, n_accepted = 0,
                   n_draft = ll_prompt_lookup(g, completion, c->next_ids + 1, ll_prompt_lookup_limit(g, completion));
    LL_TRY(ll_seq_eval(c->session, 0, c->next_ids, 1 + n_draft, LLMCS_LOGITS_ALL, &logits));
    LL_TRY(sample_and_emit(g, 0, logits, NULL));
    while (n_accepted < n_draft && !completion->ended &&
           completion->ids[g->n_prompt + completion->n_new - 1] == draft_ids[n_accepted])
        LL_TRY(sample_and_emit(g, 0, logits + ++n_accepted * g->vocab, NULL));
    g->n_draft += n_draft;
    g->n_accepted += n_accepted;
    (void)ll_seq_tokens(c->session, 0, &n_held);
    ll_seq_rewind(c->session, 0, n_held - (n_draft - n_accepted));
    return LLMCS_OK;
}

/* Samples until every completion has ended. All first tokens come from the prompt's logits, and the completions share
 * the prompt's keys and values. */
static llmcs_status decode_loop(generate_call *c, const float *logits) {
    ll_generation *g = &c->g;
    const size_t n = g->n_completions;
    for (size_t i = 0; i < n; i++) LL_TRY(sample_and_emit(g, i, logits, g->guided ? logits + g->vocab : NULL));
    for (size_t i = 1; i < n; i++) {
        if (g->completions[i].ended) continue;
        ll_seq_copy(c->session, i, 0);
        if (g->guided) ll_seq_copy(c->session, n + i, n);
    }
    for (find_active(c); c->n_active; find_active(c)) {
        llmcs_status status = ll_prompt_lookup_max(g) ? decode_step_with_lookup(c) : decode_step(c);
        if (status && status != LLMCS_CANCELLED && status != LLMCS_DEADLINE) return status;
        for (size_t i = 0; status && i < c->n_active; i++)
            ll_completion_end(&g->completions[c->seqs[i]], ll_finish_reason_of(status));
    }
    for (size_t i = 0; i < n; i++) LL_TRY(ll_completion_flush(g, i));
    return LLMCS_OK;
}

static llmcs_status decode_completions(generate_call *c, const float *logits, llmcs_result **result) {
    LL_TRY(c->g.beams ? ll_generate_beams(&c->g, c->session, logits) : decode_loop(c, logits));
    LL_TRY(ll_result_create(&c->g, result));
    (*result)->decode_ms = (double)(ll_now_ns() - c->g.prompt_end_ns) * 1e-6;
    c->finished = true;
    return LLMCS_OK;
}

/* ---- public calls */

llmcs_status llmcs_generate_ids(llmcs_session *session, const int32_t *ids, size_t n_ids,
                                const llmcs_generate_params *params, llmcs_token_fn on_token, void *user,
                                llmcs_result **result) {
    LL_PUBLIC_CALL;
    if (!result) return ll_fail(LLMCS_ARG, "llmcs_generate_ids: result is NULL");
    *result = NULL;
    if (!ids || !n_ids) return ll_fail(LLMCS_ARG, "llmcs_generate_ids: no ids; at least one is needed");
    LL_TRY(ll_session_enter(session));
    generate_call c LL_CLEANUP(end_call) = {
        .g = {.prompt = ids, .n_prompt = n_ids, .on_token = on_token, .user = user, .start_ns = ll_now_ns()}};
    const float *logits;
    LL_TRY(begin_call(&c, session, params, false));
    LL_TRY(prefill(&c, &logits));
    return decode_completions(&c, logits, result);
}

llmcs_status ll_generate_text(llmcs_session *session, const int32_t *ids, size_t n_ids,
                              const llmcs_generate_params *params, llmcs_text_fn on_text, void *user,
                              llmcs_result **result) {
    LL_TRY(ll_session_enter(session));
    generate_call c LL_CLEANUP(end_call) = {
        .g = {.prompt = ids, .n_prompt = n_ids, .on_text = on_text, .user = user, .start_ns = ll_now_ns()}};
    const float *logits;
    LL_TRY(begin_call(&c, session, params, false));
    LL_TRY(prefill(&c, &logits));
    return decode_completions(&c, logits, result);
}

llmcs_status llmcs_generate(llmcs_session *session, const char *prompt, size_t prompt_bytes,
                            const llmcs_generate_params *params, llmcs_text_fn on_text, void *user,
                            llmcs_result **result) {
    LL_PUBLIC_CALL;
    if (!result) return ll_fail(LLMCS_ARG, "llmcs_generate: result is NULL");
    *result = NULL;
    if (!prompt && prompt_bytes) return ll_fail(LLMCS_ARG, "llmcs_generate: prompt is NULL");
    LL_TRY(ll_session_enter(session));
    generate_call c LL_CLEANUP(end_call) = {.g = {.on_text = on_text, .user = user, .start_ns = ll_now_ns()}};
    const float *logits;
    LL_TRY(begin_call(&c, session, params, true));
    LL_TRY(ll_model_check_tokenizer(c.g.model));
    LL_TRY(
        ll_generation_encode_prompt(&c.g, prompt, prompt_bytes, ll_session_n_ctx(session), &c.encoded, &c.g.n_prompt));
    c.g.prompt = c.encoded;
    LL_TRY(prefill(&c, &logits));
    return decode_completions(&c, logits, result);
}

/* ---- the next token's distribution */

static llmcs_status next_distribution(ll_generation *g, llmcs_session *session, const llmcs_generate_params *params,
                                      float *probabilities) {
    const float *logits;
    size_t n_rows, n_ids;
    LL_TRY(ll_generation_init(g, ll_session_model(session), params));
    LL_TRY(ll_generation_use_languages(g, false));
    LL_TRY(ll_session_last_logits(session, &logits, &n_rows));
    if (g->guided)
        return ll_fail(LLMCS_ARG,
                       "guidance_scale is %g: llmcs_next_distribution knows the session's tokens only; set it to 1",
                       (double)g->params.guidance_scale);
    g->beams = false;
    g->sampled = g->params.temperature > 0; /* regardless of do_sample: the distribution is that of sampling */
    ll_sampler_workspace workspace;
    LL_TRY(ll_sampler_workspace_init(&workspace, g->allocator, g->vocab, g->sampled));
    const int32_t *ids = g->prompt = ll_seq_tokens(session, 0, &n_ids);
    g->n_prompt = n_ids;
    g->source = ll_session_source(session);
    g->min_new = ll_generation_min_new(&g->params, n_ids);
    ll_generation_set_workspace(g, &workspace);
    ll_scores_scan(&workspace.scores, logits + (n_rows - 1) * g->vocab);
    ll_generation_process(g, ids, n_ids, 0);
    llmcs_status status =
        g->params.grammar ? ll_generation_restrict(g, ll_grammar_start(g->params.grammar), 0) : LLMCS_OK;
    if (!status) status = ll_sampler_distribution(&g->sampler, &workspace.scores, probabilities);
    ll_sampler_workspace_free(&workspace, g->allocator);
    return status;
}

llmcs_status llmcs_next_distribution(llmcs_session *session, const llmcs_generate_params *params,
                                     float *probabilities) {
    LL_PUBLIC_CALL;
    if (!probabilities) return ll_fail(LLMCS_ARG, "llmcs_next_distribution: probabilities is NULL");
    LL_TRY(ll_session_enter(session));
    ll_generation g = {0};
    llmcs_status status = next_distribution(&g, session, params, probabilities);
    ll_session_leave(session);
    return status;
}
