/* Cancellation flag and deadline of a call. */
#ifndef LL_RUNTIME_LIMITS_H
#define LL_RUNTIME_LIMITS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

/* llmcs_call_limits, complete and checked. */
typedef struct ll_limits {
    uint64_t deadline_ns;  /* on ll_now_ns's clock; 0: none */
    const int32_t *cancel; /* the caller's, set by any thread or signal handler; may be NULL */
} ll_limits;

/* limits: NULL for none. ARG. */
llmcs_status ll_limits_read(const llmcs_call_limits *limits, ll_limits *out);

/* The instant deadline_ms from now on ll_now_ns's clock; 0 ms: none. */
uint64_t ll_deadline_after(double deadline_ms);

/* Reads with acquire order: what a thread wrote before it set the flag is visible to the caller of the ended call. */
static inline bool ll_is_cancelled(const int32_t *cancel) {
    return cancel && __atomic_load_n(cancel, __ATOMIC_ACQUIRE);
}

/* CANCELLED or DEADLINE if a call has to end, else OK. Without a message. */
llmcs_status ll_limits_check(const ll_limits *limits);

/* The message of CANCELLED or DEADLINE. */
const char *ll_limits_message(llmcs_status status);

#endif
