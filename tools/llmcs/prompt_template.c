#include "prompt_template.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_SYSTEM "{system}\n"

void template_free(prompt_template *t) {
    free(t->before);
    free(t->between);
    free(t->after);
    free(t->system_before);
    free(t->system_after);
    for (size_t i = 0; i < t->n_stop_strings; i++) free(t->stop_strings[i]);
    free(t->stop_strings);
    *t = (prompt_template){0};
}

bool template_is_valid_turn(const char *turn) { return strstr(turn, "{prompt}"); }

/* Splits text at the first `mark`; without one all of it is before. */
static bool split(const char *text, const char *mark, char **before, char **after) {
    const char *at = strstr(text, mark);
    *before = at ? strndup(text, (size_t)(at - text)) : strdup(text);
    *after = strdup(at ? at + strlen(mark) : "");
    return *before && *after;
}

/* A new turn ends an answer: "\nUser:" where turns begin with "User: ". */
static bool add_default_stop_string(prompt_template *t) {
    size_t len = strlen(t->before);
    while (len && t->before[len - 1] == ' ') len--;
    t->stop_strings = calloc(1, sizeof *t->stop_strings);
    if (!t->stop_strings || !len) return t->stop_strings;
    char *stop = malloc(len + 2);
    if (!stop) return false;
    stop[0] = '\n';
    memcpy(stop + 1, t->before, len);
    stop[len + 1] = 0;
    t->stop_strings[t->n_stop_strings++] = stop;
    return true;
}

static bool add_stop_strings(prompt_template *t, const json_t *list) {
    if (!list) return add_default_stop_string(t);
    t->stop_strings = calloc(json_array_size(list) + 1, sizeof *t->stop_strings);
    for (size_t i = 0; t->stop_strings && i < json_array_size(list); i++, t->n_stop_strings++)
        if (!(t->stop_strings[i] = strdup(json_string_value(json_array_get(list, i))))) return false;
    return t->stop_strings;
}

static bool make_template(prompt_template *t, const char *turn, const char *system, const json_t *stop_strings) {
    char *rest = NULL;
    const bool made = split(turn, "{prompt}", &t->before, &rest) && split(rest, "{answer}", &t->between, &t->after) &&
                      split(system, "{system}", &t->system_before, &t->system_after) &&
                      add_stop_strings(t, stop_strings);
    if (made && !strstr(rest, "{answer}")) { /* a turn that ends with its prompt */
        free(t->after);
        t->after = strdup("\n");
    }
    free(rest);
    if (!made || !t->after) cli_error("no memory for the prompt template");
    return made && t->after;
}

/* \n, \t and \\ as in C. */
static char *unescape(const char *text) {
    char *copy = malloc(strlen(text) + 1), *to = copy;
    if (!copy) return NULL;
    for (; *text; text++) {
        const char next = *text == '\\' ? text[1] : 0;
        if (next == 'n' || next == 't' || next == '\\') {
            *to++ = next == 'n' ? '\n' : next == 't' ? '\t' : '\\';
            text++;
        } else {
            *to++ = *text;
        }
    }
    *to = 0;
    return copy;
}

static bool is_plain_string(const json_t *v) {
    return json_is_string(v) && strlen(json_string_value(v)) == json_string_length(v);
}

/* The error in the file, or NULL. */
static const char *find_fault(const json_t *file) {
    const json_t *turn = json_object_get(file, "turn"), *system = json_object_get(file, "system");
    const json_t *stop_strings = json_object_get(file, "stop_strings");
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)file, key, value) if (strcmp(key, "turn") != 0 && strcmp(key, "system") != 0 &&
                                                        strcmp(key, "stop_strings") != 0) return "unknown key";
    if (!is_plain_string(turn) || !template_is_valid_turn(json_string_value(turn)))
        return "turn: expected a string with {prompt}";
    if (system && (!is_plain_string(system) || !strstr(json_string_value(system), "{system}")))
        return "system: expected a string with {system}";
    if (stop_strings && !json_is_array(stop_strings)) return "stop_strings: expected a list of strings";
    for (size_t i = 0; i < json_array_size(stop_strings); i++)
        if (!is_plain_string(json_array_get(stop_strings, i)) || !json_string_length(json_array_get(stop_strings, i)))
            return "stop_strings: expected a list of strings that are not empty";
    return NULL;
}

static int read_file(prompt_template *t, const char *path) {
    json_error_t error;
    FILE *from = fopen(path, "rb");
    if (!from && (errno == ENOENT || errno == ENOTDIR)) return 0;
    json_t *file = from ? json_loadf(from, JSON_REJECT_DUPLICATES, &error) : NULL;
    const char *fault = !from ? strerror(errno) : !file ? error.text : find_fault(file);
    int found = -1;
    if (fault) {
        cli_error("%s: %s", path, fault);
    } else {
        const json_t *system = json_object_get(file, "system");
        const bool made =
            make_template(t, json_string_value(json_object_get(file, "turn")),
                          system ? json_string_value(system) : DEFAULT_SYSTEM, json_object_get(file, "stop_strings"));
        found = made ? 1 : -1;
    }
    json_decref(file);
    if (from) fclose(from);
    return found;
}

int template_find(prompt_template *t, const char *folder, const char *option, const char *fallback) {
    char path[4096];
    *t = (prompt_template){0};
    if (option && !strcmp(option, "none")) return 0;
    int found = 0;
    if (!option && snprintf(path, sizeof path, "%s/prompt_template.json", folder) < (int)sizeof path)
        found = read_file(t, path);
    char *turn = option ? unescape(option) : found || !fallback ? NULL : strdup(fallback);
    if (turn) found = make_template(t, turn, DEFAULT_SYSTEM, NULL) ? 1 : -1;
    free(turn);
    if (found < 0) template_free(t);
    return found;
}

/* ---- writing */

/* LF, CR LF, CR, VT, FF, U+0085, U+2028, U+2029. Returns the bytes of the line end at text, 0 if there is none. */
static size_t line_end_bytes(const char *text, size_t len) {
    const unsigned char *c = (const unsigned char *)text;
    if (c[0] == '\r' && len > 1 && c[1] == '\n') return 2;
    if (c[0] >= '\n' && c[0] <= '\r') return 1;
    if (len > 1 && c[0] == 0xc2 && c[1] == 0x85) return 2;
    return len > 2 && c[0] == 0xe2 && c[1] == 0x80 && (c[2] == 0xa8 || c[2] == 0xa9) ? 3 : 0;
}

void template_write_system(const prompt_template *t, FILE *to, const char *system, size_t len) {
    fputs(t->system_before, to);
    fwrite(system, 1, len, to);
    fputs(t->system_after, to);
}

void template_write_prompt(const prompt_template *t, FILE *to, const char *message, size_t len) {
    fputs(t->before, to);
    for (size_t i = 0, n; i < len; i += n) {
        n = line_end_bytes(message + i, len - i);
        fputc(n ? ' ' : message[i], to);
        if (!n) n = 1;
    }
    size_t between = strlen(t->between);
    while (between && t->between[between - 1] == ' ') between--;
    fwrite(t->between, 1, between, to);
}

void template_write_answer(const prompt_template *t, FILE *to, const char *answer, size_t len) {
    size_t between = strlen(t->between), spaces = 0;
    while (spaces < between && t->between[between - 1 - spaces] == ' ') spaces++;
    if (len && *answer == ' ') spaces = 0; /* an answer as the model wrote it */
    fprintf(to, "%*s", (int)spaces, "");
    fwrite(answer, 1, len, to);
    fputs(t->after, to);
}
