/* The host's log callback, passed by value. */
#ifndef LL_BASE_LOG_H
#define LL_BASE_LOG_H

#include "base/status.h"

typedef struct ll_log {
    llmcs_log_fn fn; /* NULL: silence */
    void *user;
} ll_log;

void ll_log_say(const ll_log *log, llmcs_log_level level, const char *fmt, ...) LL_PRINTF(3, 4);

#endif
