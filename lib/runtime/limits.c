/* Reads and checks the limits of calls. */
#include "runtime/limits.h"

#include "base/clock.h"
#include "base/options.h"

#define OLDEST_SIZE LL_SIZE_UP_TO_POINTER(llmcs_call_limits, cancel)

uint64_t ll_deadline_after(double deadline_ms) {
    const double ns = deadline_ms * 1e6;
    if (!(ns > 0)) return 0;
    return ll_now_ns() + (ns < 1e18 ? (uint64_t)ns : (uint64_t)1e18 /* thirty years */);
}

llmcs_status ll_limits_read(const llmcs_call_limits *limits, ll_limits *out) {
    llmcs_call_limits l = {.struct_size = sizeof l};
    if (limits) LL_TRY(ll_options_in(&l, sizeof l, OLDEST_SIZE, limits, "llmcs_call_limits"));
    if (!(l.deadline_ms >= 0)) return ll_fail(LLMCS_ARG, "deadline_ms: %g is not valid (0 or more)", l.deadline_ms);
    *out = (ll_limits){ll_deadline_after(l.deadline_ms), l.cancel};
    return LLMCS_OK;
}

llmcs_status ll_limits_check(const ll_limits *limits) {
    if (ll_is_cancelled(limits->cancel)) return LLMCS_CANCELLED;
    return limits->deadline_ns && ll_now_ns() >= limits->deadline_ns ? LLMCS_DEADLINE : LLMCS_OK;
}

const char *ll_limits_message(llmcs_status status) {
    return status == LLMCS_CANCELLED ? "the call was cancelled" : "the deadline passed";
}
