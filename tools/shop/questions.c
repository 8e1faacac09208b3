/* Reads labelled questions. */
#include "questions.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool add_question(questions *q, json_t *row) {
    const json_t *text = json_object_get(row, "text"), *id = json_object_get(row, "id"),
                 *lang = json_object_get(row, "lang");
    if (!json_is_string(text) || !id || !(json_is_string(id) || json_is_null(id))) return false;
    if (q->n == q->capacity) {
        const size_t capacity = q->capacity ? 2 * q->capacity : 256;
        llmcs_shop_labelled *larger = realloc(q->items, capacity * sizeof *larger);
        if (!larger) return false;
        q->items = larger;
        q->capacity = capacity;
    }
    if (json_array_append(q->rows, row)) return false;
    q->items[q->n++] = (llmcs_shop_labelled){json_string_value(text), json_string_value(lang), json_string_value(id)};
    return true;
}

bool questions_read(questions *q, const cli_common *common, const char *file) {
    cli_lines lines = {.max_bytes = (size_t)common->max_line_bytes};
    bool good = true;
    if (!q->rows) q->rows = json_array();
    if (strcmp(file, "-") && !freopen(file, "r", stdin)) return cli_error("%s: %s", file, strerror(errno)), false;
    while (good && cli_next_line(&lines)) {
        if (cli_is_blank(lines.line, lines.len)) continue;
        json_t *row = json_loadb(lines.line, lines.len, JSON_REJECT_DUPLICATES, NULL);
        good = add_question(q, row);
        json_decref(row);
        if (!good)
            cli_error("%s: line %zu: expected {\"text\":\"...\", \"id\":\"...\" or null, \"lang\"?}", file,
                      lines.number);
    }
    good = good && !lines.failed;
    cli_lines_free(&lines);
    return good;
}

void questions_free(questions *q) {
    free(q->items);
    json_decref(q->rows);
    *q = (questions){0};
}
