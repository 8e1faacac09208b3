/*
 * What a database server's plug-in gives the store: a connection that runs statements. libllmcs_shop_postgres.so
 * (lib/shop/postgres) implements it over libpq; it is loaded only for a store that names a server, so this library has
 * no dependency on libpq.
 *
 * The plug-in knows no table. Statements, transactions, locks and their order are lib/shop's, the same text for SQLite
 * and for the server; the plug-in turns ?1 into $1 and binds values with their types, never as text of a statement.
 */
#ifndef SHOP_STORE_REMOTE_H
#define SHOP_STORE_REMOTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "llmcs_shop.h"

/* The one symbol that the plug-in exports: const shop_remote_driver *(*)(void). The number changes with this file. */
#define SHOP_REMOTE_ENTRY "llmcs_shop_postgres_2"

enum { SHOP_REMOTE_ERROR_BYTES = 400 };

typedef struct shop_remote shop_remote;           /* a connection */
typedef struct shop_remote_rows shop_remote_rows; /* the result of one statement, in memory */

/* Without values of rows or parameters: it may be logged. lost: the connection is of no use any more. */
typedef struct shop_remote_error {
    llmcs_status status;
    bool lost;
    char text[SHOP_REMOTE_ERROR_BYTES];
} shop_remote_error;

/* A parameter, or a column of a row. type 0: NULL, i: integer, d: double, s: text, b: bytes. */
typedef struct shop_cell {
    char type;
    char declared; /* of a parameter that is NULL: the type it would have */
    int64_t integer;
    double real;
    const void *bytes;
    size_t n;
} shop_cell;

typedef struct shop_remote_options {
    const llmcs_allocator *allocator; /* of the plug-in's own memory; libpq uses malloc */
    const char *conninfo;             /* as libpq takes it */
    bool any_server;                  /* one that only reads will do */
    double wait_ms;                   /* longest time for an answer; then the connection is given up */
    double connect_ms;                /* longest time to connect, to all hosts together; 0: what conninfo says */
} shop_remote_options;

typedef struct shop_remote_driver {
    /* Host, port and database, for messages. ARG, without quoting it, if conninfo is not valid. */
    llmcs_status (*describe)(const char *conninfo, char *where, size_t capacity, shop_remote_error *error);
    llmcs_status (*connect)(const shop_remote_options *options, shop_remote **remote, shop_remote_error *error);
    /* The longest time for an answer from now on. */
    void (*set_wait)(shop_remote *remote, double wait_ms);
    /* own: false in a child of the process that connected, whose session goes on. */
    void (*close)(shop_remote *remote, bool own);
    /* Statements without parameters, one after the other. text: [capacity] the first column of the last one's first row
     * as text, or its command tag ("COMMIT"); may be NULL. */
    llmcs_status (*execute)(shop_remote *remote, const char *sql, char *text, size_t capacity,
                            shop_remote_error *error);
    /* One statement. */
    llmcs_status (*query)(shop_remote *remote, const char *sql, const shop_cell *values, size_t n_values,
                          shop_remote_rows **rows, shop_remote_error *error);
    size_t (*count)(const shop_remote_rows *rows);    /* rows that it returned */
    int64_t (*changed)(const shop_remote_rows *rows); /* rows that it changed */
    void (*cell)(const shop_remote_rows *rows, size_t row, int column, shop_cell *cell);
    void (*free_rows)(shop_remote_rows *rows);
} shop_remote_driver;

#endif
