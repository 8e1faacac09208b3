/*
 * Runs statements of flows.json when orders live on a server.
 *
 * The statements are written for SQLite and join orders with products, which each node keeps in its local file. So they
 * are not sent to the server. The rows of one customer are copied into temporary tables that shadow the tables of the
 * same names in the file, the statement runs on them, and rows that an action changed are written back.
 *
 *   - The server sees only the statements of borrow.c, with the customer's row as a parameter. No statement of
 *     flows.json can reach rows of another customer, other tables or functions of the server.
 *   - A find reads in a read-only transaction. The rows of an action stay locked until the turn is stored.
 */
#ifndef SHOP_DESK_BORROW_H
#define SHOP_DESK_BORROW_H

#include "shop/store/shared.h"

/* Tables that a statement uses. */
enum { DESK_BORROW_CUSTOMERS = 1, DESK_BORROW_ORDERS = 2, DESK_BORROW_ITEMS = 4 };

/* Creates the temporary tables on a connection that only reads the file. */
llmcs_status desk_borrow_init(shop_connection *c);

/* Copies the rows of `customer` (a row of the server's customers; < 0: copies nothing). lock: no other thread can
 * change the rows until the transaction ends. Returns LIMIT if the customer has more than 10,000 orders. */
llmcs_status desk_borrow(shop_connection *c, shop_connection *server, unsigned tables, int64_t customer, bool lock);
/* Empties the temporary tables. */
llmcs_status desk_borrow_end(shop_connection *c);

enum { DESK_MAX_CHANGES = 64 };

/* The rows that a statement changed. n counts all of them and may exceed the number kept. */
typedef struct desk_changes {
    size_t n;
    struct {
        char table; /* first letter of the table; 'i' for order_items */
        bool inserted;
        int64_t row;
    } rows[DESK_MAX_CHANGES];
} desk_changes;

/* Starts recording changes; NULL stops. */
void desk_borrow_watch(shop_connection *c, desk_changes *changes);

/* Writes the changes to the server. Sets *done to false if a change failed or touches a row of another customer; the
 * caller then rolls back. */
llmcs_status desk_borrow_return(shop_connection *c, shop_connection *server, int64_t customer,
                                const desk_changes *changes, bool *done);

#endif
