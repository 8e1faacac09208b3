/* Reads a request: the JSON of a line, and values by their keys. */
#include "request.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_KEY_BYTES = 100 };

static _Thread_local char message[512]; /* of an error found here; "" if the library has it */

llmcs_status request_error(llmcs_status status, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    const int n = vsnprintf(message, sizeof message, fmt, args);
    va_end(args);
    if (n >= (int)sizeof message) message[cli_cut_utf8(message, sizeof message, sizeof message - 4)] = 0;
    return status;
}

void request_begin(void) { message[0] = 0; }

const char *request_message(void) { return message[0] ? message : llmcs_error_message(); }

/* ---- numbers out of range, and "id" */

static const char *skip_digits(const char *p) {
    while (*p >= '0' && *p <= '9') p++;
    return p;
}

/* The end of the number at p, as RFC 8259 writes numbers; NULL if there is none. */
static const char *number_end(const char *p, bool *integer) {
    if (*p == '-') p++;
    const char *digits = p;
    p = skip_digits(p);
    if (p == digits || (*digits == '0' && p > digits + 1)) return NULL;
    *integer = *p != '.' && *p != 'e' && *p != 'E';
    if (*p == '.') {
        digits = ++p;
        if ((p = skip_digits(p)) == digits) return NULL;
    }
    if (*p == 'e' || *p == 'E') {
        p++;
        if (*p == '+' || *p == '-') p++;
        digits = p;
        if ((p = skip_digits(p)) == digits) return NULL;
    }
    return p;
}

static bool is_out_of_range(const char *number, bool integer) {
    errno = 0;
    if (integer) {
        (void)strtoll(number, NULL, 10);
        return errno == ERANGE;
    }
    return isinf(strtod(number, NULL));
}

static const char *string_end(const char *p, const char *end) {
    for (p++; p < end && *p != '"'; p++)
        if (*p == '\\' && p + 1 < end) p++;
    return p < end ? p + 1 : end;
}

