/* Reads the values of a row: strings, numbers, times. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "import.h"
#include "request.h"

static llmcs_status missing(const char *key) { return request_error(LLMCS_ARG, "\"%s\" is missing", key); }

void *row_alloc(import_row *row, size_t count, size_t size) {
    if (row->n_arrays == sizeof row->arrays / sizeof *row->arrays) return NULL;
    void *p = calloc(count ? count : 1, size);
    if (p) row->arrays[row->n_arrays++] = p;
    return p;
}

static llmcs_status plain_string(const json_t *v, const char *key, const char **value) {
    if (!json_is_string(v)) return request_error(LLMCS_ARG, "\"%s\" must be a string", key);
    *value = json_string_value(v);
    if (strlen(*value) == json_string_length(v)) return LLMCS_OK;
    return request_error(LLMCS_ARG, "\"%s\" holds a NUL character", key);
}

llmcs_status field_string(const json_t *row, const char *key, bool required, const char **value) {
    const json_t *v = request_value(row, key);
    *value = NULL;
    if (!v) return required ? missing(key) : LLMCS_OK;
    return plain_string(v, key, value);
}

llmcs_status field_double(const json_t *row, const char *key, bool required, double fallback, double *value) {
    const json_t *v = request_value(row, key);
    char *end = NULL;
    *value = fallback;
    if (!v) return required ? missing(key) : LLMCS_OK;
    if (json_is_number(v)) {
        *value = json_number_value(v);
        return LLMCS_OK;
    }
    const char *text = json_string_value(v);
    if (text && *text) *value = strtod(text, &end);
    if (end && !*end && isfinite(*value)) return LLMCS_OK;
    return request_error(LLMCS_ARG, "\"%s\" must be a number", key);
}

llmcs_status field_int(const json_t *row, const char *key, int64_t fallback, int64_t *value) {
    double x;
    const llmcs_status status = field_double(row, key, false, (double)fallback, &x);
    *value = fallback;
    if (status) return status;
    if (x != floor(x) || fabs(x) > 1e15) return request_error(LLMCS_ARG, "\"%s\" must be an integer", key);
    *value = (int64_t)x;
    return LLMCS_OK;
}

/* ---- times */

/* Reads exactly n digits at *p; -1 if they are missing. */
static int digits(const char **p, int n) {
    int value = 0;
    for (int i = 0; i < n; i++, (*p)++) {
        if (**p < '0' || **p > '9') return -1;
        value = 10 * value + (**p - '0');
    }
    return value;
}

static bool skip(const char **p, char c) {
    if (**p != c) return false;
    (*p)++;
    return true;
}

/* "+08:00", "+0800", "+08", "Z" or nothing, in seconds. */
static bool zone(const char *p, long *seconds) {
    *seconds = 0;
    if (!*p || !strcmp(p, "Z") || !strcmp(p, "z")) return true;
    const long sign = *p == '-' ? -1 : 1;
    if (*p != '+' && *p != '-') return false;
    p++;
    const int hours = digits(&p, 2);
    skip(&p, ':');
    const int minutes = *p ? digits(&p, 2) : 0;
    *seconds = sign * (hours * 3600L + minutes * 60L);
    return hours >= 0 && hours <= 23 && minutes >= 0 && minutes <= 59 && !*p;
}

bool parse_time(const char *p, int64_t *value) {
    struct tm t = {.tm_mday = 1};
    long offset = 0;
    t.tm_year = digits(&p, 4) - 1900;
    if (t.tm_year < -900 || !skip(&p, '-')) return false;
    t.tm_mon = digits(&p, 2) - 1;
    if (t.tm_mon < 0 || t.tm_mon > 11 || !skip(&p, '-')) return false;
    t.tm_mday = digits(&p, 2);
    const int day = t.tm_mday;
    if (*p) {
        if (!skip(&p, 'T') && !skip(&p, ' ')) return false;
        t.tm_hour = digits(&p, 2);
        if (t.tm_hour < 0 || t.tm_hour > 23 || !skip(&p, ':')) return false;
        t.tm_min = digits(&p, 2);
        if (skip(&p, ':')) t.tm_sec = digits(&p, 2);
        if (t.tm_min < 0 || t.tm_min > 59 || t.tm_sec < 0 || t.tm_sec > 60) return false;
        if (skip(&p, '.'))
            while (*p >= '0' && *p <= '9') p++;
        if (!zone(p, &offset)) return false;
    }
    *value = (int64_t)timegm(&t) - offset;
    return day == t.tm_mday; /* false for 31 February, which timegm turns into a day of March */
}

llmcs_status field_time(const json_t *row, const char *key, bool required, int64_t *value) {
    const json_t *v = request_value(row, key);
    const char *text = json_string_value(v);
    char *end = NULL;
    *value = 0;
    if (!v) return required ? missing(key) : LLMCS_OK;
    double x = NAN;
    if (json_is_number(v))
        x = json_number_value(v);
    else if (text && *text && parse_time(text, value))
        return LLMCS_OK;
    else if (text && *text)
        x = strtod(text, &end), x = *end ? NAN : x;
    if (!(fabs(x) <= 1e15))
        return request_error(LLMCS_ARG, "\"%s\" must be ISO 8601 (2026-11-28T20:15:00Z) or seconds since 1970", key);
    *value = (int64_t)floor(x);
    return LLMCS_OK;
}

/* ---- lists */

llmcs_status field_strings(import_row *row, const char *key, const char *const **values, size_t *n) {
    const json_t *v = request_value(row->json, key);
    *values = NULL;
    *n = 0;
    if (!v) return LLMCS_OK;
    const size_t count = json_is_array(v) ? json_array_size(v) : 1;
    const char **list = row_alloc(row, count, sizeof *list);
    if (!list) return request_error(LLMCS_NOMEM, "no memory for \"%s\"", key);
    for (size_t i = 0; i < count; i++) {
        const llmcs_status status = plain_string(json_is_array(v) ? json_array_get(v, i) : v, key, &list[i]);
        if (status) return request_error(LLMCS_ARG, "\"%s\" must be a string or a list of strings without NUL", key);
    }
    *values = list;
    *n = count;
    return LLMCS_OK;
}
