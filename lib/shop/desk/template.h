/* Texts with placeholders. */
#ifndef SHOP_DESK_TEMPLATE_H
#define SHOP_DESK_TEMPLATE_H

#include "shop/desk/flows.h"

/* Rows of a find or of a host's answer. */
typedef struct desk_cell {
    const char *text; /* NULL: SQL NULL */
    double number;
} desk_cell;

typedef struct desk_rows {
    size_t n, n_columns;
    const desk_cell *cells; /* [n, n_columns] */
} desk_rows;

typedef struct desk_local {
    const char *name, *value;
} desk_local;

/* The values that fill a text. */
typedef struct desk_values_in {
    const desk_flows *flows;
    const char *const *slots;        /* [n_slots] as shown to the customer; NULL: empty */
    const desk_rows *const *finds;   /* [n_finds]; NULL: not executed */
    const desk_json *const *answers; /* [n_actions]; NULL: none */
    const desk_local *locals;        /* [n_locals] */
    size_t n_locals;
    const desk_rows *own; /* for `line`: this row of this find */
    size_t own_row;
    int lang;
    uint64_t turn; /* picks the variant */
} desk_values_in;

/* Appends the text. A sentence without its values is left out; *said: false if all were. */
void desk_text_say(const desk_text *text, const desk_values_in *v, desk_buffer *out, bool *said);

/* Appends at most `most` rows, one line each, with numbers if `numbered`. */
void desk_rows_say(const desk_query *find, const desk_rows *rows, const desk_values_in *v, size_t most, bool numbered,
                   desk_buffer *out);

/* "2026-11-16". */
void desk_date_say(int64_t seconds, char out[16]);

#endif
