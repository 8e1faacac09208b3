/*
 * Statements of flows.json. They are prepared under an authorizer that knows the tables they name; nothing of the
 * customer's text is ever part of one, only bound to it.
 */
#ifndef SHOP_DESK_STATEMENTS_H
#define SHOP_DESK_STATEMENTS_H

#include "shop/desk/template.h"
#include "shop/store/shared.h"

/* Values of a statement's parameters. */
typedef struct desk_binding {
    const desk_flows *flows;
    const char *const *slots; /* [n_slots], NULL where empty */
    const char *customer_id;  /* or NULL */
    int64_t customer;         /* row; < 0: none */
    int64_t now;
    const char *lang, *conversation, *key;
} desk_binding;

/* The first parameter of `name` that is none of ours and no slot is refused. Errors: FORMAT with what SQLite says. */
llmcs_status desk_statement_prepare(shop_connection *c, const desk_query *query, sqlite3_stmt **stmt);

/* Connections that read for finds, each with its statements. */
typedef struct desk_readers desk_readers;

/* Whether the statement names `events`, which no server has. */
bool desk_names_events(const desk_query *query);
llmcs_status desk_readers_create(llmcs_shop *shop, const desk_flows *flows, desk_readers **readers);
void desk_readers_free(desk_readers **readers);

/* Runs a find: on a reader of its own snapshot, or on `c` inside the caller's transaction. link: of the turn, if the
 * store has a server. Rows beyond DESK_MAX_ROWS are left out. Errors: as the store's; LIMIT if it takes too long. */
llmcs_status desk_find_rows(desk_readers *readers, shop_connection *link, shop_connection *c, int find,
                            const desk_binding *binding, shop_arena *arena, const desk_rows **rows);

/* Runs an action inside the caller's transaction, under a savepoint: *changed rows, or 0 and nothing changed if it
 * failed or changed more than it may. LLMCS_OK also then; an error only where the transaction cannot go on. */
llmcs_status desk_act(desk_readers *readers, shop_connection *c, const desk_query *action, const desk_binding *binding,
                      int64_t *changed);

#endif
