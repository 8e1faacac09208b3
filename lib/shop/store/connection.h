/*
 * One SQLite connection of a store, hardened against hostile files, with its prepared statements; or a connection to
 * the server that holds its conversations and orders (shared.h), which the same functions use.
 *
 * SQL is used through shop_query: a statement that is prepared once a connection, bound by a format and stepped.
 *
 *     shop_query q;
 *     SHOP_TRY(shop_query_begin(c, &q, "SELECT row FROM products WHERE id = ?1", "s", id));
 *     SHOP_TRY(shop_query_next(&q));            q.has_row says whether there is one
 *     if (q.has_row) row = shop_query_int(&q, 0);
 *     shop_query_end(&q);
 *
 * After a failure the query has ended by itself.
 */
#ifndef SHOP_STORE_CONNECTION_H
#define SHOP_STORE_CONNECTION_H

#include <sqlite3.h>
#include <stdbool.h>

#include "shop/base/alloc.h"
#include "shop/store/remote.h"

enum { SHOP_MAX_STATEMENTS = 224, SHOP_MAX_REMOTE_VALUES = 16 };

typedef struct shop_statement {
    const char *sql; /* a string literal: found again by its address */
    sqlite3_stmt *stmt;
} shop_statement;

typedef struct shop_connection {
    sqlite3 *db;
    const char *path;       /* of the store, for messages */
    struct shop_keys *keys; /* lib/shop/guard: the store's; NULL on a connection that is not a store's */
    bool audit_grew;        /* rows were appended to the audit, and no head is signed for them yet */
    shop_statement statements[SHOP_MAX_STATEMENTS];
    size_t n_statements;

    /* Of a server's connection; db is NULL then. */
    const shop_remote_driver *driver; /* NULL: SQLite */
    shop_remote *remote;              /* NULL: not connected */
    struct shop_connection *local;    /* an empty SQLite database, for its JSON functions */
    bool lost;                        /* a statement failed with the connection */
    int64_t n_changed;                /* by the last statement */
} shop_connection;

/* How a connection is opened. */
typedef enum shop_access { SHOP_ACCESS_READ, SHOP_ACCESS_WRITE, SHOP_ACCESS_CREATE } shop_access;

/* `path` must outlive the connection. */
llmcs_status shop_connection_open(shop_connection *c, const char *path, shop_access access, int32_t busy_ms);
void shop_connection_close(shop_connection *c);

/* Where SQLite's functions can be used: `c` itself, or what a server's connection has for it. */
shop_connection *shop_local(shop_connection *c);

/* The status and message of a server's failure. Notes on `c` that the connection is lost. */
llmcs_status shop_remote_failed(shop_connection *c, const shop_remote_error *error);

/* The status and message of an SQLite result code: "shop.db: cannot import products: database is locked". */
llmcs_status shop_sqlite_error(const shop_connection *c, int code, const char *doing);

/* One or more statements without parameters and results. */
llmcs_status shop_execute(shop_connection *c, const char *sql, const char *doing);

typedef struct shop_query {
    shop_connection *c;
    sqlite3_stmt *stmt;
    bool has_row;
    shop_remote_rows *rows; /* of a server; NULL: SQLite's, or the query has ended */
    size_t next;            /* of them */
} shop_query;

/* Prepares and binds. One letter of `format` a parameter: s const char * (NULL: SQL NULL), t const char * and size_t,
 * i int64_t, d double, b const void * and size_t, n (no argument): NULL. Text and blobs must live until the query ends.
 */
llmcs_status shop_query_begin(shop_connection *c, shop_query *q, const char *sql, const char *format, ...);
llmcs_status shop_query_next(shop_query *q);
void shop_query_end(shop_query *q);

int64_t shop_query_int(const shop_query *q, int column);
double shop_query_double(const shop_query *q, int column);
bool shop_query_is_null(const shop_query *q, int column);
/* Valid until the next step. A column of NULL is "" and 0 bytes. The bytes are UTF-8 only if the file is honest. */
const char *shop_query_text(const shop_query *q, int column, size_t *len);
const void *shop_query_blob(const shop_query *q, int column, size_t *len);

/* Rows that the last shop_change or shop_query changed. */
int64_t shop_changes(const shop_connection *c);

/* Binds, steps until there is no row left, ends. */
llmcs_status shop_change(shop_connection *c, const char *sql, const char *format, ...);

/* The first column of the first row as an integer, or `fallback` if there is none or it is NULL. */
llmcs_status shop_lookup_int(shop_connection *c, int64_t fallback, int64_t *value, const char *sql, const char *format,
                             ...);

#endif