static const char *skip_spaces(const char *p, const char *end) {
    while (p < end && (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\n')) p++;
    return p;
}

static char *copy_trimmed(const char *from, const char *end) {
    while (end > from && strchr(" \t\r\n", end[-1])) end--;
    return strndup(from, (size_t)(end - from));
}

/* One walk over a line, NUL-terminated, that need not be JSON: the value of "id" in the outermost object, and the
 * numbers out of range, which `to`, where it is not NULL, gets in quotes with all the rest. */
typedef struct scan {
    const char *id, *id_end; /* NULL: not found */
    size_t n_large;          /* numbers out of range */
} scan;

static scan scan_line(const char *line, size_t len, FILE *to) {
    const char *end = line + len;
    scan s = {0};
    int depth = 0;
    for (const char *p = line; p < end;) {
        const char *next = p + 1;
        bool integer = false, quote = false;
        if (*p == '"') {
            next = string_end(p, end);
            const char *colon = skip_spaces(next, end);
            if (depth == 1 && !s.id && next - p == 4 && !memcmp(p, "\"id\"", 4) && colon < end && *colon == ':')
                s.id = skip_spaces(colon + 1, end);
        } else if (*p == '-' || (*p >= '0' && *p <= '9')) {
            const char *number = number_end(p, &integer);
            quote = number && is_out_of_range(p, integer);
            next = number ? number : next;
            s.n_large += quote;
        } else if (*p == '{' || *p == '[') {
            depth++;
        } else if (*p == '}' || *p == ']' || *p == ',') {
            if (depth == 1 && *p != ']' && s.id && !s.id_end) s.id_end = p;
            depth -= *p != ',';
        }
        if (to && quote) fputc('"', to);
        if (to) fwrite(p, 1, (size_t)(next - p), to);
        if (to && quote) fputc('"', to);
        p = next;
    }
    return s;
}

/* Allocated: the line with its numbers out of range in quotes; NULL: no memory. */
static char *quote_large_numbers(const char *line, size_t len, size_t *copy_len) {
    char *copy = NULL;
    FILE *to = open_memstream(&copy, copy_len);
    if (!to) return NULL;
    scan_line(line, len, to);
    if (!fclose(to)) return copy;
    free(copy);
    return NULL;
}

static llmcs_status load(const char *line, size_t len, cli_request *request) {
    json_error_t error;
    request->json = json_loadb(line, len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
    if (!request->json) {
        /* Cuts "near '...'", which quotes the request: it may hold a customer's data. */
        char *near = strstr(error.text, " near ");
        if (near) *near = 0;
        return request_error(LLMCS_JSON, "not JSON at byte %d: %s", error.position, error.text);
    }
    if (!json_is_object(request->json))
        return request_error(LLMCS_JSON, "a request is a JSON object, {\"key\": value, ...}");
    const json_t *id = json_object_get(request->json, "id"); /* the key may be spelled with escapes */
    if (id && !request->id) request->id = json_dumps(id, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(17));
    return LLMCS_OK;
}

llmcs_status request_parse(const char *line, size_t len, cli_request *request) {
    request_begin();
    *request = (cli_request){0};
    const scan s = scan_line(line, len, NULL);
    char *copy = s.n_large ? quote_large_numbers(line, len, &len) : NULL;
    if (s.id_end) request->id = copy_trimmed(s.id, s.id_end);
    llmcs_status status = LLMCS_OK;
    if ((s.n_large && !copy) || (s.id_end && !request->id))
        status = request_error(LLMCS_NOMEM, "no memory for the line");
    else
        status = load(copy ? copy : line, len, request);
    free(copy);
    if (status) request_free(request);
    return status;
}

void request_free(cli_request *request) {
    json_decref(request->json);
    free(request->id);
    *request = (cli_request){0};
}

/* ---- values */

llmcs_status request_unknown_key(const char *key) {
    const size_t len = strlen(key), n = cli_cut_utf8(key, len, MAX_KEY_BYTES);
    return request_error(LLMCS_ARG, "unknown key \"%.*s%s\"", (int)n, key, n < len ? "..." : "");
}

llmcs_status request_check_keys(const json_t *request, const char *const *known) {
    for (void *at = json_object_iter((json_t *)request); at; at = json_object_iter_next((json_t *)request, at)) {
        const char *key = json_object_iter_key(at);
        const char *const *k = known;
        while (*k && strcmp(*k, key)) k++;
        if (!*k && strcmp(key, "id")) return request_unknown_key(key);
    }
    return LLMCS_OK;
}

const json_t *request_value(const json_t *request, const char *key) {
    const json_t *v = json_object_get(request, key);
    return json_is_null(v) ? NULL : v;
}

llmcs_status request_text(const json_t *request, const char *key, bool required, const char **text, size_t *len) {
    const json_t *v = request_value(request, key);
    *text = NULL;
    *len = 0;
    if (!v) return required ? request_error(LLMCS_ARG, "key \"%s\" is missing", key) : LLMCS_OK;
    if (!json_is_string(v)) return request_error(LLMCS_ARG, "\"%s\" must be a string", key);
    *text = json_string_value(v);
    *len = json_string_length(v);
    return LLMCS_OK;
}

llmcs_status request_bool(const json_t *request, const char *key, bool fallback, bool *value) {
    const json_t *v = request_value(request, key);
    *value = fallback;
    if (!v) return LLMCS_OK;
    if (!json_is_boolean(v)) return request_error(LLMCS_ARG, "\"%s\" must be true or false", key);
    *value = json_is_true(v);
    return LLMCS_OK;
}

llmcs_status request_int(const json_t *request, const char *key, int32_t low, int32_t high, int32_t *value) {
    const json_t *v = request_value(request, key);
    if (!v) return LLMCS_OK;
    const json_int_t i = json_integer_value(v);
    if (!json_is_integer(v) || i < low || i > high)
        return request_error(LLMCS_ARG, "\"%s\" must be an integer from %d to %d", key, low, high);
    *value = (int32_t)i;
    return LLMCS_OK;
}

llmcs_status request_id_list(const json_t *list, const char *key, int32_t **ids, size_t *n) {
    *ids = NULL;
    *n = 0;
    if (!json_is_array(list)) return request_error(LLMCS_ARG, "\"%s\" must be a list of token ids", key);
    *n = json_array_size(list);
    *ids = malloc((*n + 1) * sizeof **ids);
    if (!*ids) return request_error(LLMCS_NOMEM, "no memory for \"%s\"", key);
    for (size_t i = 0; i < *n; i++) {
        const json_t *e = json_array_get(list, i);
        const json_int_t id = json_integer_value(e);
        if (!json_is_integer(e) || id < INT32_MIN || id > INT32_MAX) {
            free(*ids);
            *ids = NULL;
            return request_error(json_is_integer(e) ? LLMCS_TOKEN_RANGE : LLMCS_ARG, "\"%s\"[%zu] is not a token id",
                                 key, i);
        }
        (*ids)[i] = (int32_t)id;
    }
    return LLMCS_OK;
}

llmcs_status request_ids(const json_t *request, const char *key, bool required, int32_t **ids, size_t *n) {
    const json_t *v = request_value(request, key);
    *ids = NULL;
    *n = 0;
    if (!v) return required ? request_error(LLMCS_ARG, "key \"%s\" is missing", key) : LLMCS_OK;
    return request_id_list(v, key, ids, n);
}
