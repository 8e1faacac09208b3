/* Opens and closes a store, and manages its connections. */
#include "shop/store/store.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "shop/base/clock.h"
#include "shop/base/options.h"
#include "shop/guard/audit.h"
#include "shop/guard/keys.h"
#include "shop/knowledge/knowledge.h"
#include "shop/recommend/recommender.h"
#include "shop/spelling/spelling.h"
#include "shop/store/inherited.h"
#include "shop/store/shared.h"

static const llmcs_shop_options default_options = {
    .struct_size = sizeof(llmcs_shop_options), .busy_ms = 5000, .n_readers = 8};

void llmcs_shop_options_init_sized(llmcs_shop_options *options, size_t struct_size) {
    shop_options_init(options, struct_size, &default_options, sizeof default_options);
}

llmcs_status shop_check(const llmcs_shop *shop) {
    if (!shop) return shop_fail(LLMCS_ARG, "shop is NULL");
    if (shop->owner == getpid()) return LLMCS_OK;
    return shop_fail(LLMCS_FORK, "%s: the store was opened before fork(): open it in this process after fork() or exec",
                     shop->path);
}

void shop_log(const llmcs_shop *shop, llmcs_log_level level, const char *fmt, ...) {
    char message[512];
    va_list args;
    if (!shop->log) return;
    va_start(args, fmt);
    sqlite3_vsnprintf(sizeof message, message, fmt, args);
    va_end(args);
    shop_call *call = shop_callback_begin();
    shop->log(shop->log_user, level, message);
    shop_callback_end(call);
}

/* ---- open */

static llmcs_status check_options(const llmcs_shop_options *o) {
    const uint32_t known = LLMCS_SHOP_CREATE | LLMCS_SHOP_READ_ONLY | LLMCS_SHOP_CHECK;
    if (o->flags & ~known) return shop_fail(LLMCS_ARG, "flags: 0x%x is not valid", o->flags & ~known);
    if ((o->flags & LLMCS_SHOP_CREATE) && (o->flags & LLMCS_SHOP_READ_ONLY))
        return shop_fail(LLMCS_ARG, "flags: LLMCS_SHOP_CREATE and LLMCS_SHOP_READ_ONLY exclude each other");
    if (o->busy_ms < 0 || o->busy_ms > 3600000)
        return shop_fail(LLMCS_ARG, "busy_ms: %d is not valid (0 to 3600000)", o->busy_ms);
    if (o->n_readers < 1 || o->n_readers > SHOP_MAX_READERS)
        return shop_fail(LLMCS_ARG, "n_readers: %d is not valid (1 to %d)", o->n_readers, SHOP_MAX_READERS);
    return LLMCS_OK;
}

static llmcs_status check_encoder(llmcs_shop *shop, llmcs_model *encoder) {
    llmcs_model_info info = {.struct_size = sizeof info};
    if (!encoder) return LLMCS_OK;
    SHOP_TRY(llmcs_model_get_info(encoder, &info));
    if (!(info.heads & LLMCS_HEAD_EMBEDDING))
        return shop_fail(LLMCS_NO_HEAD, "encoder: %s is a decoder and has no embeddings: use an encoder such as bert",
                         info.model_type);
    shop->encoder = encoder;
    shop->n_embedding = info.n_embedding;
    return llmcs_model_fingerprint(encoder, &shop->fingerprint);
}

/* Migrates a store of an older version; creates the tables in an empty file. */
static llmcs_status open_for_writing(llmcs_shop *shop, bool create) {
    shop_connection *c = &shop->writer;
    int version = 0;
    SHOP_TRY(shop_connection_open(c, shop->path, create ? SHOP_ACCESS_CREATE : SHOP_ACCESS_WRITE, shop->busy_ms));
    c->keys = shop->keys;
    SHOP_TRY(shop_inherited_add(shop->path, &shop->inherited_slot));
    SHOP_TRY(shop_schema_read_version(c, shop_n_migrations, &version));
    if (!version && !create)
        return shop_fail(LLMCS_FORMAT, "%s: the file is empty: create a store with LLMCS_SHOP_CREATE", shop->path);
    /* An old schema is checked before any statement runs on it. */
    if (version) SHOP_TRY(shop_schema_check(c, shop_migrations, version));
    if (version < shop_n_migrations) {
        SHOP_TRY(shop_schema_migrate(c, shop_migrations, shop_n_migrations));
        SHOP_TRY(shop_schema_check(c, shop_migrations, shop_n_migrations));
        if (version)
            shop_log(shop, LLMCS_LOG_INFO, "%s: migrated from version %d to %d", shop->path, version,
                     shop_n_migrations);
    }
    return shop_execute(c, "PRAGMA journal_mode = WAL", "cannot use a write-ahead log");
}

