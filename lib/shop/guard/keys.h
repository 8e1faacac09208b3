/*
 * The keys of a store, derived from its master key: one that wraps the customers' keys, one that signs the audit.
 *
 * They are created on first use. The setting llmcs.audit_key holds the public signing key, so a wrong master key is
 * detected before anything is encrypted with it.
 */
#ifndef SHOP_GUARD_KEYS_H
#define SHOP_GUARD_KEYS_H

#include <pthread.h>

#include "shop/store/connection.h"

enum { SHOP_KEY_BYTES = 32, SHOP_PUBLIC_KEY_BYTES = 32, SHOP_SECRET_KEY_BYTES = 64 };

typedef struct shop_keys {
    const llmcs_allocator *allocator;
    char *file;           /* path of the master key's file; not read if `given` */
    bool given;           /* the host passed the master key */
    pthread_mutex_t lock; /* guards the members below until `ready` */
    bool ready;
    uint8_t master[SHOP_KEY_BYTES]; /* only if `given`, and until `ready` */
    uint8_t wrap[SHOP_KEY_BYTES];
    uint8_t public_key[SHOP_PUBLIC_KEY_BYTES];
    uint8_t secret_key[SHOP_SECRET_KEY_BYTES];
} shop_keys;

/* master: [32] or NULL; file: or NULL for STORE.key. Copies both. */
llmcs_status shop_keys_create(const llmcs_allocator *a, const char *store, const uint8_t *master, const char *file,
                              shop_keys **keys);
/* Overwrites and frees them. */
void shop_keys_free(shop_keys **keys);

/* The keys of c's store. STATE if there is no key yet, or if it is the key of another store. */
llmcs_status shop_keys_read(shop_connection *c, const shop_keys **keys);

/* The same inside a write: creates the master key if the store never had one. */
llmcs_status shop_keys_write(shop_connection *c, const shop_keys **keys);

/* Reads the setting llmcs.audit_key. *known: false if it is not set. */
llmcs_status shop_keys_public(shop_connection *c, uint8_t key[SHOP_PUBLIC_KEY_BYTES], bool *known);

#endif
