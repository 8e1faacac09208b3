/*
 * The vault holds the values of masked names, encrypted with the customer's key; a conversation without a customer has
 * its own key. Deleting the key erases the values. All functions run inside a transaction of the caller.
 *
 * A sealed value is the nonce (24 bytes), the encrypted length (4 bytes), value and zero padding to a multiple of 32,
 * and the tag (16 bytes), by XChaCha20-Poly1305. Owner, conversation and name are authenticated too, so a row that was
 * moved elsewhere does not decrypt.
 */
#ifndef SHOP_GUARD_VAULT_H
#define SHOP_GUARD_VAULT_H

#include "shop/store/store.h"

enum { SHOP_ALIAS_BYTES = 25, SHOP_VALUE_BYTES = 4096 };

/* Stores a value of 1 to SHOP_VALUE_BYTES. customer: an id, or NULL if unknown. Storing the same value again does
 * nothing. BUSY if another process has used the name for a different value: load the names and try again. */
llmcs_status shop_vault_put(llmcs_shop *shop, shop_connection *c, const char *customer, const char *conversation,
                            const char *name, const char *value, size_t value_bytes);

/* `value` is valid during the call and overwritten afterwards. */
typedef llmcs_status (*shop_vault_fn)(void *user, const char *name, const char *value, size_t value_bytes);

/* Calls `each` for the values of a conversation, sorted by name; stops at its first failure. Values of another customer
 * are skipped. FORMAT if a value was tampered with. */
llmcs_status shop_vault_load(llmcs_shop *shop, shop_connection *c, const char *customer, const char *conversation,
                             shop_vault_fn each, void *user);

/* The random name of a customer in the audit. Must be called inside a write: creates the customer's key if needed. */
llmcs_status shop_vault_alias(shop_connection *c, const char *customer, char alias[SHOP_ALIAS_BYTES]);

#endif
