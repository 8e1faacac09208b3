/* The host's floating-point environment (rounding mode, flush-to-zero, unmasked exceptions) must not change our
 * numbers, and ours must not change the host's. */
#ifndef LL_BASE_FPENV_H
#define LL_BASE_FPENV_H

#include <fenv.h>

typedef struct ll_fpenv {
    fenv_t saved;
} ll_fpenv;

/* Saves this thread's environment and sets the default: round to nearest, no flush-to-zero, exceptions masked. */
void ll_fpenv_enter(ll_fpenv *env);

/* Restores the saved environment, exception flags included. */
void ll_fpenv_leave(const ll_fpenv *env);

#endif
