/*
 * Words a reply with a generative model, from given facts.
 *
 *     shop_wording_request r;
 *     shop_wording_request_init(&r);
 *     r.facts = facts, r.n_facts = n;                    order, status, entry: whatever the reply may say
 *     r.user = text, r.user_bytes = n_text;
 *     r.fallback = "Order 12 is on its way.", r.fallback_bytes = LLMCS_NUL;
 *     shop_wording_reply *reply = NULL;
 *     SHOP_TRY(shop_word(wording, &r, &reply));
 *     ... reply->text, reply->source ...
 *     shop_wording_reply_free(&reply);
 *
 * The caller decides what to say; the model only words it. The generated text must pass the gate (gate.h) and contain
 * every number, date, link and negation of the fallback and half of its words; else the reply is the fallback. The
 * core's engine generates up to 16 replies in one batch. A call waits only for its own reply, at most until its
 * deadline.
 *
 * Prompts use the template of shop-gpt2. In every inserted text, line ends and control characters become spaces and
 * "Bot:" loses its colon, so that no text can imitate another speaker:
 *
 *     Facts: status: on its way; carrier: Redkite. <entry>
 *     User: <earlier message>
 *     Bot: <earlier reply>
 *     User: <message>
 *     Bot:
 *
 * If the folder's prompt_template.json has "turn" (and "system"), that template is used, with the facts as the system
 * text; without "system" they are written as "Facts: ...\n".
 */
#ifndef SHOP_WORDING_WORDING_H
#define SHOP_WORDING_WORDING_H

#include <stdbool.h>

#include "llmcs_shop.h"

enum { SHOP_WORDING_STREAMS = 16, SHOP_WORDING_MAX_FACTS = 64, SHOP_WORDING_MAX_TURNS = 16 };

typedef struct shop_wording shop_wording; /* any number of threads */

/* folder: of a decoder, which is opened unless `model` is given. model: NULL, or a decoder that the caller keeps open;
 * then `folder` may be NULL, for the template of shop-gpt2. allocator: NULL for malloc. Errors: those of
 * llmcs_model_open and llmcs_engine_create, FORMAT (prompt_template.json), UNSUPPORTED (no tokenizer). */
llmcs_status shop_wording_create(const char *folder, llmcs_model *model, const llmcs_allocator *allocator,
                                 shop_wording **wording);

/* Waits for the threads inside shop_word, which return their fallbacks. No call may start afterwards. */
void shop_wording_free(shop_wording **wording);

typedef llmcs_shop_fact shop_fact; /* key (or NULL), value */

/* One earlier message with the reply that the customer got. */
typedef struct shop_wording_turn {
    const char *user;
    size_t user_bytes; /* or LLMCS_NUL, like all sizes here */
    const char *reply;
    size_t reply_bytes;
} shop_wording_turn;

typedef struct shop_wording_request {
    const shop_fact *facts; /* [n_facts], at most SHOP_WORDING_MAX_FACTS */
    size_t n_facts;
    const char *entry; /* text of the entry with the answer, or NULL */
    size_t entry_bytes;
    const llmcs_shop_slot *slots; /* [n_slots] values that the reply may name but the prompt does not show */
    size_t n_slots;
    const char *user; /* the customer's message, masked */
    size_t user_bytes;
    const shop_wording_turn *history; /* [n_history], oldest first; only as many of the last as fit are used */
    size_t n_history;
    const char *lang; /* "zh..." or another; NULL: that of the message */
    const char *fallback;
    size_t fallback_bytes;
    double deadline_ms;     /* from this call; 0: SHOP_WORDING_MS */
    int32_t max_new_tokens; /* 0: SHOP_WORDING_TOKENS */
} shop_wording_request;

enum { SHOP_WORDING_MS = 3000, SHOP_WORDING_TOKENS = 160 };

static inline void shop_wording_request_init(shop_wording_request *r) {
    *r = (shop_wording_request){
        .user = "", .fallback = "", .entry_bytes = LLMCS_NUL, .user_bytes = LLMCS_NUL, .fallback_bytes = LLMCS_NUL};
}

/* Where a reply's text comes from: the model, or the fallback and why. */
typedef enum shop_wording_source {
    SHOP_WORDED = 0,
    SHOP_WORDING_OFF,      /* there is no model: `wording` is NULL */
    SHOP_WORDING_NO_FACTS, /* neither facts nor an entry */
    SHOP_WORDING_TOO_LONG, /* facts and message do not fit the model's context */
    SHOP_WORDING_LATE,     /* deadline */
    SHOP_WORDING_FULL,     /* too many replies are waiting */
    SHOP_WORDING_FAILED,   /* the model failed; not logged, since the fallback is a valid reply */
    SHOP_WORDING_GATE,     /* the gate rejected the text, see `gate` */
    SHOP_WORDING_ABSTAINED /* the model found no answer in the facts */
} shop_wording_source;

typedef struct shop_wording_reply {
    const char *text; /* NUL-terminated */
    size_t text_bytes;
    shop_wording_source source;
    int gate;           /* shop_gate_reason, see gate.h; 0 if it passed or was not reached */
    const char *reason; /* "worded", "late", "number", "promise", ...: for logs and timings; never NULL */
    const char
        *generated; /* the generated text, even if rejected: for tests and statistics, never for customers; or NULL */
    size_t generated_bytes;
    double ms;
    size_t n_new_tokens;
} shop_wording_reply;

/* Waits at most until the deadline plus one step of the engine. wording: NULL gives the fallback. Errors: ARG NOMEM
 * LIMIT; all other failures give the fallback. */
llmcs_status shop_word(shop_wording *wording, const shop_wording_request *request, shop_wording_reply **reply);
void shop_wording_reply_free(shop_wording_reply **reply);

#endif
