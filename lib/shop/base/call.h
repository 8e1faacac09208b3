/*
 * A public call of the shop layer and the thread that makes it.
 *
 * The host's floating-point environment must not change our numbers, and pthread_cancel must not end a thread inside a
 * transaction. So every public function that computes, allocates or waits starts with SHOP_PUBLIC_CALL: it sets the
 * default environment and disables cancellation until the function returns. Calls nest, also with those of the core. A
 * host's callback runs between shop_callback_begin and shop_callback_end, with the environment and cancellation state
 * that the outermost call found. If it exits by a C++ exception or pthread_exit, our frames are unwound and their
 * SHOP_CLEANUPs run.
 */
#ifndef SHOP_BASE_CALL_H
#define SHOP_BASE_CALL_H

#include <fenv.h>
#include <stdbool.h>
#include <stdint.h>

/* Calls function(&variable) when the variable goes out of scope, by return or by unwinding. */
#define SHOP_CLEANUP(function) __attribute__((cleanup(function)))

typedef struct shop_call {
    fenv_t host;
    int cancel_state;        /* the host's */
    struct shop_call *outer; /* the call this one is nested in, or NULL */
} shop_call;

void shop_call_enter(shop_call *call);
void shop_call_leave(shop_call *call);

#define SHOP_PUBLIC_CALL                                  \
    shop_call public_call_ SHOP_CLEANUP(shop_call_leave); \
    shop_call_enter(&public_call_)

/* cancel: a flag that any thread may set; may be NULL. */
static inline bool shop_is_cancelled(const int32_t *cancel) {
    return cancel && __atomic_load_n(cancel, __ATOMIC_ACQUIRE);
}

/* Pass the result of begin to end. Outside a public call both do nothing. */
shop_call *shop_callback_begin(void);
void shop_callback_end(shop_call *call);

#endif
