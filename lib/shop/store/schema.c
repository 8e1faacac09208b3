/* Creates, migrates and checks the tables of a store. */
#include "shop/store/schema.h"

#include <string.h>

/*
 * Rows refer to each other by integer keys (`row`); `id` is the shop's own name for a row. `changed` is the number of
 * the write that last changed the row (the setting llmcs.changes counts them), so caches in memory are updated by
 * reading the rows with a larger number.
 */
const shop_migration shop_migrations[] = {
    {"products, customers, events, orders",
     "CREATE TABLE settings(key TEXT PRIMARY KEY, value) WITHOUT ROWID;"
     "INSERT INTO settings VALUES('llmcs.changes', 0);"
     "CREATE TABLE products(row INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, category TEXT, brand TEXT,"
     " price REAL NOT NULL, currency TEXT, stock INTEGER, tags TEXT NOT NULL, changed INTEGER NOT NULL);"
     "CREATE INDEX products_changed ON products(changed);"
     "CREATE TABLE product_texts(row INTEGER PRIMARY KEY AUTOINCREMENT, product INTEGER NOT NULL, lang TEXT NOT NULL,"
     " title TEXT NOT NULL, description TEXT, attributes TEXT, UNIQUE(product, lang));"
     "CREATE TABLE customers(row INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, name TEXT, lang TEXT,"
     " since INTEGER);"
     "CREATE TABLE events(row INTEGER PRIMARY KEY AUTOINCREMENT, customer INTEGER NOT NULL, product INTEGER NOT NULL,"
     " type TEXT NOT NULL, time INTEGER NOT NULL, UNIQUE(customer, product, type, time));"
     "CREATE INDEX events_product ON events(product);"
     "CREATE TABLE orders(row INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, customer INTEGER NOT NULL,"
     " status TEXT NOT NULL, time INTEGER NOT NULL, total REAL NOT NULL, currency TEXT, carrier TEXT, tracking TEXT,"
     " city TEXT);"
     "CREATE INDEX orders_customer ON orders(customer);"
     /* `item` is a product's id; the product itself may be gone */
     "CREATE TABLE order_items(order_row INTEGER NOT NULL, position INTEGER NOT NULL, item TEXT NOT NULL,"
     " quantity INTEGER NOT NULL, price REAL NOT NULL, PRIMARY KEY(order_row, position)) WITHOUT ROWID;"},
    {"knowledge entries",
     /* The key of an entry is its id and language. Texts of all versions are kept, so that old citations resolve:
      * position 0 is the answer, 1 and up are the questions. live: in the current version of an entry that is not
      * retired. */
     "CREATE TABLE entries(row INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, lang TEXT NOT NULL,"
     " version INTEGER NOT NULL, retired INTEGER NOT NULL, valid_from INTEGER, valid_until INTEGER,"
     " tags TEXT NOT NULL, UNIQUE(id, lang));"
     "CREATE TABLE texts(row INTEGER PRIMARY KEY AUTOINCREMENT, entry INTEGER NOT NULL, version INTEGER NOT NULL,"
     " position INTEGER NOT NULL, live INTEGER NOT NULL, text TEXT NOT NULL, changed INTEGER NOT NULL,"
     " UNIQUE(entry, version, position));"
     "CREATE INDEX texts_changed ON texts(changed);"
     /* rowid: texts.row of live texts; words: the text as split by lib/shop/knowledge, separated by spaces */
     "CREATE VIRTUAL TABLE text_words USING fts5(words, tokenize = 'unicode61 remove_diacritics 0');"
     /* number of live texts with the word; for the word "", the number of live texts */
     "CREATE TABLE word_counts(word TEXT PRIMARY KEY, n INTEGER NOT NULL) WITHOUT ROWID;"},
    {"models and vectors",
     "CREATE TABLE models(row INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, version INTEGER NOT NULL,"
     " kind TEXT NOT NULL, path TEXT, fingerprint INTEGER, bytes BLOB, created INTEGER NOT NULL,"
     " UNIQUE(name, version));"
     /* vector: float16, little-endian, of row `row` in table `source`, from the encoder with this fingerprint */
     "CREATE TABLE vectors(source TEXT NOT NULL, row INTEGER NOT NULL, fingerprint INTEGER NOT NULL,"
     " vector BLOB NOT NULL, UNIQUE(source, row, fingerprint));"},
    {"suggestions, feedback, versions of models, decisions",
     /* What an agent was shown. turn: turns.row that it replies to; outcome: shown, accepted, edited, rejected */
     "CREATE TABLE suggestions(row INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,"
     " conversation TEXT NOT NULL, customer INTEGER, turn INTEGER, position INTEGER NOT NULL, kind TEXT NOT NULL,"
     " lang TEXT NOT NULL, question TEXT NOT NULL, text TEXT NOT NULL, citations TEXT NOT NULL, verdict TEXT,"
     " action TEXT, outcome TEXT NOT NULL, actor TEXT, time INTEGER NOT NULL, decided INTEGER);"
     "CREATE INDEX suggestions_conversation ON suggestions(conversation);"
     /* text and reply are masked. consent: the text may train models */
     "CREATE TABLE feedback(row INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, customer INTEGER,"
     " conversation TEXT, lang TEXT NOT NULL, text TEXT NOT NULL, model TEXT, label TEXT, predicted TEXT, reply TEXT,"
     " outcome TEXT NOT NULL, rating REAL, consent INTEGER NOT NULL, actor TEXT, time INTEGER NOT NULL);"
     "CREATE INDEX feedback_model ON feedback(model);"
     "CREATE INDEX feedback_customer ON feedback(customer);"
     /* rowid: feedback.row of rows whose reply was sent; words as in text_words */
     "CREATE VIRTUAL TABLE reply_words USING fts5(words, tokenize = 'unicode61 remove_diacritics 0');"
     /* The last row of a model says which versions answer. mode: live, shadow, canary. previous: the row that a
      * rollback of the live version restores */
     "CREATE TABLE deployments(row INTEGER PRIMARY KEY AUTOINCREMENT, model TEXT NOT NULL, live INTEGER NOT NULL,"
     " challenger INTEGER, mode TEXT NOT NULL, share REAL NOT NULL, previous INTEGER, n_compared INTEGER NOT NULL,"
     " n_differ INTEGER NOT NULL, actor TEXT, time INTEGER NOT NULL);"
     "CREATE INDEX deployments_model ON deployments(model);"
     /* Checksum of the rows on which versions of a model are compared; the rows may not change */
     "CREATE TABLE test_sets(model TEXT PRIMARY KEY, checksum INTEGER NOT NULL, n INTEGER NOT NULL,"
     " time INTEGER NOT NULL) WITHOUT ROWID;"
     "CREATE TABLE comparisons(row INTEGER PRIMARY KEY AUTOINCREMENT, model TEXT NOT NULL, a INTEGER NOT NULL,"
     " b INTEGER NOT NULL, metric TEXT NOT NULL, n INTEGER NOT NULL, score_a REAL NOT NULL, score_b REAL NOT NULL,"
     " low REAL NOT NULL, high REAL NOT NULL, p REAL NOT NULL, time INTEGER NOT NULL);"
     /* candidates, propensities and features are JSON arrays of one length; chosen is one of the candidates */
     "CREATE TABLE decisions(row INTEGER PRIMARY KEY AUTOINCREMENT, strategy TEXT NOT NULL, id TEXT NOT NULL,"
     " conversation TEXT, context TEXT NOT NULL, candidates TEXT NOT NULL, propensities TEXT NOT NULL, features TEXT,"
     " chosen TEXT NOT NULL, propensity REAL NOT NULL, feature REAL, reward REAL, time INTEGER NOT NULL,"
     " UNIQUE(strategy, id));"
     /* Sums over decisions with reward r and feature z, used by the next decision */
     "CREATE TABLE arms(strategy TEXT NOT NULL, candidate TEXT NOT NULL, context TEXT NOT NULL, n INTEGER NOT NULL,"
     " r REAL NOT NULL, rr REAL NOT NULL, z REAL NOT NULL, zz REAL NOT NULL, zr REAL NOT NULL,"
     " PRIMARY KEY(strategy, candidate, context)) WITHOUT ROWID;"},
    {"vault, audit, budgets",
     /* owner: "customer/ID" or "conversation/ID"; alias: the owner's name in the audit; wrapped: the owner's key */
     "CREATE TABLE keys(owner TEXT PRIMARY KEY, alias TEXT NOT NULL UNIQUE, wrapped BLOB NOT NULL,"
     " created INTEGER NOT NULL) WITHOUT ROWID;"
     /* sealed: the value behind the placeholder, encrypted with the owner's key */
     "CREATE TABLE names(owner TEXT NOT NULL, conversation TEXT NOT NULL, name TEXT NOT NULL, sealed BLOB NOT NULL,"
     " time INTEGER NOT NULL, PRIMARY KEY(conversation, name)) WITHOUT ROWID;"
     "CREATE INDEX names_owner ON names(owner);"
     "CREATE TABLE audit(seq INTEGER PRIMARY KEY, time INTEGER NOT NULL, role TEXT NOT NULL, actor TEXT NOT NULL,"
     " action TEXT NOT NULL, object TEXT NOT NULL, detail TEXT, hash BLOB NOT NULL);"
     /* anchor: 1 if retention removed the rows up to seq */
     "CREATE TABLE audit_heads(seq INTEGER PRIMARY KEY, time INTEGER NOT NULL, hash BLOB NOT NULL,"
     " anchor INTEGER NOT NULL, signature BLOB NOT NULL);"
     /* in millionths of epsilon */
     "CREATE TABLE budgets(name TEXT PRIMARY KEY, total INTEGER NOT NULL, spent INTEGER NOT NULL) WITHOUT ROWID;"
     "INSERT INTO settings VALUES('llmcs.store', lower(hex(randomblob(16))));"},
    {"conversations, turns, actions",
     /* `id` is the host's; acting: key of an action that the host has started and whose outcome is not known yet;
      * state: dialogue state of lib/shop/desk, with masked values */
     "CREATE TABLE conversations(row INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, customer INTEGER,"
     " status TEXT NOT NULL, agent TEXT, lang TEXT NOT NULL, priority INTEGER NOT NULL, reason TEXT NOT NULL,"
     " summary TEXT NOT NULL, acting TEXT, state TEXT NOT NULL, turns INTEGER NOT NULL, started INTEGER NOT NULL,"
     " time INTEGER NOT NULL);"
     "CREATE INDEX conversations_status ON conversations(status, priority);"
     "CREATE INDEX conversations_customer ON conversations(customer);"
     /* text and reply are masked */
     "CREATE TABLE turns(row INTEGER PRIMARY KEY AUTOINCREMENT, conversation INTEGER NOT NULL, number INTEGER NOT NULL,"
     " message_id TEXT, time INTEGER NOT NULL, lang TEXT NOT NULL, text TEXT NOT NULL, reply TEXT NOT NULL,"
     " route TEXT NOT NULL, intent TEXT NOT NULL, agent TEXT, detail TEXT NOT NULL, UNIQUE(conversation, number),"
     " UNIQUE(conversation, message_id));"
     /* deadline: milliseconds since 1970, after which PENDING means UNKNOWN; late: the host's answer after the deadline
      */
     "CREATE TABLE actions(row INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL UNIQUE,"
     " conversation INTEGER NOT NULL, customer INTEGER, name TEXT NOT NULL, object TEXT NOT NULL, detail TEXT NOT NULL,"
     " state TEXT NOT NULL, late TEXT, deadline INTEGER, time INTEGER NOT NULL);"
     "CREATE INDEX actions_object ON actions(name, object);"},
    {"indexes for the console",
     "CREATE INDEX turns_time ON turns(time);"
     "CREATE INDEX actions_unsettled ON actions(state) WHERE state <> 'DONE';"},
};
const int shop_n_migrations = sizeof shop_migrations / sizeof *shop_migrations;

