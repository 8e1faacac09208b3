/* The log of a strategy as a text that a language model continues: Strategy = argmax over s of LM(s | historical data).
 */
#ifndef SHOP_STRATEGY_HISTORY_H
#define SHOP_STRATEGY_HISTORY_H

#include "shop/store/store.h"

/* features: [n] log p(candidate | history) per token minus the candidates' mean. The history is the last rewarded
 * decisions, those of this context last, then the conversation so far. A prompt that does not fit the model's context
 * is shortened by its older half until it does. */
llmcs_status shop_score_candidates(llmcs_shop *shop, const char *strategy, const llmcs_shop_option *options, size_t n,
                                   const llmcs_shop_decide_params *params, double *features);

/* The prompt itself, for at most n_history decisions. Freed by sqlite3_free. */
llmcs_status shop_render_history(shop_connection *c, const char *strategy, const llmcs_shop_decide_params *params,
                                 int32_t n_history, char **prompt);

#endif
