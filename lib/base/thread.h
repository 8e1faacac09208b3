/* Threads that a host does not notice, and conditions with a monotonic deadline. */
#ifndef LL_BASE_THREAD_H
#define LL_BASE_THREAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Starts a thread with all signals blocked, except those it may cause itself (SIGSEGV, ...), so that a host's crash
 * handler still receives them. Returns an errno, 0 on success. */
int ll_thread_start(pthread_t *thread, size_t stack_bytes, void *(*run)(void *arg), void *arg);

/* Between these two the calling thread cannot be cancelled: cancellation while it waits or holds a lock would hang the
 * others. restore takes what disable returned. */
int ll_cancel_disable(void);
void ll_cancel_restore(int cancel_state);

/* A condition that uses the clock of ll_now_ns. Returns an errno. */
int ll_condition_init(pthread_cond_t *condition);
/* Called with the lock held. Waits until signalled (or spuriously), at most until until_ns; UINT64_MAX: no deadline.
 * False: the deadline has passed. */
bool ll_condition_wait(pthread_cond_t *condition, pthread_mutex_t *lock, uint64_t until_ns);

#endif
