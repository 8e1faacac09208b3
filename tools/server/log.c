/* The log: one JSON object a line on stderr. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "server.h"

static void format_time(char text[40]) {
    struct timespec now;
    struct tm utc;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    const size_t n = strftime(text, 40, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(text + n, 40 - n, ".%03dZ", (int)(now.tv_nsec / 1000000));
}

/* One write per line, so that lines of several threads do not mix. */
static void write_line(char *line) {
    const size_t n = strlen(line);
    line[n] = '\n'; /* in place of the NUL */
    for (size_t at = 0; at < n + 1;) {
        const ssize_t written = write(STDERR_FILENO, line + at, n + 1 - at);
        if (written <= 0) break;
        at += (size_t)written;
    }
}

void log_event(log_level level, const char *event, json_t *more) {
    static const char *const names[] = {"info", "warn", "error"};
    char time_text[40];
    format_time(time_text);
    json_t *line = json_pack("{ssssss}", "time", time_text, "level", names[level], "event", event);
    if (line && more) json_object_update_missing(line, more);
    char *text = line ? json_dumps(line, JSON_COMPACT | JSON_REAL_PRECISION(6)) : NULL;
    if (text) write_line(text);
    free(text);
    json_decref(line);
    json_decref(more);
}

void log_message(log_level level, const char *event, const char *fmt, ...) {
    char message[1024];
    va_list args;
    va_start(args, fmt);
    vsnprintf(message, sizeof message, fmt, args);
    va_end(args);
    json_t *text = json_string(message);
    log_event(level, event, json_pack("{so}", "message", text ? text : json_string("(not UTF-8)")));
}
