/* Monotonic time in nanoseconds. */
#ifndef LL_BASE_CLOCK_H
#define LL_BASE_CLOCK_H

#include <stdint.h>

uint64_t ll_now_ns(void);

#endif
