/* The shop's calls: what shop_api.c opens and the other shop_*.c files use. */
#ifndef TOOLS_SERVER_SHOP_H
#define TOOLS_SERVER_SHOP_H

#include "calls.h"
#include "server.h"

enum { SHOP_N_ROUTES = LLMCS_DESK_SILENT + 1 };

/* server.shop; NULL without a store. */
typedef struct shop_state {
    llmcs_shop_service *service;
    llmcs_shop *shop;
    llmcs_shop_desk *desk;
    llmcs_shop_assistant *assistant;
    int64_t now;                                /* the store's clock; 0: the current time */
    int64_t turns[SHOP_N_ROUTES], failed_turns; /* answered since the start; atomically */
} shop_state;

static inline shop_state *shop_of(const exchange *x) { return x->server->shop; }

/* What a call of calls.h added to `out` as JSON text, which the caller frees; NULL after a failure, which *status then
 * is. Frees `out`. */
char *shop_text(llmcs_status *status, cli_answer *out);
/* Answers with that text, or with the failure. */
void shop_answer(exchange *x, llmcs_status status, cli_answer *out);
/* A failure of the library or of a request's value. */
void shop_fail(exchange *x, llmcs_status status);

/* Who acts for the shop, for the store's records: the key's name. A key with role shop may name the agent whom the host
 * has authenticated, in request[key]. NULL after answering. */
const char *shop_actor(exchange *x, const json_t *request, const char *key);
/* May the caller name any customer? */
static inline bool shop_speaks_for_all(const exchange *x) { return x->caller.roles & (ROLE_SHOP | ROLE_ADMIN); }
static inline bool shop_is_staff(const exchange *x) { return x->caller.roles & (ROLE_AGENT | ROLE_SHOP | ROLE_ADMIN); }
/* Sets request["customer"] to the customer of the key or token; 403 if it names another one. */
bool shop_bind_customer(exchange *x, json_t *request);
/* A number of the query string. False after answering 400. */
bool shop_query_int(exchange *x, const char *key, int64_t low, int64_t high, int64_t fallback, int64_t *value);
/* A row in the audit. False after answering. */
bool shop_audit(exchange *x, const char *actor, const char *action, const char *kind, const char *id);

/* An llmcs_shop_refused_fn of a put of one row; user: an llmcs_status. */
void shop_keep_refusal(void *user, size_t row, llmcs_status status, const char *reason);

/* Handlers. shop_customer.c */
void shop_turn(exchange *x);
void shop_ask(exchange *x);
void shop_recommend(exchange *x);
void shop_products(exchange *x);
void shop_history(exchange *x);
/* shop_agent.c */
void shop_assist(exchange *x);
void shop_feedback(exchange *x);
void shop_queue(exchange *x);
void shop_take_over(exchange *x);
void shop_reply(exchange *x);
void shop_hand_back(exchange *x);
void shop_close(exchange *x);
void shop_resolve(exchange *x);
/* shop_faq.c */
void shop_list_faq(exchange *x);
void shop_get_faq(exchange *x);
void shop_put_faq(exchange *x);
void shop_retire_faq(exchange *x);
/* shop_dashboard.c */
void shop_dashboard(exchange *x);

#endif
