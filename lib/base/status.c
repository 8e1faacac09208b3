/* The thread's error message, names of statuses, and formatting without a locale (stb_sprintf). */
#include "base/status.h"

#include <limits.h>
#include <stdbool.h>
#include <string.h>

#include "base/utf8.h"

/* stb_sprintf reads four chars at a time as integers and negates INT_MIN: the Makefile compiles this file with
 * -fno-strict-aliasing -fwrapv. */
#define STB_SPRINTF_IMPLEMENTATION
#define STB_SPRINTF_STATIC
#define STB_SPRINTF_NOUNALIGNED
#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wall"
#pragma GCC diagnostic ignored "-Wextra"
#pragma GCC diagnostic ignored "-Wpedantic"
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wcast-qual"
#pragma GCC diagnostic ignored "-Wimplicit-fallthrough"
#endif
#include <stb/stb_sprintf.h>
#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif

#define MESSAGE_BYTES 256
#define RAW_BYTES 1024 /* before escaping and truncation */

/* One buffer per thread, without destructor or allocation: safe in any thread of any host. */
static _Thread_local char message[MESSAGE_BYTES];

const char *llmcs_error_message(void) { return message; }

void ll_escape(char *out, size_t size, const char *text, size_t len) {
    static const char hex[] = "0123456789abcdef";
    size_t used = 0;
    for (size_t i = 0; i < len;) {
        uint32_t cp;
        size_t n = ll_utf8_decode(text + i, len - i, &cp);
        unsigned char byte = (unsigned char)text[i];
        bool plain = cp != LL_UTF8_BAD && cp >= 0x20 && !(cp >= 0x7f && cp < 0xa0);
        size_t need = plain ? n : 4;
        if (used + need >= size) break;
        if (plain) {
            memcpy(out + used, text + i, n);
            i += n;
        } else {
            memcpy(out + used, (char[]){'\\', 'x', hex[byte >> 4], hex[byte & 15]}, 4);
            i += 1;
        }
        used += need;
    }
    out[used] = 0;
}

void ll_set_message(const char *fmt, ...) {
    char raw[RAW_BYTES];
    va_list args;
    va_start(args, fmt);
    ll_format_args(raw, sizeof raw, fmt, args);
    va_end(args);
    ll_escape(message, sizeof message, raw, strlen(raw));
}

llmcs_status llmcs_set_error(llmcs_status status, const char *text) {
    char raw[RAW_BYTES];
    ll_format(raw, sizeof raw, "%s", text ? text : ""); /* `text` may be the message itself */
    ll_escape(message, sizeof message, raw, strlen(raw));
    return status;
}

int ll_format_args(char *out, size_t size, const char *fmt, va_list args) {
    /* stb_sprintf counts in int, and writes before the buffer if its size is 0. */
    if (size > INT_MAX) size = INT_MAX;
    return stbsp_vsnprintf(size ? out : NULL, (int)size, fmt, args);
}

int ll_format(char *out, size_t size, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    int n = ll_format_args(out, size, fmt, args);
    va_end(args);
    return n;
}

const char *llmcs_status_name(llmcs_status status) {
    static const char *const names[] = {
        "OK",        "ARG",         "NOMEM",      "IO",      "FORMAT",  "JSON",         "CONFIG",
        "TOKENIZER", "UNSUPPORTED", "LIMIT",      "CHANGED", "NOSPACE", "CONTEXT_FULL", "TOKEN_RANGE",
        "UTF8",      "NUMERIC",     "CANCELLED",  "BUSY",    "STATE",   "THREAD",       "FORK",
        "DEADLINE",  "INTERNAL",    "QUEUE_FULL", "PENDING", "BUFFER",  "NO_HEAD",      "TEMPLATE"};
    size_t i = (size_t)status;
    return i < sizeof names / sizeof *names ? names[i] : "UNKNOWN";
}

#define STR2(x) #x
#define STR(x) STR2(x)

const char *llmcs_version(void) {
    return STR(LLMCS_VERSION_MAJOR) "." STR(LLMCS_VERSION_MINOR) "." STR(LLMCS_VERSION_PATCH);
}
