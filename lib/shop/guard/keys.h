/*
 * The keys of a store, derived from its master key: one that wraps the customers' keys, one that signs the audit.
 *
 * They are made when they are first needed. The setting llmcs.audit_key keeps the public half of the signing key, by
 * which the wrong master key is recognised before anything is encrypted with it.
 */
#ifndef SHOP_GUARD_KEYS_H
#define SHOP_GUARD_KEYS_H

#include <pthread.h>

#include "shop/store/connection.h"

enum { SHOP_KEY_BYTES = 32, SHOP_PUBLIC_KEY_BYTES = 32, SHOP_SECRET_KEY_BYTES = 64 };

typedef struct shop_keys {
    const llmcs_allocator *allocator;
    char *file;           /* of the master key; not read if the host gave one */
    bool given;           /* by the host */
    pthread_mutex_t lock; /* guards what follows until `ready` */
    bool ready;
    uint8_t master[SHOP_KEY_BYTES]; /* only if given and until ready */
    uint8_t wrap[SHOP_KEY_BYTES];
    uint8_t public_key[SHOP_PUBLIC_KEY_BYTES];
    uint8_t secret_key[SHOP_SECRET_KEY_BYTES];
} shop_keys;

/* master: [32] or NULL; file: or NULL for STORE.key. Copies both. */
llmcs_status shop_keys_create(const llmcs_allocator *a, const char *store, const uint8_t *master, const char *file,
                              shop_keys **keys);
/* Overwrites and frees them. */
void shop_keys_free(shop_keys **keys);

/* The keys of c's store. STATE if there is no key yet, or if it is not the store's. */
llmcs_status shop_keys_read(shop_connection *c, const shop_keys **keys);

/* The same inside a write, which makes the master key if the store never had one. */
llmcs_status shop_keys_write(shop_connection *c, const shop_keys **keys);

/* The public key that the store names. *known: whether it names one. */
llmcs_status shop_keys_public(shop_connection *c, uint8_t key[SHOP_PUBLIC_KEY_BYTES], bool *known);

#endif
