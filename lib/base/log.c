/* Formats a message and calls the host's log callback, outside the library's floating-point environment. */
#include "base/log.h"

#include <string.h>

#include "base/call.h"

#define LINE_BYTES 512

void ll_log_say(const ll_log *log, llmcs_log_level level, const char *fmt, ...) {
    if (!log || !log->fn) return;
    char raw[LINE_BYTES], line[LINE_BYTES];
    va_list args;
    va_start(args, fmt);
    ll_format_args(raw, sizeof raw, fmt, args);
    va_end(args);
    ll_escape(line, sizeof line, raw, strlen(raw));
    ll_call *call = ll_callback_begin();
    log->fn(log->user, level, line);
    ll_callback_end(call);
}