/* ---- header */

llmcs_status shop_schema_read_version(shop_connection *c, int n_migrations, int *version) {
    int64_t pages, id, user;
    *version = 0;
    /* Read through SQLite: opening and closing the file here would drop SQLite's POSIX locks on it. */
    SHOP_TRY(shop_lookup_int(c, 0, &pages, "PRAGMA page_count", ""));
    SHOP_TRY(shop_lookup_int(c, 0, &id, "PRAGMA application_id", ""));
    SHOP_TRY(shop_lookup_int(c, 0, &user, "PRAGMA user_version", ""));
    if (!pages) return LLMCS_OK;
    if (id != SHOP_APPLICATION_ID)
        return shop_fail(LLMCS_FORMAT,
                         "%s: byte 68: application_id is 0x%08x, expected 0x%08x: the database of another program",
                         c->path, (unsigned)id, SHOP_APPLICATION_ID);
    if (user > n_migrations)
        return shop_fail(LLMCS_UNSUPPORTED,
                         "%s: byte 60: the store has version %lld, this library knows 1 to %d: use a newer library",
                         c->path, (long long)user, n_migrations);
    if (user < 1)
        return shop_fail(LLMCS_FORMAT, "%s: byte 60: the store has version %lld, expected 1 or more", c->path,
                         (long long)user);
    *version = (int)user;
    return LLMCS_OK;
}

