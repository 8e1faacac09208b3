/*
 * The vault: values of masked names, encrypted under a key of their customer; a conversation without a customer has a
 * key of its own. Deleting the key erases. All functions run inside a transaction of the caller.
 *
 * A sealed value is nonce (24 bytes), XChaCha20-Poly1305 of length (4), value and zeros up to a multiple of 32, and tag
 * (16). Owner, conversation and name are authenticated with it: a row that was moved elsewhere does not open.
 */
#ifndef SHOP_GUARD_VAULT_H
#define SHOP_GUARD_VAULT_H

#include "shop/store/store.h"

enum { SHOP_ALIAS_BYTES = 25, SHOP_VALUE_BYTES = 4096 };

/* Remembers a value, 1 to SHOP_VALUE_BYTES. customer: an id, or NULL if nobody is known. The same value again does
 * nothing; BUSY if the name already stands for another value, by another process: load and try anew. */
llmcs_status shop_vault_put(llmcs_shop *shop, shop_connection *c, const char *customer, const char *conversation,
                            const char *name, const char *value, size_t value_bytes);

/* `value` is valid during the call and is overwritten after it. */
typedef llmcs_status (*shop_vault_fn)(void *user, const char *name, const char *value, size_t value_bytes);

/* Calls `each` for the values of a conversation, by name; stops at its first failure. Values of another customer's
 * conversation are not found. FORMAT if a value was changed. */
llmcs_status shop_vault_load(llmcs_shop *shop, shop_connection *c, const char *customer, const char *conversation,
                             shop_vault_fn each, void *user);

/* The random name under which a customer stands in the audit. Inside a write: makes the customer's key if it is new. */
llmcs_status shop_vault_alias(shop_connection *c, const char *customer, char alias[SHOP_ALIAS_BYTES]);

#endif
