/* Stores the shop layer's messages in the core, so that llmcs_error_message() returns them too. */
#include "shop/base/status.h"

#include <sqlite3.h>

enum { RAW_BYTES = 1024 }; /* before the core escapes and truncates the message */

void shop_set_message(llmcs_status status, const char *fmt, ...) {
    char raw[RAW_BYTES];
    va_list args;
    va_start(args, fmt);
    sqlite3_vsnprintf(sizeof raw, raw, fmt, args);
    va_end(args);
    llmcs_set_error(status, raw);
}

#define STR2(x) #x
#define STR(x) STR2(x)

const char *llmcs_shop_version(void) {
    return STR(LLMCS_SHOP_VERSION_MAJOR) "." STR(LLMCS_SHOP_VERSION_MINOR) "." STR(LLMCS_SHOP_VERSION_PATCH);
}
