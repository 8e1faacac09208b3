/* Statuses and their messages. Every failing function sets its thread's message. */
#ifndef LL_BASE_STATUS_H
#define LL_BASE_STATUS_H

#include <stdarg.h>

#include "llmcs.h"

#if defined(__GNUC__)
#define LL_PRINTF(fmt_index, args_index) __attribute__((format(printf, fmt_index, args_index)))
#else
#define LL_PRINTF(fmt_index, args_index)
#endif

/* Sets this thread's message and evaluates to `status`: `return ll_fail(LLMCS_FORMAT, "...", ...)`. Formatted by
 * stb_sprintf, which ignores the locale. Control bytes and bytes that are not UTF-8 are escaped as \xHH, so file names
 * and keys may be passed with %s; a message of more than 255 bytes is cut between characters. A macro, so that
 * compilers and analysers see that a failure is not LLMCS_OK. */
#define ll_fail(status, ...) (ll_set_message(__VA_ARGS__), ll_same_status(status))

void ll_set_message(const char *fmt, ...) LL_PRINTF(1, 2);
static inline llmcs_status ll_same_status(llmcs_status status) { return status; }

/* snprintf without locale: writes at most `size` bytes with the NUL, returns the length it would have had. */
int ll_format(char *out, size_t size, const char *fmt, ...) LL_PRINTF(3, 4);
int ll_format_args(char *out, size_t size, const char *fmt, va_list args) LL_PRINTF(3, 0);

/* Escapes len bytes of text for printing: control bytes and bytes that are not UTF-8 become \xHH. Cut between
 * characters to fit `size` bytes (at least 1, NUL included). */
void ll_escape(char *out, size_t size, const char *text, size_t len);

/* Returns a failure: LL_TRY(f(x)); */
#define LL_TRY(call)                               \
    do {                                           \
        llmcs_status ll_try_status_ = (call);      \
        if (ll_try_status_) return ll_try_status_; \
    } while (0)

/* Sets `status`, a local variable, and jumps to `label` on failure. */
#define LL_TRY_GOTO(status, call, label) \
    do {                                 \
        (status) = (call);               \
        if (status) goto label;          \
    } while (0)

#endif
