/* Time that passes, for measuring and for deadlines. */
#ifndef SHOP_BASE_CLOCK_H
#define SHOP_BASE_CLOCK_H

#include <time.h>

/* Milliseconds of CLOCK_MONOTONIC. */
double shop_now_ms(void);

/* The clock's time `ms` milliseconds from now, for pthread_*_timed*. */
struct timespec shop_after_ms(clockid_t clock, double ms);

#endif
