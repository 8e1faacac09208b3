/*
 * The store inside the library: one connection that writes, and a pool of connections that read.
 *
 *     shop_connection *c;
 *     SHOP_TRY(shop_read_begin(shop, &c));          reads one snapshot
 *     llmcs_status status = ...queries on c...;
 *     shop_read_end(shop, c);
 *
 *     SHOP_TRY(shop_write_begin(shop, &c));         nobody else writes from here
 *     llmcs_status status = ...changes on c...;
 *     return shop_write_end(shop, c, status);       commits if status is LLMCS_OK, else rolls back
 */
#ifndef SHOP_STORE_STORE_H
#define SHOP_STORE_STORE_H

#include <pthread.h>
#include <sys/types.h>

#include "shop/base/call.h"
#include "shop/store/connection.h"
#include "shop/store/schema.h"

enum { SHOP_MAX_READERS = 64 };

struct llmcs_shop {
    llmcs_allocator allocator;
    llmcs_model *encoder; /* or NULL */
    int32_t n_embedding;  /* floats in its vectors */
    uint64_t fingerprint; /* of the encoder */
    llmcs_log_fn log;     /* or NULL */
    void *log_user;
    char *path;
    bool read_only;
    int32_t busy_ms;
    pid_t owner; /* the process that opened the store */
    int inherited_slot;
    struct shop_keys *keys;     /* lib/shop/guard: of the vault and the audit */
    struct shop_shared *shared; /* shared.h: the server with conversations and orders; NULL: they are in the file */

    struct shop_knowledge *knowledge;     /* lib/shop/knowledge: index of the entries */
    struct shop_entry_cache *entry_cache; /* lib/shop/knowledge: words of entries */
    struct shop_spelling *spelling;       /* lib/shop/spelling: words of entries and products */
    struct shop_recommender *recommender; /* lib/shop/recommend: index of products and events */

    pthread_mutex_t write_lock; /* held from shop_write_begin to shop_write_end */
    shop_connection writer;     /* closed if read_only, or after a failed rollback */

    pthread_mutex_t pool_lock; /* guards what follows */
    pthread_cond_t reader_freed;
    shop_connection *readers[SHOP_MAX_READERS]; /* [n_readers]; NULL: not opened yet */
    bool reader_used[SHOP_MAX_READERS];
    size_t n_readers;
};

/* ARG if shop is NULL, FORK in a process that did not open it. Every public function calls it first. */
llmcs_status shop_check(const llmcs_shop *shop);

llmcs_status shop_read_begin(llmcs_shop *shop, shop_connection **c);
void shop_read_end(llmcs_shop *shop, shop_connection *c);

/* STATE if the store is read-only. */
llmcs_status shop_write_begin(llmcs_shop *shop, shop_connection **c);
llmcs_status shop_write_end(llmcs_shop *shop, shop_connection *c, llmcs_status status);

/* Copies the write-ahead log into the file and truncates it, so that it holds no deleted rows. *done: false if a reader
 * of an older snapshot did not end within busy_ms. Must not be called inside a write. */
llmcs_status shop_truncate_log(llmcs_shop *shop, bool *done);

/* The next value for the column `changed`. Must be called inside a write. */
llmcs_status shop_next_change(shop_connection *c, int64_t *change);

void shop_log(const llmcs_shop *shop, llmcs_log_level level, const char *fmt, ...);

#endif
