/*
 * The interface of a database plug-in. libllmcs_shop_postgres.so (lib/shop/postgres) implements it with libpq. The
 * plug-in is loaded only for a store that uses a server, so this library does not depend on libpq.
 *
 * The plug-in knows nothing about tables. Statements, transactions and locks are lib/shop's, with the same text for
 * SQLite and for the server. The plug-in rewrites ?1 as $1 and binds typed values; it never pastes them into the text.
 */
#ifndef SHOP_STORE_REMOTE_H
#define SHOP_STORE_REMOTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "llmcs_shop.h"

/* The only symbol that the plug-in exports: const shop_remote_driver *(*)(void). The number changes with this header.
 */
#define SHOP_REMOTE_ENTRY "llmcs_shop_postgres_2"

enum { SHOP_REMOTE_ERROR_BYTES = 400 };

typedef struct shop_remote shop_remote;           /* a connection */
typedef struct shop_remote_rows shop_remote_rows; /* the result of one statement, in memory */

/* The text holds no values of rows or parameters, so it may be logged. lost: the connection is unusable. */
typedef struct shop_remote_error {
    llmcs_status status;
    bool lost;
    char text[SHOP_REMOTE_ERROR_BYTES];
} shop_remote_error;

/* A parameter, or a column of a row. type 0: NULL, i: integer, d: double, s: text, b: bytes. */
typedef struct shop_cell {
    char type;
    char declared; /* type of a NULL parameter */
    int64_t integer;
    double real;
    const void *bytes;
    size_t n;
} shop_cell;

typedef struct shop_remote_options {
    const llmcs_allocator *allocator; /* for the plug-in's own memory; libpq uses malloc */
    const char *conninfo;             /* in libpq's format */
    bool any_server;                  /* a read-only standby will do */
    double wait_ms;                   /* time-out for an answer; the connection is then dropped */
    double connect_ms;                /* time-out to connect, for all hosts together; 0: as conninfo says */
} shop_remote_options;

typedef struct shop_remote_driver {
    /* Writes host, port and database for messages. ARG if conninfo is not valid; the message does not quote it. */
    llmcs_status (*describe)(const char *conninfo, char *where, size_t capacity, shop_remote_error *error);
    llmcs_status (*connect)(const shop_remote_options *options, shop_remote **remote, shop_remote_error *error);
    /* Sets the time-out for answers. */
    void (*set_wait)(shop_remote *remote, double wait_ms);
    /* own: false in a child of the process that connected, which keeps the session. */
    void (*close)(shop_remote *remote, bool own);
    /* Runs statements without parameters in turn. text: [capacity] receives the first column of the last statement's
     * first row as text, or its command tag ("COMMIT"); may be NULL. */
    llmcs_status (*execute)(shop_remote *remote, const char *sql, char *text, size_t capacity,
                            shop_remote_error *error);
    /* Runs one statement. */
    llmcs_status (*query)(shop_remote *remote, const char *sql, const shop_cell *values, size_t n_values,
                          shop_remote_rows **rows, shop_remote_error *error);
    size_t (*count)(const shop_remote_rows *rows);    /* number of rows returned */
    int64_t (*changed)(const shop_remote_rows *rows); /* number of rows changed */
    void (*cell)(const shop_remote_rows *rows, size_t row, int column, shop_cell *cell);
    void (*free_rows)(shop_remote_rows *rows);
} shop_remote_driver;

#endif
