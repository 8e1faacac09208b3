/*
 * A public call and the thread that makes it.
 *
 * The host's floating-point environment (rounding mode, flush-to-zero, unmasked exceptions) must not change our
 * numbers, and pthread_cancel must not end a thread that holds memory or a lock of ours. So every public function that
 * computes, allocates or waits starts with LL_PUBLIC_CALL: the default environment is set and cancellation is disabled
 * until the function returns. Calls nest. The host's callbacks run between ll_callback_begin and ll_callback_end, in
 * the state that the outermost call found.
 *
 * A callback may be left by a C++ exception, by cancellation or by pthread_exit. Our frames are then unwound, which
 * runs their LL_CLEANUP functions (the library is compiled with -fexceptions), LL_PUBLIC_CALL's included. So locks and
 * memory held during a callback are released by LL_CLEANUP. longjmp skips these functions, so callbacks must not use
 * it.
 */
#ifndef LL_BASE_CALL_H
#define LL_BASE_CALL_H

#include "base/fpenv.h"

/* The variable's address is handed to `function` when the variable goes out of scope, by return or by unwinding. */
#define LL_CLEANUP(function) __attribute__((cleanup(function)))

typedef struct ll_call {
    ll_fpenv host;
    int cancel_state;      /* the host's */
    struct ll_call *outer; /* the call this one is nested in, or NULL */
} ll_call;

void ll_call_enter(ll_call *call);
void ll_call_leave(ll_call *call);

#define LL_PUBLIC_CALL                              \
    ll_call public_call_ LL_CLEANUP(ll_call_leave); \
    ll_call_enter(&public_call_)

/* Pass the result of begin to end. Outside of public calls both do nothing. */
ll_call *ll_callback_begin(void);
void ll_callback_end(ll_call *call);

#endif
