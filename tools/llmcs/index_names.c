/* The attachment is text: a line of JSON, {"model":...,"tags":[...]}, then a line for each name, empty if it was
 * removed. Compact JSON has no line end in it. */
#include "index_names.h"

#include <stdlib.h>
#include <string.h>

void names_free(index_names *names) {
    for (size_t i = 0; i < names->n; i++) free(names->items[i]);
    for (size_t i = 0; i < names->n_tags; i++) free(names->tags[i]);
    free(names->items);
    free(names->model);
    json_decref(names->numbers);
    *names = (index_names){0};
}

char *names_of(const json_t *id) {
    return json_is_string(id) || json_is_integer(id) ? json_dumps(id, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
}

/* Takes `name`, which may be NULL. */
static bool append_name(index_names *names, char *name) {
    if (names->n == names->capacity) {
        const size_t capacity = names->capacity ? 2 * names->capacity : 256;
        char **items = realloc(names->items, capacity * sizeof *items);
        if (!items) return false;
        names->items = items;
        names->capacity = capacity;
    }
    names->items[names->n++] = name;
    return true;
}

/* ---- from and to the attachment */

static bool load_head(index_names *names, const char *line, size_t len) {
    json_t *head = json_loadb(line, len, 0, NULL);
    const json_t *tags = json_object_get(head, "tags"), *model = json_object_get(head, "model");
    bool ok = json_is_array(tags) && json_array_size(tags) <= NAMES_MAX_TAGS;
    for (size_t i = 0; ok && i < json_array_size(tags); i++) {
        const char *tag = json_string_value(json_array_get(tags, i));
        ok = tag && (names->tags[names->n_tags] = strdup(tag)) != NULL;
        if (ok) names->n_tags++;
    }
    if (ok && json_is_string(model)) ok = (names->model = strdup(json_string_value(model))) != NULL;
    json_decref(head);
    return ok;
}

static bool load_text(index_names *names, const char *text, size_t n_bytes) {
    const char *end = memchr(text, '\n', n_bytes), *stop = text + n_bytes;
    if (!end || !load_head(names, text, (size_t)(end - text))) return false;
    for (const char *at = end + 1; at < stop; at = end + 1) {
        end = memchr(at, '\n', (size_t)(stop - at));
        if (!end) return false;
        char *name = end > at ? strndup(at, (size_t)(end - at)) : NULL;
        if (end > at && !name) return false;
        if (!append_name(names, name)) {
            free(name);
            return false;
        }
    }
    return true;
}

bool names_load(index_names *names, llmcs_index *index, const char *path) {
    size_t n = 0;
    if (llmcs_index_get_attachment(index, NULL, 0, &n)) return cli_failed("names"), false;
    char *text = malloc(n + 1);
    const bool ok = text && !llmcs_index_get_attachment(index, text, n, &n) && load_text(names, text, n);
    free(text);
    if (!ok) cli_error("%s: the index has no table of names: it was not built by llmcs index build", path);
    return ok;
}

bool names_store(const index_names *names, llmcs_index *index) {
    json_t *tags = json_array();
    for (size_t i = 0; i < names->n_tags; i++) json_array_append_new(tags, json_string(names->tags[i]));
    json_t *head = json_pack("{s:s?,s:o}", "model", names->model, "tags", tags);
    char *line = head ? json_dumps(head, JSON_COMPACT) : NULL, *text = NULL;
    size_t n = 0;
    json_decref(head);
    FILE *out = line ? open_memstream(&text, &n) : NULL;
    if (out) {
        fprintf(out, "%s\n", line);
        for (size_t i = 0; i < names->n; i++) fprintf(out, "%s\n", names->items[i] ? names->items[i] : "");
    }
    free(line);
    const bool written = out && !fclose(out);
    const bool ok = written && !llmcs_index_set_attachment(index, text, n);
    free(text);
    if (!ok) written ? cli_failed("names") : cli_error("no memory for the names");
    return ok;
}

/* ---- names, tags */

json_int_t names_find(index_names *names, const char *name) {
    if (!names->numbers) {
        names->numbers = json_object();
        for (size_t i = 0; i < names->n; i++)
            if (names->items[i])
                json_object_set_new_nocheck(names->numbers, names->items[i], json_integer((json_int_t)i));
    }
    const json_t *number = json_object_get(names->numbers, name);
    return number ? json_integer_value(number) : -1;
}

json_int_t names_number(index_names *names, const char *name) {
    const json_int_t known = names_find(names, name), number = (json_int_t)names->n;
    if (known >= 0) return known;
    char *copy = strdup(name);
    if (!copy || json_object_set_new_nocheck(names->numbers, name, json_integer(number)) || !append_name(names, copy)) {
        free(copy);
        return -1;
    }
    return number;
}

void names_remove(index_names *names, size_t number) {
    if (names->numbers) json_object_del(names->numbers, names->items[number]);
    free(names->items[number]);
    names->items[number] = NULL;
}

uint64_t names_tag(index_names *names, const char *tag, bool add) {
    for (size_t i = 0; i < names->n_tags; i++)
        if (!strcmp(names->tags[i], tag)) return (uint64_t)1 << i;
    if (!add || names->n_tags == NAMES_MAX_TAGS) return 0;
    names->tags[names->n_tags] = strdup(tag);
    return names->tags[names->n_tags] ? (uint64_t)1 << names->n_tags++ : 0;
}
