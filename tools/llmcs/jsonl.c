#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

static char message[512]; /* of an error this program found; "" if the library said it */

llmcs_status request_error(llmcs_status status, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    vsnprintf(message, sizeof message, fmt, args);
    va_end(args);
    return status;
}

llmcs_status request_check_keys(const json_t *request, const char *const *known) {
    void *at;
    for (at = json_object_iter((json_t *)request); at; at = json_object_iter_next((json_t *)request, at)) {
        const char *key = json_object_iter_key(at);
        const char *const *k = known;
        while (*k && strcmp(*k, key)) k++;
        if (!*k) return request_error(LLMCS_ARG, "unknown key \"%.100s\"", key);
    }
    return LLMCS_OK;
}

static const json_t *get(const json_t *request, const char *key) {
    const json_t *v = json_object_get(request, key);
    return json_is_null(v) ? NULL : v;
}

llmcs_status request_text(const json_t *request, const char *key, bool required, const char **text, size_t *len) {
    const json_t *v = get(request, key);
    *text = NULL;
    *len = 0;
    if (!v) return required ? request_error(LLMCS_ARG, "key \"%s\" is missing", key) : LLMCS_OK;
    if (!json_is_string(v)) return request_error(LLMCS_ARG, "\"%s\" must be a string", key);
    *text = json_string_value(v);
    *len = json_string_length(v);
    return LLMCS_OK;
}

llmcs_status request_bool(const json_t *request, const char *key, bool fallback, bool *value) {
    const json_t *v = get(request, key);
    *value = fallback;
    if (!v) return LLMCS_OK;
    if (!json_is_boolean(v)) return request_error(LLMCS_ARG, "\"%s\" must be true or false", key);
    *value = json_is_true(v);
    return LLMCS_OK;
}

llmcs_status request_ids(const json_t *request, const char *key, bool required, int32_t **ids, size_t *n) {
    const json_t *v = get(request, key);
    *ids = NULL;
    *n = 0;
    if (!v) return required ? request_error(LLMCS_ARG, "key \"%s\" is missing", key) : LLMCS_OK;
    if (!json_is_array(v)) return request_error(LLMCS_ARG, "\"%s\" must be a list of token ids", key);
    *n = json_array_size(v);
    *ids = malloc((*n + 1) * sizeof **ids);
    if (!*ids) return request_error(LLMCS_NOMEM, "no memory for \"%s\"", key);
    for (size_t i = 0; i < *n; i++) {
        const json_t *e = json_array_get(v, i);
        json_int_t id = json_is_integer(e) ? json_integer_value(e) : -1;
        if (!json_is_integer(e) || id < INT32_MIN || id > INT32_MAX) {
            free(*ids);
            *ids = NULL;
            return request_error(json_is_integer(e) ? LLMCS_TOKEN_RANGE : LLMCS_ARG, "\"%s\"[%zu] is no token id", key,
                                 i);
        }
        (*ids)[i] = (int32_t)id;
    }
    return LLMCS_OK;
}

void out_error(llmcs_status status, const char *text, size_t line) {
    printf("{\"error\":{\"line\":%zu,\"status\":\"%s\",\"message\":", line, llmcs_status_name(status));
    out_string(text, strlen(text));
    fputs("}}", stdout);
}

const char *request_message(void) { return message[0] ? message : llmcs_error_message(); }

llmcs_status request_parse(const char *line, size_t len, json_t **request) {
    json_error_t error;
    message[0] = 0;
    *request = json_loadb(line, len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
    if (!*request) return request_error(LLMCS_JSON, "not JSON at byte %d: %s", error.position, error.text);
    if (json_is_object(*request)) return LLMCS_OK;
    return request_error(LLMCS_JSON, "a request is a JSON object, {\"key\": value, ...}");
}

static llmcs_status answer(jsonl_handler handler, void *user, const char *line, size_t len) {
    json_t *request;
    llmcs_status status = request_parse(line, len, &request);
    if (!status) status = handler(user, request);
    json_decref(request);
    return status;
}

int cli_jsonl(jsonl_handler handler, void *user) {
    char *line = NULL;
    size_t room = 0, n_lines = 0;
    ssize_t n;
    while ((n = getline(&line, &room, stdin)) >= 0) {
        size_t len = (size_t)n;
        if (len && line[len - 1] == '\n') len--;
        n_lines++;
        llmcs_status status = answer(handler, user, line, len);
        if (status) out_error(status, request_message(), n_lines);
        putchar('\n');
        if (fflush(stdout)) break;
    }
    free(line);
    return ferror(stdin) || ferror(stdout) ? EXIT_FAILED : EXIT_OK;
}