/* ---- migration */

static llmcs_status migrate_from(shop_connection *c, const shop_migration *migrations, int from, int to) {
    char pragma[96];
    for (int i = from; i < to; i++) SHOP_TRY(shop_execute(c, migrations[i].sql, "cannot be migrated"));
    sqlite3_snprintf(sizeof pragma, pragma, "PRAGMA application_id = %d; PRAGMA user_version = %d", SHOP_APPLICATION_ID,
                     to);
    return shop_execute(c, pragma, "cannot be migrated");
}

llmcs_status shop_schema_migrate(shop_connection *c, const shop_migration *migrations, int n) {
    int64_t version;
    /* Another process may be migrating too, so the version is read again under the lock. */
    SHOP_TRY(shop_execute(c, "BEGIN IMMEDIATE", "cannot be migrated"));
    llmcs_status status = shop_lookup_int(c, 0, &version, "PRAGMA user_version", "");
    if (!status && version > n)
        status = shop_fail(LLMCS_UNSUPPORTED,
                           "%s: the store has version %lld, this library knows 1 to %d: use a newer library", c->path,
                           (long long)version, n);
    if (!status && version < n) status = migrate_from(c, migrations, (int)version, n);
    if (!status) status = shop_execute(c, "COMMIT", "cannot be migrated");
    if (status) sqlite3_exec(c->db, "ROLLBACK", NULL, NULL, NULL);
    return status;
}

