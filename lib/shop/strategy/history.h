/* Renders the log of a strategy as a text that a language model continues: argmax over s of LM(s | historical data). */
#ifndef SHOP_STRATEGY_HISTORY_H
#define SHOP_STRATEGY_HISTORY_H

#include "shop/store/store.h"

/* features: [n] log p(candidate | history) per token, minus the candidates' mean. The history holds the latest rewarded
 * decisions, those of this context at the end, then the conversation so far. If the prompt does not fit the model's
 * context, the older half of the decisions is dropped until it does. */
llmcs_status shop_score_candidates(llmcs_shop *shop, const char *strategy, const llmcs_shop_option *options, size_t n,
                                   const llmcs_shop_decide_params *params, double *features);

/* Makes the prompt with at most n_history decisions. Free it with sqlite3_free. */
llmcs_status shop_render_history(shop_connection *c, const char *strategy, const llmcs_shop_decide_params *params,
                                 int32_t n_history, char **prompt);

#endif