static llmcs_status check_read_only(shop_connection *c) {
    int version = 0;
    SHOP_TRY(shop_schema_read_version(c, shop_n_migrations, &version));
    if (!version) return shop_fail(LLMCS_FORMAT, "%s: the file is empty", c->path);
    if (version < shop_n_migrations)
        return shop_fail(LLMCS_UNSUPPORTED,
                         "%s: the store has version %d, expected %d: open it once without LLMCS_SHOP_READ_ONLY",
                         c->path, version, shop_n_migrations);
    return shop_schema_check(c, shop_migrations, shop_n_migrations);
}

static llmcs_status open_file(llmcs_shop *shop, uint32_t flags) {
    shop_connection *c;
    if (shop->read_only)
        SHOP_TRY(shop_inherited_add(shop->path, &shop->inherited_slot));
    else
        SHOP_TRY(open_for_writing(shop, flags & LLMCS_SHOP_CREATE));
    SHOP_TRY(shop_read_begin(shop, &c));
    llmcs_status status = shop->read_only ? check_read_only(c) : LLMCS_OK;
    if (!status && (flags & LLMCS_SHOP_CHECK)) status = shop_schema_check_pages(c);
    shop_read_end(shop, c);
    return status;
}

static llmcs_status init_locks(llmcs_shop *shop) {
    if (!pthread_mutex_init(&shop->write_lock, NULL)) {
        if (!pthread_mutex_init(&shop->pool_lock, NULL)) {
            if (shop_cond_init(&shop->reader_freed)) return LLMCS_OK;
            pthread_mutex_destroy(&shop->pool_lock);
        }
        pthread_mutex_destroy(&shop->write_lock);
    }
    return shop_fail(LLMCS_THREAD, "a lock could not be created");
}

llmcs_status llmcs_shop_open(const char *path, const llmcs_shop_options *options, llmcs_shop **shop) {
    SHOP_PUBLIC_CALL;
    llmcs_shop_options o = default_options;
    llmcs_shop *s;
    if (!shop) return shop_fail(LLMCS_ARG, "shop is NULL");
    *shop = NULL;
    if (!path || !*path) return shop_fail(LLMCS_ARG, "path is %s", path ? "empty" : "NULL");
    if (options)
        SHOP_TRY(shop_options_in(&o, sizeof o, SHOP_SIZE_UP_TO(llmcs_shop_options, n_readers), options,
                                 "llmcs_shop_options"));
    SHOP_TRY(check_options(&o));
    const llmcs_allocator a = shop_allocator_or_default(o.allocator);
    SHOP_TRY(shop_alloc_zero(&a, 1, sizeof *s, "shop", &s));
    s->allocator = a;
    s->log = o.log;
    s->log_user = o.log_user;
    s->read_only = o.flags & LLMCS_SHOP_READ_ONLY;
    s->busy_ms = o.busy_ms;
    s->n_readers = (size_t)o.n_readers;
    s->owner = getpid();
    s->inherited_slot = -1;
    llmcs_status status = shop_copy_text(&a, path, strlen(path), "path", &s->path);
    if (!status) status = init_locks(s);
    if (status) {
        shop_free(&a, s->path);
        shop_free(&a, s);
        return status;
    }
    status = check_encoder(s, o.encoder);
    if (!status) status = shop_keys_create(&s->allocator, path, o.master_key, o.key_file, &s->keys);
    if (!status) status = open_file(s, o.flags);
    if (!status) status = shop_shared_open(s, o.postgres, o.master_key, o.key_file);
    if (!status) status = shop_knowledge_create(s);
    if (!status) status = shop_recommender_create(s);
    if (!status) status = shop_spelling_create(s);
    if (status)
        llmcs_shop_free(&s);
    else
        *shop = s;
    return status;
}

void llmcs_shop_free(llmcs_shop **shop) {
    SHOP_PUBLIC_CALL;
    llmcs_shop *s = shop ? *shop : NULL;
    if (!s) return;
    const llmcs_allocator a = s->allocator;
    /* After fork() the child must not use its parent's SQLite connections, not even to close them. */
    const bool own = s->owner == getpid();
    *shop = NULL;
    shop_knowledge_free(s);
    shop_recommender_free(s);
    shop_spelling_free(s);
    shop_shared_close(s);
    for (size_t i = 0; i < s->n_readers; i++) {
        if (own && s->readers[i]) shop_connection_close(s->readers[i]);
        shop_free(&a, s->readers[i]);
    }
    if (own) {
        shop_connection_close(&s->writer);
        shop_inherited_remove(s->inherited_slot);
        pthread_cond_destroy(&s->reader_freed);
        pthread_mutex_destroy(&s->pool_lock);
        pthread_mutex_destroy(&s->write_lock);
    }
    shop_keys_free(&s->keys);
    shop_free(&a, s->path);
    shop_free(&a, s);
}

/* ---- readers */

