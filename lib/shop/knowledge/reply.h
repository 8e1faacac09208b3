/* Makes the answer that llmcs_shop_ask returns. */
#ifndef SHOP_KNOWLEDGE_REPLY_H
#define SHOP_KNOWLEDGE_REPLY_H

#include "shop/knowledge/match.h"

typedef struct shop_reply shop_reply; /* an llmcs_shop_answer with the memory it stands on */

llmcs_status shop_reply_create(const llmcs_allocator *a, shop_reply **reply);
llmcs_shop_answer *shop_reply_answer(shop_reply *reply);

/* Copies the best k candidates. */
llmcs_status shop_reply_set_candidates(shop_reply *reply, const shop_match *m, size_t k);

/* Decides the route by the probabilities and sets text and citations. `first`: the candidate that answers. */
llmcs_status shop_reply_route(shop_reply *reply, const shop_question *q, size_t first, double threshold,
                              const llmcs_shop_slot *slots, size_t n_slots);

/* log p(a|q) and log p(a|q) - log p(a) of the candidates; *best: the largest difference. */
llmcs_status shop_reply_choose(shop_reply *reply, const shop_question *q, llmcs_session *writer, size_t *best);

/* Words the reply of route ENTRY or FILLED anew. Leaves it if the gate (wording/gate.h) finds in the new wording what
 * neither the entry's answer nor a slot says. */
llmcs_status shop_reply_generate(shop_reply *reply, const shop_question *q, llmcs_session *writer);

#endif
