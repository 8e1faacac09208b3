/* The stack of public calls on each thread, with the host's floating-point and cancellation state for its callbacks. */
#include "base/call.h"

#include <stddef.h>

#include "base/thread.h"

static _Thread_local ll_call *innermost; /* NULL while the host's own code runs on this thread */

void ll_call_enter(ll_call *call) {
    call->outer = innermost;
    call->cancel_state = ll_cancel_disable();
    ll_fpenv_enter(&call->host);
    innermost = call;
}

void ll_call_leave(ll_call *call) {
    innermost = call->outer;
    ll_fpenv_leave(&call->host);
    ll_cancel_restore(call->cancel_state);
}

static ll_call *outermost_of(ll_call *call) {
    while (call->outer) call = call->outer;
    return call;
}

ll_call *ll_callback_begin(void) {
    ll_call *call = innermost;
    if (!call) return NULL;
    const ll_call *first = outermost_of(call);
    innermost = NULL; /* a call from the callback starts a new stack */
    ll_fpenv_leave(&first->host);
    ll_cancel_restore(first->cancel_state);
    return call;
}

void ll_callback_end(ll_call *call) {
    if (!call) return;
    ll_call *first = outermost_of(call);
    first->cancel_state = ll_cancel_disable(); /* the callback may have changed both; the host keeps its changes */
    ll_fpenv_enter(&first->host);
    innermost = call;
}
