/* Reads labelled texts. */
#include "examples.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool add_example(examples *e, json_t *row) {
    const json_t *text = json_object_get(row, "text"), *label = json_object_get(row, "label");
    if (!json_is_string(text) || !json_is_string(label) || !json_string_length(label) ||
        strlen(json_string_value(label)) != json_string_length(label))
        return false;
    if (e->n == e->capacity) {
        const size_t capacity = e->capacity ? 2 * e->capacity : 1024;
        llmcs_shop_example *larger = realloc(e->items, capacity * sizeof *larger);
        if (!larger) return false;
        e->items = larger;
        e->capacity = capacity;
    }
    if (json_array_append(e->rows, row)) return false;
    e->items[e->n++] =
        (llmcs_shop_example){json_string_value(text), json_string_length(text), json_string_value(label)};
    return true;
}

bool examples_read(examples *e, const char *file) {
    FILE *from = fopen(file, "re");
    if (!from) return cli_error("%s: %s", file, strerror(errno)), false;
    cli_lines lines = {.from = from, .max_bytes = (size_t)16 << 20};
    bool good = true;
    if (!e->rows) e->rows = json_array();
    while (good && cli_next_line(&lines)) {
        if (cli_is_blank(lines.line, lines.len)) continue;
        json_t *row = json_loadb(lines.line, lines.len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
        good = add_example(e, row);
        json_decref(row);
        if (!good) cli_error("%s: line %zu: expected {\"text\":\"...\", \"label\":\"...\"}", file, lines.number);
    }
    good = good && !lines.failed;
    cli_lines_free(&lines);
    fclose(from);
    return good;
}

void examples_free(examples *e) {
    free(e->items);
    json_decref(e->rows);
    *e = (examples){0};
}
