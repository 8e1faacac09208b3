/* The tables of a store, created by an ordered list of migrations. A file's user_version is the number applied. */
#ifndef SHOP_STORE_SCHEMA_H
#define SHOP_STORE_SCHEMA_H

#include "shop/store/connection.h"

#define SHOP_APPLICATION_ID 0x4c4c5348 /* "LLSH", in the SQLite header at byte 68 */

/* The step from one version to the next. A released migration must never change. */
typedef struct shop_migration {
    const char *what;
    const char *sql;
} shop_migration;

extern const shop_migration shop_migrations[];
extern const int shop_n_migrations;

/* Sets *version to the number of migrations applied; 0 for an empty file. FORMAT: the file is not a store; UNSUPPORTED:
 * its version is above n_migrations. */
llmcs_status shop_schema_read_version(shop_connection *c, int n_migrations, int *version);

/* Migrates the file to version `n` in one transaction. On failure the file is unchanged. */
llmcs_status shop_schema_migrate(shop_connection *c, const shop_migration *migrations, int n);

/* FORMAT unless the file has exactly the tables and indexes of the first `n` migrations, with the same SQL, and nothing
 * else: a foreign trigger, view or constraint would run as part of our statements. */
llmcs_status shop_schema_check(shop_connection *c, const shop_migration *migrations, int n);

/* PRAGMA integrity_check. */
llmcs_status shop_schema_check_pages(shop_connection *c);

#endif
