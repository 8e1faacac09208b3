/* Renders past decisions and scores the candidates as their continuation. */
#include "shop/strategy/history.h"

#include <math.h>

#include "shop/strategy/arms.h"

/* Rewards become "good" or "bad", relative to the strategy's mean: a language model reads words better than decimals.
 */
#define RENDERED_ROWS                                                                                                \
    "SELECT context, chosen, reward >= (SELECT total(r) / total(n) FROM arms WHERE strategy = ?1) FROM"              \
    " (SELECT * FROM (SELECT row, context, chosen, reward FROM decisions WHERE strategy = ?1 AND reward IS NOT NULL" \
    " ORDER BY context = ?2 DESC, row DESC LIMIT ?3) ORDER BY context = ?2, row)"

llmcs_status shop_render_history(shop_connection *c, const char *strategy, const llmcs_shop_decide_params *params,
                                 int32_t n_history, char **prompt) {
    shop_query q;
    *prompt = NULL;
    SHOP_TRY(shop_query_begin(c, &q, RENDERED_ROWS, "ssi", strategy, params->context, (int64_t)n_history));
    sqlite3_str *s = sqlite3_str_new(NULL);
    llmcs_status status;
    while (!(status = shop_query_next(&q)) && q.has_row) {
        size_t n;
        sqlite3_str_appendf(s, "Situation: %s\nResult: %s\nStrategy: ", shop_query_text(&q, 0, &n),
                            shop_query_int(&q, 2) ? "good" : "bad");
        sqlite3_str_appendf(s, "%s\n\n", shop_query_text(&q, 1, &n));
    }
    shop_query_end(&q);
    if (params->history) sqlite3_str_appendf(s, "%s\n", params->history);
    sqlite3_str_appendf(s, "Situation: %s\nResult: good\nStrategy:", params->context);
    *prompt = sqlite3_str_finish(s);
    if (!status && !*prompt) status = shop_fail(LLMCS_NOMEM, "history: no memory");
    if (!status) return LLMCS_OK;
    sqlite3_free(*prompt);
    *prompt = NULL;
    return status;
}

/* Makes " text" of each candidate: the space belongs to the first token of a continuation. */
static llmcs_status make_continuations(const llmcs_shop_option *options, size_t n, char **continuations) {
    for (size_t i = 0; i < n; i++) {
        continuations[i] = sqlite3_mprintf(" %s", options[i].text ? options[i].text : options[i].id);
        if (!continuations[i]) return shop_fail(LLMCS_NOMEM, "candidate: no memory");
    }
    return LLMCS_OK;
}

static llmcs_status score_with(llmcs_shop *shop, const char *strategy, const llmcs_shop_decide_params *params,
                               const char *const *continuations, size_t n, int32_t n_history,
                               llmcs_score_result *results) {
    shop_connection *c;
    char *prompt = NULL;
    size_t best;
    SHOP_TRY(shop_read_begin(shop, &c));
    llmcs_status status = shop_render_history(c, strategy, params, n_history, &prompt);
    shop_read_end(shop, c);
    if (!status) status = llmcs_choose(params->writer, prompt, LLMCS_NUL, continuations, n, 1, results, &best);
    sqlite3_free(prompt);
    return status;
}

llmcs_status shop_score_candidates(llmcs_shop *shop, const char *strategy, const llmcs_shop_option *options, size_t n,
                                   const llmcs_shop_decide_params *params, double *features) {
    char *continuations[SHOP_MAX_ARMS] = {NULL};
    llmcs_score_result results[SHOP_MAX_ARMS];
    double mean = 0;
    llmcs_status status = make_continuations(options, n, continuations);
    for (int32_t n_history = params->n_history; !status; n_history /= 2) {
        status = score_with(shop, strategy, params, (const char *const *)continuations, n, n_history, results);
        if (status != LLMCS_CONTEXT_FULL || !n_history) break;
        status = LLMCS_OK;
    }
    for (size_t i = 0; i < n; i++) sqlite3_free(continuations[i]);
    if (status) return status;
    for (size_t i = 0; i < n; i++) {
        features[i] = results[i].logprob / (double)(results[i].n_tokens ? results[i].n_tokens : 1);
        if (!isfinite(features[i])) return shop_fail(LLMCS_NUMERIC, "candidate %s: no finite score", options[i].id);
        mean += features[i] / (double)n;
    }
    for (size_t i = 0; i < n; i++) features[i] -= mean;
    return LLMCS_OK;
}
