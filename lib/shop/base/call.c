/* Saves the host's floating-point environment and cancellation state per call, and restores them for callbacks. */
#include "shop/base/call.h"

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

static _Thread_local shop_call *innermost; /* of this thread; NULL: the host's own code runs */

static void set_default_environment(void) {
    fesetenv(FE_DFL_ENV); /* on x86 with MXCSR: FTZ and DAZ off */
#if defined(__aarch64__)
    /* fesetenv preserves bits it considers reserved (DN, AHP): Arm ARM, FPCR. */
    __asm__ volatile("msr fpcr, %0" : : "r"((uint64_t)0));
#endif
}

void shop_call_enter(shop_call *call) {
    call->outer = innermost;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &call->cancel_state);
    fegetenv(&call->host);
    set_default_environment();
    innermost = call;
}

void shop_call_leave(shop_call *call) {
    innermost = call->outer;
    fesetenv(&call->host);
    pthread_setcancelstate(call->cancel_state, NULL);
}

static shop_call *outermost_of(shop_call *call) {
    while (call->outer) call = call->outer;
    return call;
}

shop_call *shop_callback_begin(void) {
    shop_call *call = innermost;
    if (!call) return NULL;
    const shop_call *first = outermost_of(call);
    innermost = NULL; /* calls made by the callback start a new stack */
    fesetenv(&first->host);
    pthread_setcancelstate(first->cancel_state, NULL);
    return call;
}

void shop_callback_end(shop_call *call) {
    if (!call) return;
    shop_call *first = outermost_of(call);
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &first->cancel_state); /* keeps what the callback has changed */
    fegetenv(&first->host);
    set_default_environment();
    innermost = call;
}
