/* Errors of the shop layer: a status, and a message per thread for llmcs_error_message(). */
#ifndef SHOP_BASE_STATUS_H
#define SHOP_BASE_STATUS_H

#include <stdarg.h>

#include "llmcs_shop.h"

/* Sets this thread's message and evaluates to `status`: `return shop_fail(LLMCS_ARG, "...", ...)`. Formats as
 * sqlite3_snprintf does, which ignores the locale: %s, %d, %lld, %g, %.*s; cast size_t to long long and use %lld. */
#define shop_fail(status, ...) (shop_set_message((status), __VA_ARGS__), shop_same_status(status))

void shop_set_message(llmcs_status status, const char *fmt, ...);
static inline llmcs_status shop_same_status(llmcs_status status) { return status; }

/* Returns from the caller if the call fails: SHOP_TRY(f(x)); */
#define SHOP_TRY(call)                                 \
    do {                                               \
        llmcs_status shop_try_status_ = (call);        \
        if (shop_try_status_) return shop_try_status_; \
    } while (0)

/* Sets `status`, a local variable, and jumps to `label` on failure. */
#define SHOP_TRY_GOTO(status, call, label) \
    do {                                   \
        (status) = (call);                 \
        if (status) goto label;            \
    } while (0)

#endif
