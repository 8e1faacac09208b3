/* Saves, resets and restores the floating-point environment (fenv.h; FPCR on AArch64). */
#include "base/fpenv.h"

#include <stdint.h>

void ll_fpenv_enter(ll_fpenv *env) {
    fegetenv(&env->saved);
    fesetenv(FE_DFL_ENV); /* on x86 with MXCSR: FTZ and DAZ off */
#if defined(__aarch64__)
    /* fesetenv preserves bits it considers reserved (DN, AHP): Arm ARM, FPCR. */
    __asm__ volatile("msr fpcr, %0" : : "r"((uint64_t)0));
#endif
}

void ll_fpenv_leave(const ll_fpenv *env) { fesetenv(&env->saved); }
