/* Worker threads, the gates they wait at, and runs: one at a time. */
#include "base/pool.h"

#include <pthread.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base/call.h"
#include "base/clock.h"
#include "base/cpu.h"
#include "base/thread.h"

#define MAX_THREADS 512
#define STACK_BYTES ((size_t)256 << 10)
#define SPIN_NS 40000u      /* about the cost of sleeping and waking up */
#define SPINS_PER_CHECK 32u /* pauses between two readings of the clock */

/*
 * A number that threads wait on until it changes. A waiter spins for a while, then sleeps. No wake-up is lost: a waiter
 * increments `asleep` before it reads `value` for the last time, and a thread that changes `value` reads `asleep`
 * afterwards, both sequentially consistent; so at least one of the two sees the other. The broadcast takes the lock,
 * which the waiter holds until pthread_cond_wait releases it.
 */
typedef struct gate {
    alignas(64) atomic_uint value;
    atomic_uint asleep;
    pthread_mutex_t lock;
    pthread_cond_t changed;
} gate;

typedef struct worker {
    ll_pool *pool;
    pthread_t thread;
    int index;
} worker;

struct ll_pool {
    llmcs_allocator allocator;
    pid_t owner;
    int size;         /* threads of a team, the caller of ll_pool_run included */
    uint64_t spin_ns; /* 0 if there are more threads than cores: a spinning thread would occupy another's core */
    worker *workers;  /* [size - 1] */

    pthread_mutex_t turn; /* held by the caller of the current run */
    ll_team_fn fn;        /* NULL: the workers end */
    void *arg;
    gate start; /* counts runs */

    alignas(64) atomic_uint arrived; /* at the barrier */
    gate passed;                     /* counts barriers */
};

