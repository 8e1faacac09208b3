/*
 * Where conversations and orders are: in the store's file, or on a database server that several nodes share.
 *
 * The tables customers, orders, order_items, conversations, turns, actions, keys, names, audit and audit_heads are the
 * shared ones. Code that reads or writes them gets a connection here; in a store without a server that is SQLite's,
 * and nothing is different. Statements on the shared tables are written so that both run them.
 *
 *   one write       SQLite locks the file. On a server every write holds SHOP_LOCK_STORE in common; one that may touch
 *                   anything (import, forget, retention) holds it alone.
 *   one turn        shop_shared_enter keeps other nodes out of a conversation while its turn is made. What is stored is
 *                   right without it, too: the transaction checks that the conversation is as it was read.
 *   order of locks  store, conversation, customer, orders, audit: so writers wait and never deadlock.
 *   lost            a statement on a lost connection fails with LLMCS_IO; the next transaction connects again, with
 *                   longer and longer pauses while that fails, in the time that the turn's deadline leaves. The lock
 *                   of the conversation, which the lost session has until the server notices, is waited for likewise.
 *                   Whether a COMMIT that got no answer took effect is asked of the server by the transaction's number;
 *                   LLMCS_PENDING: it could not be asked either.
 */
#ifndef SHOP_STORE_SHARED_H
#define SHOP_STORE_SHARED_H

#include "shop/store/store.h"

/* Follows `conninfo`: a connection string, "file:PATH" of a file whose first line is one, or "" for none; NULL: the
 * setting llmcs.postgres. Makes or migrates the tables unless the store is read-only. The key is the store's own. */
llmcs_status shop_shared_open(llmcs_shop *shop, const char *conninfo, const uint8_t *master_key, const char *key_file);
void shop_shared_close(llmcs_shop *shop);

/* Waits at most wait_ms (< 0: busy_ms) until no other node is in the conversation. *link: the connection that the turn
 * has to itself, for the functions below; NULL in a store without a server. */
llmcs_status shop_shared_enter(llmcs_shop *shop, const char *conversation, double wait_ms, shop_connection **link);
void shop_shared_leave(llmcs_shop *shop, shop_connection *link);

/* link: of shop_shared_enter, or NULL for any. */
llmcs_status shop_shared_read_begin(llmcs_shop *shop, shop_connection *link, shop_connection **c);
void shop_shared_read_end(llmcs_shop *shop, shop_connection *c);

llmcs_status shop_shared_write_begin(llmcs_shop *shop, shop_connection *link, shop_connection **c);
/* The same, and nobody else writes meanwhile. */
llmcs_status shop_shared_write_alone(llmcs_shop *shop, shop_connection **c);
llmcs_status shop_shared_write_end(llmcs_shop *shop, shop_connection *c, llmcs_status status);

/* Inside a write on a server; in SQLite the file is locked already. Ends with the transaction. */
typedef enum shop_lock_kind {
    SHOP_LOCK_STORE,
    SHOP_LOCK_CONVERSATION,
    SHOP_LOCK_CUSTOMER,
    SHOP_LOCK_AUDIT
} shop_lock_kind;
llmcs_status shop_lock(shop_connection *c, shop_lock_kind kind, const char *name);

/* lib/shop/store/shared_schema.c: inside no transaction. */
llmcs_status shop_shared_schema(shop_connection *c, bool read_only);

#endif
