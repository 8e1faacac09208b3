/*
 * Statements of flows.json. An authorizer limits them to the tables they may use. Text of the customer is only ever
 * bound to a statement, never part of it.
 */
#ifndef SHOP_DESK_STATEMENTS_H
#define SHOP_DESK_STATEMENTS_H

#include "shop/desk/template.h"
#include "shop/store/shared.h"

/* Values of a statement's parameters. */
typedef struct desk_binding {
    const desk_flows *flows;
    const char *const *slots; /* [n_slots]; NULL: empty */
    const char *customer_id;  /* or NULL */
    int64_t customer;         /* row; < 0: none */
    int64_t now;
    const char *lang, *conversation, *key;
} desk_binding;

/* Fails with FORMAT and SQLite's message, or if a parameter is neither built in nor a slot. */
llmcs_status desk_statement_prepare(shop_connection *c, const desk_query *query, sqlite3_stmt **stmt);

/* Connections for finds, each with its prepared statements. */
typedef struct desk_readers desk_readers;

/* True if the statement uses `events`, which no server has. */
bool desk_names_events(const desk_query *query);
llmcs_status desk_readers_create(llmcs_shop *shop, const desk_flows *flows, desk_readers **readers);
void desk_readers_free(desk_readers **readers);

/* Runs a find: on a reader with its own snapshot, or on `c` inside the caller's transaction. link: the turn's
 * connection, if the store has a server. Returns at most DESK_MAX_ROWS rows. Errors: as the store's; LIMIT if it takes
 * too long. */
llmcs_status desk_find_rows(desk_readers *readers, shop_connection *link, shop_connection *c, int find,
                            const desk_binding *binding, shop_arena *arena, const desk_rows **rows);

/* Runs an action in the caller's transaction, under a savepoint. *changed: number of rows; 0 and no change if it failed
 * or exceeded its limit. Returns LLMCS_OK in that case too; an error means that the transaction cannot continue. */
llmcs_status desk_act(desk_readers *readers, shop_connection *c, const desk_query *action, const desk_binding *binding,
                      int64_t *changed);

#endif
