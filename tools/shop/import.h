/*
 * Shared by the import commands. They read rows from JSON Lines, or from CSV with a header row, and store each batch of
 * rows in one transaction. Refused rows are reported on stderr with their line.
 *
 * A CSV row becomes the same object as in JSON Lines: empty cells are left out, a cell that begins with { or [ is JSON,
 * and a column "title.en" is the member "en" of "title".
 */
#ifndef TOOLS_SHOP_IMPORT_H
#define TOOLS_SHOP_IMPORT_H

#include <jansson.h>

#include "commands.h"
#include "store.h"

/* A row. Its strings belong to `json`, arrays that a reader allocates to the row. */
typedef struct import_row {
    size_t line;
    json_t *json;
    void *item; /* the sized struct */
    void *arrays[8];
    size_t n_arrays;
} import_row;

typedef struct import_kind {
    const cli_command *command;
    const char *const *keys; /* allowed keys, NULL-terminated */
    size_t item_size;
    /* Fills row->item from row->json. Reports failures by request_error. */
    llmcs_status (*read)(import_row *row);
    llmcs_status (*put)(llmcs_shop *shop, const void *const *items, size_t n, llmcs_shop_refused_fn refused, void *user,
                        size_t *n_stored);
} import_kind;

/* The options of every import command. */
typedef struct import_job {
    const char *encoder;
    int32_t format, batch, progress;
} import_job;
extern const cli_option import_options[];
extern const size_t import_n_options;

#define IMPORT_COMMAND(name_, summary_, notes_, execute_)                                                     \
    {                                                                                                         \
        .name = name_, .target = "STORE", .arguments = "FILE", .summary = summary_, .notes = notes_,          \
        .options = import_options, .n_options = 4, .takes = CLI_TAKES_TEXT | CLI_TAKES_MODEL, .min_texts = 1, \
        .max_texts = 1, .execute = execute_                                                                   \
    }

int import_command(const import_kind *kind, int argc, char **argv);

/* ---- fields.c: values of a row by their keys */

/* NUL bytes inside a string are refused. NULL if absent or null. */
llmcs_status field_string(const json_t *row, const char *key, bool required, const char **value);
/* A number, or a string with a number as in CSV cells. */
llmcs_status field_double(const json_t *row, const char *key, bool required, double fallback, double *value);
llmcs_status field_int(const json_t *row, const char *key, int64_t fallback, int64_t *value);
/* Seconds since 1970, or ISO 8601: 2026-11-28, 2026-11-28T20:15:00Z, 2026-11-28 20:15:00.5+08:00; UTC by default. */
llmcs_status field_time(const json_t *row, const char *key, bool required, int64_t *value);
/* Parses ISO 8601 as above. False if it is not valid. */
bool parse_time(const char *text, int64_t *value);
/* An array of strings, or one string; allocated. */
llmcs_status field_strings(import_row *row, const char *key, const char *const **values, size_t *n);
/* Zeroed memory of the row. */
void *row_alloc(import_row *row, size_t count, size_t size);

/* ---- csv.c */

typedef struct csv {
    size_t max_bytes;
    json_t *columns; /* array of names */
    size_t line;     /* last line read, counted from 1 */
    size_t row_line; /* first line of the last row */
    const char *why; /* why the last row is not valid */
} csv;

/* Reads the header row of stdin. False after an error message. */
bool csv_begin(csv *c, size_t max_bytes);
/* The next row as an object: *row is NULL if the row is not valid. False at the end. */
bool csv_next(csv *c, json_t **row);
void csv_end(csv *c);

#endif
