/* Threads and conditions as all rooms want them. */
#ifndef LL_BASE_THREAD_H
#define LL_BASE_THREAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Starts a thread that leaves signals to the host's threads: all are blocked but those that a thread causes itself
 * (SIGSEGV ...), so that a host's crash handler still hears of them. An errno, 0: started. */
int ll_thread_start(pthread_t *thread, size_t stack_bytes, void *(*run)(void *arg), void *arg);

/* Between these two the calling thread is not ended by pthread_cancel: one that vanished while it waits, or holds a
 * lock at a cancellation point, would hang all others. */
int ll_thread_keep(void);
void ll_thread_release(int cancel_state);

/* A condition that waits by ll_now_ns's clock. An errno. */
int ll_condition_init(pthread_cond_t *condition);
/* Waits under the lock until signalled (or for no reason), until_ns at most; UINT64_MAX: for ever. False: it is time.
 */
bool ll_condition_wait(pthread_cond_t *condition, pthread_mutex_t *lock, uint64_t until_ns);

#endif
