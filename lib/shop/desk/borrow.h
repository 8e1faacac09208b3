/*
 * Statements of flows.json where orders are on a server.
 *
 * Such a statement joins orders with products, which each node has in its file; and the shop wrote it for SQLite. So it
 * is not sent to the server. The rows of one customer are read into temporary tables that hide the file's of the same
 * names, the statement runs there, and rows that an action changed are written back.
 *
 *   - The server sees only the statements of borrow.c, with the customer's row as a parameter: whatever flows.json
 * says, it reaches no row of anybody else, no other table and no function of the server.
 *   - A find reads in a read-only transaction. An action's rows are locked until the turn is stored.
 */
#ifndef SHOP_DESK_BORROW_H
#define SHOP_DESK_BORROW_H

#include "shop/store/shared.h"

/* Tables that a statement names. */
enum { DESK_BORROW_CUSTOMERS = 1, DESK_BORROW_ORDERS = 2, DESK_BORROW_ITEMS = 4 };

/* Makes the temporary tables on a connection that only reads the file. */
llmcs_status desk_borrow_init(shop_connection *c);

/* Fills them with what the server has of `customer`, a row of its customers; < 0: nobody. lock: until the transaction
 * ends nobody else changes the rows. LIMIT: of more than 10,000 orders. */
llmcs_status desk_borrow(shop_connection *c, shop_connection *server, unsigned tables, int64_t customer, bool lock);
/* Empties them. */
llmcs_status desk_borrow_end(shop_connection *c);

enum { DESK_MAX_CHANGES = 64 };

/* Rows that a statement changed. n may be larger than what is kept. */
typedef struct desk_changes {
    size_t n;
    struct {
        char table; /* its first letter, for order_items 'i' */
        bool inserted;
        int64_t row;
    } rows[DESK_MAX_CHANGES];
} desk_changes;

/* From here on changes are noted; NULL: no longer. */
void desk_borrow_watch(shop_connection *c, desk_changes *changes);

/* Writes them to the server. *done: false if one could not be made, or is not the customer's: roll back. */
llmcs_status desk_borrow_return(shop_connection *c, shop_connection *server, int64_t customer,
                                const desk_changes *changes, bool *done);

#endif
