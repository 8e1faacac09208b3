/* Builds the answer that llmcs_shop_ask returns. */
#ifndef SHOP_KNOWLEDGE_REPLY_H
#define SHOP_KNOWLEDGE_REPLY_H

#include "shop/knowledge/match.h"

typedef struct shop_reply shop_reply; /* an llmcs_shop_answer with its memory */

llmcs_status shop_reply_create(const llmcs_allocator *a, shop_reply **reply);
llmcs_shop_answer *shop_reply_answer(shop_reply *reply);

/* Copies the best k candidates. */
llmcs_status shop_reply_set_candidates(shop_reply *reply, const shop_match *m, size_t k);

/* Chooses the route by the probabilities and sets text and citations. first: the candidate that answers. */
llmcs_status shop_reply_route(shop_reply *reply, const shop_question *q, size_t first, double threshold,
                              const llmcs_shop_slot *slots, size_t n_slots);

/* Computes log p(a|q) and log p(a|q) - log p(a) of the candidates. *best: the one with the largest difference. */
llmcs_status shop_reply_choose(shop_reply *reply, const shop_question *q, llmcs_session *writer, size_t *best);

/* Rewords a reply of route ENTRY or FILLED. Keeps the original if the gate (wording/gate.h) finds a statement that
 * neither the entry's answer nor a slot makes. */
llmcs_status shop_reply_generate(shop_reply *reply, const shop_question *q, llmcs_session *writer);

#endif
