/* Reads CSV (RFC 4180) with a header row from stdin: quotes, line ends inside quotes, a byte order mark. */
#include <stdlib.h>
#include <string.h>

#include "import.h"

typedef struct cell {
    char *text; /* NUL-terminated */
    size_t len, capacity;
} cell;

static bool append(cell *c, int byte) {
    if (c->len + 2 > c->capacity) {
        const size_t capacity = c->capacity ? 2 * c->capacity : 256;
        char *larger = realloc(c->text, capacity);
        if (!larger) return false;
        c->text = larger;
        c->capacity = capacity;
    }
    c->text[c->len++] = (char)byte;
    c->text[c->len] = 0;
    return true;
}

/* Reads one cell; *end becomes ',', '\n' or EOF. False: no memory, or the cell is too long. */
static bool read_cell(csv *c, cell *out, int *end) {
    bool quoted = false;
    out->len = 0;
    if (out->text) out->text[0] = 0;
    for (int byte; (byte = getc_unlocked(stdin)) != EOF;) {
        if (byte == '\n') c->line++;
        if (quoted && byte == '"') {
            const int next = getc_unlocked(stdin);
            if (next != '"') {
                quoted = false;
                if (next != EOF) ungetc(next, stdin);
                continue;
            }
        } else if (!quoted && byte == '"' && !out->len) {
            quoted = true;
            continue;
        } else if (!quoted && (byte == ',' || byte == '\n')) {
            if (byte == '\n' && out->len && out->text[out->len - 1] == '\r') out->text[--out->len] = 0;
            *end = byte;
            return true;
        }
        if (out->len >= c->max_bytes) {
            c->why = "a cell is longer than --max-line-bytes";
            return false;
        }
        if (!append(out, byte)) return c->why = "no memory", false;
    }
    if (quoted) c->why = "a quote is not closed";
    *end = EOF;
    return true;
}

/* Reads all cells of a row as strings. False at the end of the input. */
static bool read_row(csv *c, json_t **cells) {
    cell text = {0};
    int end = ',';
    *cells = json_array();
    c->why = NULL;
    c->row_line = c->line;
    while (end == ',') {
        const bool read = read_cell(c, &text, &end);
        json_t *string = read ? json_stringn(text.len ? text.text : "", text.len) : NULL;
        if (read && !string) c->why = "a cell is not UTF-8";
        if (json_array_append_new(*cells, string ? string : json_null())) c->why = "no memory";
        if (!read) break;
    }
    free(text.text);
    const bool empty = json_array_size(*cells) == 1 && !json_string_length(json_array_get(*cells, 0));
    return !(end == EOF && empty && !c->why);
}

bool csv_begin(csv *c, size_t max_bytes) {
    *c = (csv){.max_bytes = max_bytes, .line = 1};
    const int first = getc_unlocked(stdin);
    if (first == 0xef) {
        (void)getc_unlocked(stdin);
        (void)getc_unlocked(stdin);
    } else if (first != EOF) {
        ungetc(first, stdin);
    }
    if (read_row(c, &c->columns) && !c->why) return true;
    cli_error("line 1: no header row: %s", c->why ? c->why : "the input is empty");
    csv_end(c);
    return false;
}

/* "title.en" is the member "en" of "title". */
static bool set_member(json_t *row, const char *column, json_t *value) {
    const char *dot = strchr(column, '.');
    if (!dot) return !json_object_set_new(row, column, value);
    char *outer = strndup(column, (size_t)(dot - column));
    json_t *inner = outer ? json_object_get(row, outer) : NULL;
    if (outer && !json_is_object(inner)) {
        inner = json_object();
        if (json_object_set_new(row, outer, inner)) inner = NULL;
    }
    free(outer);
    if (inner) return !json_object_set_new(inner, dot + 1, value);
    json_decref(value);
    return false;
}

static json_t *cell_value(csv *c, json_t *text) {
    const char *s = json_string_value(text);
    if (*s != '{' && *s != '[') return json_incref(text);
    json_t *value = json_loads(s, JSON_REJECT_DUPLICATES, NULL);
    if (!value) c->why = "a cell begins with { or [ but is not JSON";
    return value;
}

bool csv_next(csv *c, json_t **row) {
    json_t *cells;
    *row = NULL;
    const bool more = read_row(c, &cells);
    const size_t n = json_array_size(cells), n_columns = json_array_size(c->columns);
    if (more && !c->why && n != n_columns) c->why = "the row and the header row have different numbers of cells";
    json_t *object = json_object();
    for (size_t i = 0; more && !c->why && i < n; i++) {
        if (!json_string_length(json_array_get(cells, i))) continue;
        json_t *value = cell_value(c, json_array_get(cells, i));
        if (value && !set_member(object, json_string_value(json_array_get(c->columns, i)), value)) c->why = "no memory";
    }
    json_decref(cells);
    if (more && !c->why)
        *row = object;
    else
        json_decref(object);
    return more;
}

void csv_end(csv *c) {
    json_decref(c->columns);
    c->columns = NULL;
}
