/* The tables of a store, made by an ordered list of migrations: user_version counts those that a file has had. */
#ifndef SHOP_STORE_SCHEMA_H
#define SHOP_STORE_SCHEMA_H

#include "shop/store/connection.h"

#define SHOP_APPLICATION_ID 0x4c4c5348 /* "LLSH", in the SQLite header at byte 68 */

/* What changed from one version to the next. A released one never changes again. */
typedef struct shop_migration {
    const char *what;
    const char *sql;
} shop_migration;

extern const shop_migration shop_migrations[];
extern const int shop_n_migrations;

/* Which migrations a file has had; 0 if it is empty. FORMAT: the file is no store; UNSUPPORTED: of a version after
 * n_migrations. */
llmcs_status shop_schema_read_version(shop_connection *c, int n_migrations, int *version);

/* Brings the file to version `n` in one transaction, or leaves it. A connection that may write. */
llmcs_status shop_schema_migrate(shop_connection *c, const shop_migration *migrations, int n);

/* FORMAT unless the file has exactly the tables and indexes that the first `n` migrations make, word by word, and
 * nothing else: a trigger, a view or a changed constraint of somebody else would run with our statements. */
llmcs_status shop_schema_check(shop_connection *c, const shop_migration *migrations, int n);

/* PRAGMA integrity_check. */
llmcs_status shop_schema_check_pages(shop_connection *c);

#endif