/* Reserves a reader and returns its slot, or n_readers if none is free within busy_ms. */
static size_t acquire_reader(llmcs_shop *shop) {
    const struct timespec deadline = shop_after_ms(CLOCK_MONOTONIC, shop->busy_ms);
    size_t i = shop->n_readers;
    pthread_mutex_lock(&shop->pool_lock);
    for (int timed_out = 0; i == shop->n_readers;) {
        for (i = 0; i < shop->n_readers && shop->reader_used[i]; i++) continue;
        if (i < shop->n_readers)
            shop->reader_used[i] = true;
        else if (timed_out)
            break;
        else
            timed_out = pthread_cond_timedwait(&shop->reader_freed, &shop->pool_lock, &deadline) == ETIMEDOUT;
    }
    pthread_mutex_unlock(&shop->pool_lock);
    return i;
}

static void release_reader(llmcs_shop *shop, size_t slot) {
    pthread_mutex_lock(&shop->pool_lock);
    shop->reader_used[slot] = false;
    pthread_cond_signal(&shop->reader_freed);
    pthread_mutex_unlock(&shop->pool_lock);
}

static llmcs_status open_reader(llmcs_shop *shop, size_t slot) {
    shop_connection *c;
    if (shop->readers[slot]) return LLMCS_OK;
    SHOP_TRY(shop_alloc(&shop->allocator, 1, sizeof *c, "connection", &c));
    const llmcs_status status = shop_connection_open(c, shop->path, SHOP_ACCESS_READ, shop->busy_ms);
    c->keys = shop->keys;
    if (status)
        shop_free(&shop->allocator, c);
    else
        shop->readers[slot] = c;
    return status;
}

llmcs_status shop_read_begin(llmcs_shop *shop, shop_connection **c) {
    const size_t slot = acquire_reader(shop);
    if (slot == shop->n_readers)
        return shop_fail(LLMCS_BUSY, "%s: all %lld readers are in use", shop->path, (long long)shop->n_readers);
    llmcs_status status = open_reader(shop, slot);
    if (!status) status = shop_execute(shop->readers[slot], "BEGIN", "cannot be read");
    if (status)
        release_reader(shop, slot);
    else
        *c = shop->readers[slot];
    return status;
}

/* Rolls back an open transaction. If that fails for lack of memory, closes the connection and returns false. */
static bool end_transaction(shop_connection *c) {
    if (!sqlite3_get_autocommit(c->db)) sqlite3_exec(c->db, "ROLLBACK", NULL, NULL, NULL);
    if (sqlite3_get_autocommit(c->db)) return true;
    shop_connection_close(c);
    return false;
}

void shop_read_end(llmcs_shop *shop, shop_connection *c) {
    size_t slot = 0;
    while (shop->readers[slot] != c) slot++;
    if (!end_transaction(c)) {
        shop_free(&shop->allocator, c);
        shop->readers[slot] = NULL;
    }
    release_reader(shop, slot);
}

/* ---- writer */

llmcs_status shop_write_begin(llmcs_shop *shop, shop_connection **c) {
    if (shop->read_only)
        return shop_fail(LLMCS_STATE, "%s: the store was opened with LLMCS_SHOP_READ_ONLY", shop->path);
    const struct timespec deadline = shop_after_ms(CLOCK_REALTIME, shop->busy_ms);
    if (pthread_mutex_timedlock(&shop->write_lock, &deadline))
        return shop_fail(LLMCS_BUSY, "%s: another thread has been writing for %d ms", shop->path, shop->busy_ms);
    llmcs_status status = LLMCS_OK;
    if (!shop->writer.db) status = shop_connection_open(&shop->writer, shop->path, SHOP_ACCESS_WRITE, shop->busy_ms);
    shop->writer.keys = shop->keys;
    shop->writer.audit_grew = false;
    if (!status) status = shop_execute(&shop->writer, "BEGIN IMMEDIATE", "cannot be written");
    if (status)
        pthread_mutex_unlock(&shop->write_lock);
    else
        *c = &shop->writer;
    return status;
}

llmcs_status shop_write_end(llmcs_shop *shop, shop_connection *c, llmcs_status status) {
    if (!status && c->audit_grew) status = shop_audit_sign(c);
    if (!status) status = shop_execute(c, "COMMIT", "cannot be written");
    if (status) end_transaction(c); /* unless SQLite has already rolled back */
    pthread_mutex_unlock(&shop->write_lock);
    return status;
}

llmcs_status shop_truncate_log(llmcs_shop *shop, bool *done) {
    const struct timespec deadline = shop_after_ms(CLOCK_REALTIME, shop->busy_ms);
    int64_t busy = 1;
    *done = false;
    if (pthread_mutex_timedlock(&shop->write_lock, &deadline)) return LLMCS_OK;
    llmcs_status status = LLMCS_OK;
    if (shop->writer.db) status = shop_lookup_int(&shop->writer, 1, &busy, "PRAGMA wal_checkpoint(TRUNCATE)", "");
    pthread_mutex_unlock(&shop->write_lock);
    *done = !busy;
    return status == LLMCS_BUSY ? LLMCS_OK : status;
}

llmcs_status shop_next_change(shop_connection *c, int64_t *change) {
    return shop_lookup_int(c, 0, change,
                           "UPDATE settings SET value = value + 1 WHERE key = 'llmcs.changes' RETURNING value", "");
}
