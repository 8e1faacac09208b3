/* The assistant, and the suggestions of one call under construction. */
#ifndef SHOP_ASSIST_ASSISTANT_H
#define SHOP_ASSIST_ASSISTANT_H

#include "llmcs_shop_guard.h"
#include "shop/base/arena.h"
#include "shop/store/shared.h"
#include "shop/wording/wording.h"

struct llmcs_shop_assistant {
    llmcs_shop *shop; /* or NULL */
    const llmcs_shop_guard *guard;
    shop_wording *wording; /* or NULL */
    llmcs_allocator a;
};

enum { SHOP_MAX_SUGGESTIONS = 5, SHOP_MAX_PAST = 3, SHOP_MAX_HISTORY = 6 };

/* ---- offer.c */

/* An llmcs_shop_suggestions with its memory. */
typedef struct shop_offer {
    llmcs_shop_suggestions head; /* first member: the caller's pointer points to it */
    shop_arena memory;           /* holds everything that it points to */
    llmcs_shop_suggestion items[SHOP_MAX_SUGGESTIONS];
    const llmcs_shop_suggestion *pointers[SHOP_MAX_SUGGESTIONS];
    /* of the conversation */
    int64_t customer, turn; /* rows; 0: none */
    const char *customer_id;
    const char *action; /* JSON or "" */
    shop_wording_turn history[SHOP_MAX_HISTORY];
    size_t n_history;
} shop_offer;

llmcs_status shop_offer_create(const llmcs_allocator *a, shop_offer **offer);
void shop_offer_free(shop_offer **offer);

/* ---- conversation.c */

/* Loads the customer's last message, the turns before it, and the action that the conversation waits for. head.question
 * stays NULL if the conversation is not in the store or has no message. */
llmcs_status shop_conversation_load(shop_connection *c, const char *conversation, shop_offer *offer);

/* ---- past.c */

typedef struct shop_past {
    const char *id, *reply; /* in the offer's memory */
    double likeness;        /* similarity of the questions, 0 to 1 */
} shop_past;

/* Finds at most SHOP_MAX_PAST replies that were sent to the most similar questions in this language. vector: of the
 * question, or NULL. */
llmcs_status shop_past_find(llmcs_shop *shop, shop_connection *c, shop_offer *offer, const float *vector,
                            const char *lang, shop_past *found, size_t *n);

#endif