/* ---- check */

/* All objects except SQLite's own. */
#define SCHEMA_SQL                                                                                             \
    "SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite!_%' ESCAPE '!'" \
    " ORDER BY name"

static llmcs_status compare_objects(shop_query *found, shop_query *expected) {
    for (;;) {
        SHOP_TRY(shop_query_next(expected));
        SHOP_TRY(shop_query_next(found));
        if (!found->has_row && !expected->has_row) return LLMCS_OK;
        size_t n, m;
        const char *have = found->has_row ? shop_query_text(found, 1, &n) : NULL;
        const char *want = expected->has_row ? shop_query_text(expected, 1, &n) : NULL;
        if (!have || (want && strcmp(want, have) < 0))
            return shop_fail(LLMCS_FORMAT, "%s: table or index %s is missing", found->c->path, want);
        if (!want || strcmp(want, have) != 0)
            return shop_fail(LLMCS_FORMAT, "%s: %s is not a table or index of a store of this version", found->c->path,
                             have);
        const char *have_sql = shop_query_text(found, 2, &n), *want_sql = shop_query_text(expected, 2, &m);
        /* FTS5 creates its own tables; their SQL may differ between versions of SQLite. */
        const bool by_fts5 = !strncmp(have, "text_words_", 11) || !strncmp(have, "reply_words_", 12);
        if (!by_fts5 && (n != m || memcmp(have_sql, want_sql, n) != 0))
            return shop_fail(LLMCS_FORMAT, "%s: %s is not defined as in a store of this version", found->c->path, have);
    }
}

llmcs_status shop_schema_check(shop_connection *c, const shop_migration *migrations, int n) {
    shop_connection model;
    shop_query found = {0}, expected = {0};
    SHOP_TRY(shop_connection_open(&model, ":memory:", SHOP_ACCESS_CREATE, 0));
    llmcs_status status = shop_schema_migrate(&model, migrations, n);
    if (!status) status = shop_query_begin(c, &found, SCHEMA_SQL, "");
    if (!status) status = shop_query_begin(&model, &expected, SCHEMA_SQL, "");
    if (!status) status = compare_objects(&found, &expected);
    shop_query_end(&found);
    shop_query_end(&expected);
    shop_connection_close(&model);
    return status;
}

llmcs_status shop_schema_check_pages(shop_connection *c) {
    shop_query q;
    size_t n;
    SHOP_TRY(shop_query_begin(c, &q, "PRAGMA integrity_check(1)", ""));
    SHOP_TRY(shop_query_next(&q));
    const char *found = q.has_row ? shop_query_text(&q, 0, &n) : "no answer";
    const llmcs_status status =
        strcmp(found, "ok") ? shop_fail(LLMCS_FORMAT, "%s: damaged: %s", c->path, found) : LLMCS_OK;
    shop_query_end(&q);
    return status;
}
