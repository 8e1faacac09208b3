/* Clocks for measuring and for deadlines. */
#ifndef SHOP_BASE_CLOCK_H
#define SHOP_BASE_CLOCK_H

#include <pthread.h>
#include <stdbool.h>
#include <time.h>

/* Milliseconds of CLOCK_MONOTONIC. */
double shop_now_ms(void);

/* `ms` milliseconds from now on `clock`, for pthread_*_timed*. */
struct timespec shop_after_ms(clockid_t clock, double ms);

/* Initialises a condition whose timed waits use CLOCK_MONOTONIC, which setting the time of day does not change. False:
 * failed. */
bool shop_cond_init(pthread_cond_t *condition);

#endif
