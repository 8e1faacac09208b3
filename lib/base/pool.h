/*
 * One thread pool per model. Every thread runs the same function (SPMD), takes its share by its index, and waits for
 * the others at barriers. A whole forward pass is one ll_pool_run, so threads wake once per token, not once per
 * operation.
 *
 *     static void forward(ll_team *team, void *arg) {
 *         size_t begin, end;
 *         ll_team_share(team, n_rows, 1, &begin, &end);
 *         ... rows [begin, end) ...
 *         ll_team_wait(team); // all threads have finished the step above
 *         ...
 *     }
 *
 * Waiting threads spin for some microseconds, then sleep on a condition variable; an idle pool uses no CPU. Workers
 * block all signals and run with the default floating-point environment, which is also set for the caller during the
 * run.
 *
 * Written by hand because Debian's libpthreadpool-dev has no barrier inside a run, so threads would wake once per
 * operation, and allocates with malloc only; OpenMP's threads belong to the process, not to a model.
 *
 * A host's callback that is called by thread 0 of a run may throw: the run then ends when the workers' functions have
 * returned, so they must not wait for thread 0 at a barrier of their own.
 */
#ifndef LL_BASE_POOL_H
#define LL_BASE_POOL_H

#include "base/alloc.h"
#include "base/log.h"

typedef struct ll_pool ll_pool;

/* One thread's view of a run. */
typedef struct ll_team {
    ll_pool *pool;
    int index; /* 0..size-1; 0 is the caller of ll_pool_run */
    int size;
} ll_team;

typedef void (*ll_team_fn)(ll_team *team, void *arg);

/* n_threads: 0 means ll_cpu_usable(); 1 starts no thread. If a thread cannot be started, the pool has fewer and logs
 * it. THREAD if a lock cannot be created; NOMEM. */
llmcs_status ll_pool_create(const llmcs_allocator *a, int n_threads, const ll_log *log, ll_pool **pool);

/* In a child of fork() this only frees memory: the threads are the parent's. */
void ll_pool_free(ll_pool **pool);

int ll_pool_size(const ll_pool *pool);

/* Bytes that a pool takes from its allocator; stacks are the system's. */
size_t ll_pool_bytes(int n_threads);

/* Runs fn on every thread of the pool, the caller's included, and returns when all have returned. Concurrent callers
 * wait for each other; with a pool of one they run concurrently. FORK in a child process. */
llmcs_status ll_pool_run(ll_pool *pool, ll_team_fn fn, void *arg);

/* A barrier: returns when all threads of the team have called it. No-op in a team of one. */
void ll_team_wait(ll_team *team);

/* This thread's share [begin, end) of n items, in multiples of `unit` (the last share may be cut). */
static inline void ll_team_share(const ll_team *team, size_t n, size_t unit, size_t *begin, size_t *end) {
    size_t units = (n + unit - 1) / unit;
    size_t b = units * (size_t)team->index / (size_t)team->size * unit;
    size_t e = units * ((size_t)team->index + 1) / (size_t)team->size * unit;
    *begin = b < n ? b : n;
    *end = e < n ? e : n;
}

#endif
