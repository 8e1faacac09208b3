/*
 * The shared tables: customers, orders, order_items, conversations, turns, actions, keys, names, audit, audit_heads.
 * They are in the store's file, or on a database server that several nodes share. Code that uses them gets its
 * connection here; without a server it is the SQLite connection. Statements on these tables run on both.
 *
 * - Writes. SQLite locks the file. On a server every write holds SHOP_LOCK_STORE in shared mode; a write that may
 *   change any row (import, forget, retention) holds it exclusively.
 * - Turns. shop_shared_enter keeps other nodes out of a conversation during a turn. Correctness does not depend on it:
 *   the transaction checks that the conversation is still as it was read.
 * - Order of locks: store, conversation, customer, orders, audit. Writers that keep to it cannot deadlock.
 * - Reconnecting. A statement on a lost connection fails with LLMCS_IO. The next transaction reconnects, within the
 *   turn's deadline and with growing pauses between failures. It waits equally long for the lock on the conversation,
 *   which the lost session holds until the server notices the loss. If a COMMIT gets no answer, the transaction's
 *   status is queried; LLMCS_PENDING: that failed too.
 */
#ifndef SHOP_STORE_SHARED_H
#define SHOP_STORE_SHARED_H

#include "shop/store/store.h"

/* conninfo: a connection string, "file:PATH" of a file whose first line is one, or "" for no server; NULL: the setting
 * llmcs.postgres. Creates or migrates the tables unless the store is read-only. The keys are those of the store. */
llmcs_status shop_shared_open(llmcs_shop *shop, const char *conninfo, const uint8_t *master_key, const char *key_file);
void shop_shared_close(llmcs_shop *shop);

/* Locks the conversation for a turn; waits at most wait_ms (< 0: busy_ms) for other nodes. *link: the turn's own
 * connection, for the functions below; NULL in a store without a server. */
llmcs_status shop_shared_enter(llmcs_shop *shop, const char *conversation, double wait_ms, shop_connection **link);
void shop_shared_leave(llmcs_shop *shop, shop_connection *link);

/* link: of shop_shared_enter, or NULL for any. */
llmcs_status shop_shared_read_begin(llmcs_shop *shop, shop_connection *link, shop_connection **c);
void shop_shared_read_end(llmcs_shop *shop, shop_connection *c);

llmcs_status shop_shared_write_begin(llmcs_shop *shop, shop_connection *link, shop_connection **c);
/* The same, with all other writers locked out. */
llmcs_status shop_shared_write_alone(llmcs_shop *shop, shop_connection **c);
llmcs_status shop_shared_write_end(llmcs_shop *shop, shop_connection *c, llmcs_status status);

/* Takes a lock on the server until the transaction ends. Must be called inside a write. Does nothing in SQLite, whose
 * file is already locked. */
typedef enum shop_lock_kind {
    SHOP_LOCK_STORE,
    SHOP_LOCK_CONVERSATION,
    SHOP_LOCK_CUSTOMER,
    SHOP_LOCK_AUDIT
} shop_lock_kind;
llmcs_status shop_lock(shop_connection *c, shop_lock_kind kind, const char *name);

/* In shared_schema.c. Must be called outside transactions. */
llmcs_status shop_shared_schema(shop_connection *c, bool read_only);

#endif
