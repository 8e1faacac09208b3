/*
 * A database connection with its prepared statements: to the store's SQLite file, hardened against hostile files, or to
 * the server that holds its conversations and orders (shared.h). The same functions work on both.
 *
 * SQL runs through shop_query: a statement is prepared once per connection, bound by a format string and stepped.
 *
 *     shop_query q;
 *     SHOP_TRY(shop_query_begin(c, &q, "SELECT row FROM products WHERE id = ?1", "s", id));
 *     SHOP_TRY(shop_query_next(&q));            sets q.has_row
 *     if (q.has_row) row = shop_query_int(&q, 0);
 *     shop_query_end(&q);
 *
 * A query that fails is ended automatically.
 */
#ifndef SHOP_STORE_CONNECTION_H
#define SHOP_STORE_CONNECTION_H

#include <sqlite3.h>
#include <stdbool.h>

#include "shop/base/alloc.h"
#include "shop/store/remote.h"

enum { SHOP_MAX_STATEMENTS = 224, SHOP_MAX_REMOTE_VALUES = 16 };

typedef struct shop_statement {
    const char *sql; /* a string literal; compared by address */
    sqlite3_stmt *stmt;
} shop_statement;

typedef struct shop_connection {
    sqlite3 *db;
    const char *path;       /* of the store, for messages */
    struct shop_keys *keys; /* lib/shop/guard: the store's keys; NULL for other databases */
    bool audit_grew;        /* audit rows were appended, and no head is signed for them yet */
    shop_statement statements[SHOP_MAX_STATEMENTS];
    size_t n_statements;

    /* Only for a server connection; db is NULL then. */
    const shop_remote_driver *driver; /* NULL: SQLite */
    shop_remote *remote;              /* NULL: not connected */
    struct shop_connection *local;    /* an empty SQLite database, for SQLite's JSON functions */
    bool lost;                        /* the connection broke during a statement */
    int64_t n_changed;                /* by the last statement */
} shop_connection;

/* How a connection is opened. */
typedef enum shop_access { SHOP_ACCESS_READ, SHOP_ACCESS_WRITE, SHOP_ACCESS_CREATE } shop_access;

/* `path` must outlive the connection. */
llmcs_status shop_connection_open(shop_connection *c, const char *path, shop_access access, int32_t busy_ms);
void shop_connection_close(shop_connection *c);

/* A connection on which SQLite's functions work: `c` itself, or the local database of a server connection. */
shop_connection *shop_local(shop_connection *c);

/* Sets the message for a server error and returns its status. Marks `c` as lost if the connection broke. */
llmcs_status shop_remote_failed(shop_connection *c, const shop_remote_error *error);

/* Sets the message for an SQLite result code, "shop.db: cannot be written: database is locked", and returns its
 * status. */
llmcs_status shop_sqlite_error(const shop_connection *c, int code, const char *doing);

/* Runs one or more statements without parameters or results. */
llmcs_status shop_execute(shop_connection *c, const char *sql, const char *doing);

typedef struct shop_query {
    shop_connection *c;
    sqlite3_stmt *stmt;
    bool has_row;
    shop_remote_rows *rows; /* result from a server; NULL for SQLite, and once the query has ended */
    size_t next;            /* index of the next row in `rows` */
} shop_query;

/* Prepares and binds. `format` has one letter per parameter: s const char * (NULL: SQL NULL), t const char * and
 * size_t, i int64_t, d double, b const void * and size_t, n SQL NULL (no argument). Texts and blobs must live until the
 * query ends. */
llmcs_status shop_query_begin(shop_connection *c, shop_query *q, const char *sql, const char *format, ...);
llmcs_status shop_query_next(shop_query *q);
void shop_query_end(shop_query *q);

int64_t shop_query_int(const shop_query *q, int column);
double shop_query_double(const shop_query *q, int column);
bool shop_query_is_null(const shop_query *q, int column);
/* Valid until the next step. NULL reads as "" with 0 bytes. A damaged or hostile file may hold invalid UTF-8. */
const char *shop_query_text(const shop_query *q, int column, size_t *len);
const void *shop_query_blob(const shop_query *q, int column, size_t *len);

/* Number of rows changed by the last statement. */
int64_t shop_changes(const shop_connection *c);

/* Runs a statement to its end and ignores its rows. */
llmcs_status shop_change(shop_connection *c, const char *sql, const char *format, ...);

/* Sets *value to the first column of the first row, or to `fallback` if there is no row or the column is NULL. */
llmcs_status shop_lookup_int(shop_connection *c, int64_t fallback, int64_t *value, const char *sql, const char *format,
                             ...);

#endif
