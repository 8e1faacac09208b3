/* Threads, cancellation and conditions (pthreads). */
#include "base/thread.h"

#include <errno.h>
#include <signal.h>
#include <time.h>

static void block_signals(sigset_t *before) {
    static const int own_faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS};
    sigset_t blocked;
    sigfillset(&blocked);
    for (size_t i = 0; i < sizeof own_faults / sizeof *own_faults; i++) sigdelset(&blocked, own_faults[i]);
    pthread_sigmask(SIG_SETMASK, &blocked, before);
}

static int create_thread(pthread_t *thread, size_t stack_bytes, void *(*run)(void *arg), void *arg) {
    pthread_attr_t attr;
    int error = pthread_attr_init(&attr);
    if (error) return error;
    error = pthread_attr_setstacksize(&attr, stack_bytes);
    if (!error) error = pthread_create(thread, &attr, run, arg);
    pthread_attr_destroy(&attr);
    /* With much thread-local data in the host our stack is too small: use the default size. */
    return error == EINVAL ? pthread_create(thread, NULL, run, arg) : error;
}

int ll_thread_start(pthread_t *thread, size_t stack_bytes, void *(*run)(void *arg), void *arg) {
    sigset_t before;
    block_signals(&before);
    int error = create_thread(thread, stack_bytes, run, arg);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error;
}

int ll_cancel_disable(void) {
    int cancel_state;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
    return cancel_state;
}

void ll_cancel_restore(int cancel_state) { pthread_setcancelstate(cancel_state, NULL); }

int ll_condition_init(pthread_cond_t *condition) {
    pthread_condattr_t attr;
    int error = pthread_condattr_init(&attr);
    if (error) return error;
    error = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    if (!error) error = pthread_cond_init(condition, &attr);
    pthread_condattr_destroy(&attr);
    return error;
}

bool ll_condition_wait(pthread_cond_t *condition, pthread_mutex_t *lock, uint64_t until_ns) {
    if (until_ns == UINT64_MAX) return pthread_cond_wait(condition, lock) == 0;
    struct timespec until = {.tv_sec = (time_t)(until_ns / 1000000000u), .tv_nsec = (long)(until_ns % 1000000000u)};
    return pthread_cond_timedwait(condition, lock, &until) == 0;
}