static void cpu_pause(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* ---- gate ---- */

static bool gate_init(gate *g) {
    atomic_init(&g->value, 0);
    atomic_init(&g->asleep, 0);
    if (pthread_mutex_init(&g->lock, NULL)) return false;
    if (pthread_cond_init(&g->changed, NULL) == 0) return true;
    pthread_mutex_destroy(&g->lock);
    return false;
}

static void gate_destroy(gate *g) {
    pthread_cond_destroy(&g->changed);
    pthread_mutex_destroy(&g->lock);
}

static void gate_advance(gate *g) {
    atomic_fetch_add(&g->value, 1);
    if (atomic_load(&g->asleep) == 0) return;
    pthread_mutex_lock(&g->lock);
    pthread_cond_broadcast(&g->changed);
    pthread_mutex_unlock(&g->lock);
}

static bool gate_spin(gate *g, unsigned seen, uint64_t spin_ns) {
    if (spin_ns == 0) return atomic_load(&g->value) != seen;
    for (uint64_t start = ll_now_ns(); ll_now_ns() - start < spin_ns;)
        for (unsigned i = 0; i < SPINS_PER_CHECK; i++) {
            if (atomic_load_explicit(&g->value, memory_order_acquire) != seen) return true;
            cpu_pause();
        }
    return false;
}

static void gate_wait(gate *g, unsigned seen, uint64_t spin_ns) {
    if (gate_spin(g, seen, spin_ns)) return;
    pthread_mutex_lock(&g->lock);
    atomic_fetch_add(&g->asleep, 1);
    while (atomic_load(&g->value) == seen) pthread_cond_wait(&g->changed, &g->lock);
    atomic_fetch_sub(&g->asleep, 1);
    pthread_mutex_unlock(&g->lock);
}

/* ---- workers ---- */

void ll_team_wait(ll_team *team) {
    ll_pool *pool = team->pool;
    if (team->size == 1) return;
    unsigned seen = atomic_load(&pool->passed.value); /* cannot change before this thread arrives */
    if (atomic_fetch_add(&pool->arrived, 1) + 1 == (unsigned)team->size) {
        atomic_store(&pool->arrived, 0);
        gate_advance(&pool->passed);
    } else {
        gate_wait(&pool->passed, seen, pool->spin_ns);
    }
}

static void *worker_thread(void *arg) {
    worker *self = arg;
    ll_pool *pool = self->pool;
    ll_fpenv inherited; /* from the thread that created this one */
    ll_fpenv_enter(&inherited);
    for (unsigned run = 0;; run++) {
        gate_wait(&pool->start, run, pool->spin_ns);
        if (!pool->fn) return NULL;
        ll_team team = {pool, self->index, pool->size};
        pool->fn(&team, pool->arg);
        ll_team_wait(&team);
    }
}

/* Starts workers until one cannot be started: a smaller pool gives the same results. */
static void start_workers(ll_pool *pool, int n_threads, const ll_log *log) {
    int error = 0;
    while (pool->size < n_threads && !error) {
        worker *w = &pool->workers[pool->size - 1];
        *w = (worker){.pool = pool, .index = pool->size};
        error = ll_thread_start(&w->thread, STACK_BYTES, worker_thread, w);
        if (!error) pool->size++;
    }
    if (error)
        ll_log_say(log, LLMCS_LOG_WARN,
                   "thread pool: %d threads instead of %d: starting the next one failed (error %d)", pool->size,
                   n_threads, error);
}

/* ---- pool ---- */

static llmcs_status init_locks(ll_pool *pool) {
    if (pthread_mutex_init(&pool->turn, NULL)) goto no_turn;
    if (!gate_init(&pool->start)) goto no_start;
    if (!gate_init(&pool->passed)) goto no_passed;
    return LLMCS_OK;
no_passed:
    gate_destroy(&pool->start);
no_start:
    pthread_mutex_destroy(&pool->turn);
no_turn:
    return ll_fail(LLMCS_THREAD, "thread pool: a lock could not be created");
}

static llmcs_status create_pool(ll_pool *pool, int n_threads, const ll_log *log) {
    LL_TRY(ll_alloc(&pool->allocator, (size_t)n_threads, sizeof(worker), "thread pool", &pool->workers));
    llmcs_status status = init_locks(pool);
    if (status) {
        ll_free(&pool->allocator, pool->workers);
        return status;
    }
    atomic_init(&pool->arrived, 0);
    pool->owner = getpid();
    pool->size = 1;
    pool->spin_ns = n_threads <= ll_cpu_usable() ? SPIN_NS : 0;
    start_workers(pool, n_threads, log);
    return LLMCS_OK;
}

llmcs_status ll_pool_create(const llmcs_allocator *a, int n_threads, const ll_log *log, ll_pool **pool) {
    llmcs_allocator allocator = ll_allocator_or_default(a);
    ll_pool *fresh;
    *pool = NULL;
    if (n_threads < 0 || n_threads > MAX_THREADS)
        return ll_fail(LLMCS_ARG, "n_threads: %d is not valid (0 to %d)", n_threads, MAX_THREADS);
    if (n_threads == 0) n_threads = ll_cpu_usable();
    if (n_threads > MAX_THREADS) n_threads = MAX_THREADS;
    LL_TRY(ll_alloc_zero(&allocator, 1, sizeof *fresh, "thread pool", &fresh));
    fresh->allocator = allocator;
    llmcs_status status = create_pool(fresh, n_threads, log);
    if (status)
        ll_free(&allocator, fresh);
    else
        *pool = fresh;
    return status;
}

static void stop_workers(ll_pool *pool) {
    pool->fn = NULL;
    gate_advance(&pool->start);
    for (int i = 0; i < pool->size - 1; i++) pthread_join(pool->workers[i].thread, NULL);
    gate_destroy(&pool->passed);
    gate_destroy(&pool->start);
    pthread_mutex_destroy(&pool->turn);
}

void ll_pool_free(ll_pool **pool) {
    ll_pool *p = *pool;
    *pool = NULL;
    if (!p) return;
    if (p->owner == getpid()) stop_workers(p); /* a child's copy of a lock may be locked forever */
    llmcs_allocator allocator = p->allocator;
    ll_free(&allocator, p->workers);
    ll_free(&allocator, p);
}

int ll_pool_size(const ll_pool *pool) { return pool->size; }

size_t ll_pool_bytes(int n_threads) { return sizeof(ll_pool) + (size_t)n_threads * sizeof(worker); }

/* The caller's part of a run. */
typedef struct turn {
    ll_team team;
    int cancel_state;
} turn;

static void end_turn(turn *t) {
    /* An exception may have left a callback of fn, with cancellation enabled as the host has it. */
    (void)ll_cancel_disable();
    ll_team_wait(&t->team);
    pthread_mutex_unlock(&t->team.pool->turn);
    ll_cancel_restore(t->cancel_state);
}

static void run_together(ll_pool *pool, ll_team_fn fn, void *arg) {
    int cancel_state = ll_cancel_disable(); /* sleeping at a barrier is a cancellation point */
    pthread_mutex_lock(&pool->turn);
    turn t LL_CLEANUP(end_turn) = {{pool, 0, pool->size}, cancel_state};
    pool->fn = fn;
    pool->arg = arg;
    gate_advance(&pool->start);
    fn(&t.team, arg);
}

static void leave_fpenv(ll_fpenv *env) { ll_fpenv_leave(env); }

llmcs_status ll_pool_run(ll_pool *pool, ll_team_fn fn, void *arg) {
    if (pool->owner != getpid())
        return ll_fail(LLMCS_FORK, "this model was opened before fork(): open it again in the child process");
    ll_fpenv env LL_CLEANUP(leave_fpenv);
    ll_fpenv_enter(&env);
    if (pool->size == 1)
        fn(&(ll_team){pool, 0, 1}, arg);
    else
        run_together(pool, fn, arg);
    return LLMCS_OK;
}
