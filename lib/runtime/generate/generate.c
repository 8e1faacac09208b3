/* llmcs_generate and its relatives: from a prompt to a result. */
#include "base/clock.h"
#include "runtime/generate/generate_session.h"

/* ---- the run */

/* Evaluates what the session does not hold yet; at least the last token, for its logits. */
static llmcs_status evaluate_prompt(ll_generation *g, llmcs_session *session, const float **logits) {
    size_t n_held, common = 0;
    const int32_t *held = ll_seq_tokens(session, 0, &n_held);
    while (common < n_held && common < g->n_prompt - 1 && held[common] == g->prompt[common]) common++;
    ll_seq_rewind(session, 0, common);
    LL_TRY(ll_seq_eval(session, 0, g->prompt + common, g->n_prompt - common, LLMCS_LOGITS_LAST, logits));
    g->n_cached = common;
    g->prompt_end_ns = ll_now_ns();
    return LLMCS_OK;
}

static llmcs_status work(ll_generation *g, llmcs_session *session, llmcs_result **result) {
    const float *logits;
    size_t n_seqs = ll_generation_n_seqs(g);
    if (n_seqs > 1) LL_TRY(ll_session_reserve(session, n_seqs, g->n_prompt + g->max_new - 1));
    ll_session_set_deadline(session, ll_generation_deadline_ns(g));
    LL_TRY(evaluate_prompt(g, session, &logits));
    LL_TRY(g->beams ? ll_generate_beams(g, session, logits) : ll_generate_sampled(g, session, logits));
    LL_TRY(ll_result_create(g, result));
    (*result)->decode_ms = (double)(ll_now_ns() - g->prompt_end_ns) * 1e-6;
    return LLMCS_OK;
}

/* A failed call leaves the prompt, not a beam that no result names. */
static void tidy_session(const ll_generation *g, llmcs_session *session, llmcs_status status) {
    size_t n_held;
    (void)ll_seq_tokens(session, 0, &n_held);
    if (status && n_held > g->n_prompt) ll_seq_rewind(session, 0, g->n_prompt);
    ll_session_release(session);
}

static llmcs_status generate(ll_generation *g, llmcs_session *session, llmcs_result **result) {
    LL_TRY(ll_generation_prepare(g, ll_session_n_ctx(session)));
    ll_sampler_workspace workspace;
    LL_TRY(ll_sampler_workspace_init(&workspace, g->allocator, g->vocab, g->sampled));
    ll_generation_set_workspace(g, &workspace);
    llmcs_status status = ll_generation_alloc(g);
    if (!status) {
        status = work(g, session, result);
        tidy_session(g, session, status);
        ll_generation_free(g);
    }
    ll_sampler_workspace_free(&workspace, g->allocator);
    return status;
}

/* ---- public calls */

static llmcs_status generate_ids(ll_generation *g, llmcs_session *session, const llmcs_generate_params *params,
                                 llmcs_result **result) {
    LL_TRY(ll_generation_init(g, ll_session_model(session), params));
    LL_TRY(ll_generation_check_callback(g, g->on_token != NULL));
    return generate(g, session, result);
}

llmcs_status llmcs_generate_ids(llmcs_session *session, const int32_t *ids, size_t n_ids,
                                const llmcs_generate_params *params, llmcs_token_fn on_token, void *user,
                                llmcs_result **result) {
    if (!result) return ll_fail(LLMCS_ARG, "llmcs_generate_ids: result is NULL");
    *result = NULL;
    if (!ids || !n_ids) return ll_fail(LLMCS_ARG, "llmcs_generate_ids: no ids; at least one is needed");
    LL_TRY(ll_session_enter(session));
    ll_generation g = {.prompt = ids, .n_prompt = n_ids, .on_token = on_token, .user = user, .start_ns = ll_now_ns()};
    ll_fpenv_enter(&g.host);
    llmcs_status status = generate_ids(&g, session, params, result);
    ll_fpenv_leave(&g.host);
    ll_session_leave(session);
    return status;
}

static llmcs_status generate_text(ll_generation *g, llmcs_session *session, const char *prompt, size_t prompt_bytes,
                                  const llmcs_generate_params *params, llmcs_text_fn on_text, llmcs_result **result) {
    int32_t *ids = NULL;
    LL_TRY(ll_generation_init(g, ll_session_model(session), params));
    LL_TRY(ll_generation_check_callback(g, on_text != NULL));
    LL_TRY(ll_model_check_tokenizer(g->model));
    llmcs_status status = ll_generation_encode_prompt(g, prompt, prompt_bytes, &ids, &g->n_prompt);
    g->prompt = ids;
    g->on_text = on_text;
    if (!status) status = generate(g, session, result);
    ll_free(g->allocator, ids);
    return status;
}

llmcs_status llmcs_generate(llmcs_session *session, const char *prompt, size_t prompt_bytes,
                            const llmcs_generate_params *params, llmcs_text_fn on_text, void *user,
                            llmcs_result **result) {
    if (!result) return ll_fail(LLMCS_ARG, "llmcs_generate: result is NULL");
    *result = NULL;
    if (!prompt && prompt_bytes) return ll_fail(LLMCS_ARG, "llmcs_generate: prompt is NULL");
    LL_TRY(ll_session_enter(session));
    ll_generation g = {.user = user, .start_ns = ll_now_ns()};
    ll_fpenv_enter(&g.host);
    llmcs_status status = generate_text(&g, session, prompt, prompt_bytes, params, on_text, result);
    ll_fpenv_leave(&g.host);
    ll_session_leave(session);
    return status;
}

/* ---- the next token's distribution */

static llmcs_status next_distribution(ll_generation *g, llmcs_session *session, const llmcs_generate_params *params,
                                      float *probabilities) {
    const float *logits;
    size_t n_rows, n_ids;
    LL_TRY(ll_generation_init(g, ll_session_model(session), params));
    LL_TRY(ll_session_last_logits(session, &logits, &n_rows));
    g->beams = false;
    g->sampled = g->params.temperature > 0; /* the question is what drawing would give */
    ll_sampler_workspace workspace;
    LL_TRY(ll_sampler_workspace_init(&workspace, g->allocator, g->vocab, g->sampled));
    ll_generation_set_workspace(g, &workspace);
    const int32_t *ids = ll_seq_tokens(session, 0, &n_ids);
    ll_scores_scan(&workspace.scores, logits + (n_rows - 1) * g->vocab);
    ll_generation_process(g, ids, n_ids, 0);
    llmcs_status status = ll_sampler_distribution(&g->sampler, &workspace.scores, probabilities);
    ll_sampler_workspace_free(&workspace, g->allocator);
    return status;
}

llmcs_status llmcs_next_distribution(llmcs_session *session, const llmcs_generate_params *params,
                                     float *probabilities) {
    if (!probabilities) return ll_fail(LLMCS_ARG, "llmcs_next_distribution: probabilities is NULL");
    LL_TRY(ll_session_enter(session));
    ll_generation g = {0};
    ll_fpenv_enter(&g.host);
    llmcs_status status = next_distribution(&g, session, params, probabilities);
    ll_fpenv_leave(&g.host);
    ll_session_leave(session);
    return status;
}
