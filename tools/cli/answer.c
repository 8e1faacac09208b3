/* Prints answers as JSON, one per line. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "request.h"

void answer_init(cli_answer *a) {
    *a = (cli_answer){.json = json_object(), .digits = 9};
    a->failed = !a->json;
}

void answer_free(cli_answer *a) { json_decref(a->json); }

void answer_set(cli_answer *a, const char *key, json_t *value) {
    if (json_object_set_new(a->json, key, value)) a->failed = true;
}

static bool print_matrix(const cli_matrix *m, size_t flags) {
    printf("\"%s\":[", m->name);
    for (size_t i = 0; i < m->n_rows; i++) {
        json_t *row = json_floats(m->values + i * m->n_columns, m->n_columns);
        if (i) putchar(',');
        const bool printed = row && !json_dumpf(row, stdout, flags);
        json_decref(row);
        if (!printed) return false;
    }
    putchar(']');
    return true;
}

bool answer_print(const cli_answer *a, const char *id) {
    const size_t flags = JSON_COMPACT | JSON_REAL_PRECISION((size_t)a->digits);
    const bool members = json_object_size(a->json) > 0;
    putchar('{');
    if (id) printf("\"id\":%s%s", id, members || a->n_matrices ? "," : "");
    bool printed = !json_dumpf(a->json, stdout, flags | JSON_EMBED);
    for (size_t i = 0; i < a->n_matrices && printed; i++) {
        if (i || members) putchar(',');
        printed = print_matrix(&a->matrices[i], flags);
    }
    fputs("}\n", stdout);
    return printed && !fflush(stdout) && !ferror(stdout);
}

bool answer_print_error(llmcs_status status, const char *message, size_t line, const char *id) {
    cli_answer a;
    answer_init(&a);
    answer_set(&a, "error",
               json_pack("{sIssso}", "line", (json_int_t)line, "status", llmcs_status_name(status), "message",
                         json_text(message, strlen(message))));
    const bool printed = answer_print(&a, id);
    answer_free(&a);
    return printed;
}

/* The bytes of the character at text; 0 if they are not UTF-8. */
static size_t character_bytes(const char *text, size_t len) {
    const unsigned char c = (unsigned char)*text;
    const size_t n = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
    json_t *character = n <= len ? json_stringn(text, n) : NULL;
    json_decref(character);
    return character ? n : 0;
}

/* Replaces bytes that are not UTF-8, which a message may have from a file's name, by question marks. */
json_t *json_text(const char *text, size_t len) {
    json_t *string = json_stringn(text, len);
    if (string) return string;
    char *copy = malloc(len + 1);
    if (!copy) return NULL;
    for (size_t i = 0, n; i < len; i += n ? n : 1) {
        n = character_bytes(text + i, len - i);
        if (n)
            memcpy(copy + i, text + i, n);
        else
            copy[i] = '?';
    }
    string = json_stringn(copy, len);
    free(copy);
    return string;
}

json_t *json_float(double value) { return isfinite(value) ? json_real(value) : json_null(); }

json_t *json_floats(const float *values, size_t n) {
    json_t *list = json_array();
    for (size_t i = 0; list && i < n; i++)
        if (json_array_append_new(list, json_float((double)values[i]))) {
            json_decref(list);
            return NULL;
        }
    return list;
}

json_t *json_ids(const int32_t *ids, size_t n) {
    json_t *list = json_array();
    for (size_t i = 0; list && i < n; i++)
        if (json_array_append_new(list, json_integer(ids[i]))) {
            json_decref(list);
            return NULL;
        }
    return list;
}

json_t *json_text_spans(const llmcs_text_spans *found, const char *text) {
    json_t *list = json_array();
    for (size_t i = 0; i < found->n_spans; i++) {
        const llmcs_text_span *s = found->spans[i];
        json_array_append_new(
            list, json_pack("{sososIsIso}", "label", json_text(s->label, strlen(s->label)), "score",
                            json_float((double)s->score), "begin", (json_int_t)s->begin, "end", (json_int_t)s->end,
                            "text", json_text(text + s->begin, s->end - s->begin)));
    }
    if (json_array_size(list) == found->n_spans) return list;
    json_decref(list);
    return NULL;
}

void answer_add_classes(cli_answer *a, const char *const *names, const float *scores, size_t n, size_t best) {
    json_t *all = json_object();
    for (size_t i = 0; i < n; i++)
        if (json_object_set_new(all, names[i], json_float((double)scores[i]))) a->failed = true;
    answer_set(a, "label", json_text(names[best], strlen(names[best])));
    answer_set(a, "score", json_float((double)scores[best]));
    answer_set(a, "scores", all);
}

void answer_add_text_info(cli_answer *a, const llmcs_text_info *info) {
    answer_set(a, "tokens", json_integer((json_int_t)info->n_tokens));
    answer_set(a, "truncated", json_boolean(info->truncated));
    answer_set(a, "windows", json_integer((json_int_t)info->n_windows));
}
