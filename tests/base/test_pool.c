#include <fenv.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cpu.h"
#include "base/pool.h"
#include "support/fail_alloc.h"
#include "support/suite.h"

static ll_pool *make_pool(int n_threads) {
    ll_pool *pool;
    ck_assert_int_eq(ll_pool_create(NULL, n_threads, NULL, &pool), LLMCS_OK);
    ck_assert_int_eq(ll_pool_size(pool), n_threads);
    return pool;
}

/* ---- barriers ---- */

#define STEPS 500

/* At every step each thread writes its own cell and, after the barrier, reads everybody's. A barrier that lets a
 * thread through early shows as a stale cell (and, under TSan, as a race: the cells are plain). */
typedef struct relay {
    unsigned cell[2][16];
    atomic_uint stale;
} relay;

static void relay_step(ll_team *team, void *arg) {
    relay *r = arg;
    for (unsigned step = 1; step <= STEPS; step++) {
        r->cell[step & 1][team->index] = step;
        ll_team_wait(team);
        for (int i = 0; i < team->size; i++)
            if (r->cell[step & 1][i] != step) atomic_fetch_add(&r->stale, 1);
    }
}

START_TEST(barriers_hold_for_any_number_of_threads) {
    for (int n = 1; n <= 8; n++) {
        ll_pool *pool = make_pool(n);
        for (int run = 0; run < 4; run++) {
            relay r = {0};
            ck_assert_int_eq(ll_pool_run(pool, relay_step, &r), LLMCS_OK);
            ck_assert_uint_eq(atomic_load(&r.stale), 0);
        }
        ll_pool_free(&pool);
        ck_assert_ptr_null(pool);
    }
}
END_TEST

static void count_index(ll_team *team, void *arg) {
    atomic_uint *seen = arg;
    if (team->size == 5) atomic_fetch_add(&seen[team->index], 1);
}

START_TEST(a_run_calls_every_thread_once) {
    ll_pool *pool = make_pool(5);
    atomic_uint seen[5] = {0};
    for (int run = 0; run < 1000; run++) ck_assert_int_eq(ll_pool_run(pool, count_index, seen), LLMCS_OK);
    for (int i = 0; i < 5; i++) ck_assert_uint_eq(atomic_load(&seen[i]), 1000);
    ll_pool_free(&pool);
}
END_TEST

START_TEST(shares_cover_everything_once) {
    for (int size = 1; size <= 9; size++)
        for (size_t n = 0; n < 70; n++)
            for (size_t unit = 1; unit <= 16; unit *= 4) {
                size_t at = 0;
                for (int i = 0; i < size; i++) {
                    size_t begin, end;
                    ll_team_share(&(ll_team){NULL, i, size}, n, unit, &begin, &end);
                    ck_assert_uint_eq(begin, at);
                    ck_assert(end >= begin && (end % unit == 0 || end == n));
                    at = end;
                }
                ck_assert_uint_eq(at, n);
            }
}
END_TEST

/* ---- callers ---- */

typedef struct exclusive {
    ll_pool *pool;
    int inside; /* plain on purpose: only one run at a time may touch it */
    long sum;
} exclusive;

static void add_up(ll_team *team, void *arg) {
    exclusive *e = arg;
    if (team->index == 0) e->inside++;
    ll_team_wait(team);
    if (team->index == team->size - 1) e->sum += e->inside;
    ll_team_wait(team);
    if (team->index == 0) e->inside--;
}

static void *call_often(void *arg) {
    exclusive *e = arg;
    for (int i = 0; i < 200; i++)
        if (ll_pool_run(e->pool, add_up, e)) return e;
    return NULL;
}

START_TEST(callers_are_served_one_after_the_other) {
    pthread_t callers[4];
    exclusive e = {make_pool(3), 0, 0};
    for (int i = 0; i < 4; i++) ck_assert_int_eq(pthread_create(&callers[i], NULL, call_often, &e), 0);
    for (int i = 0; i < 4; i++) {
        void *failed;
        pthread_join(callers[i], &failed);
        ck_assert_ptr_null(failed);
    }
    ck_assert_int_eq(e.sum, 4 * 200);
    ll_pool_free(&e.pool);
}
END_TEST

typedef struct meeting {
    ll_pool *pool;
    pthread_barrier_t both;
} meeting;

static void meet(ll_team *team, void *arg) {
    meeting *m = arg;
    ll_team_wait(team); /* nothing to wait for */
    pthread_barrier_wait(&m->both);
}

static void *run_meet(void *arg) {
    meeting *m = arg;
    return ll_pool_run(m->pool, meet, m) ? m : NULL;
}

START_TEST(with_a_pool_of_one_callers_run_side_by_side) {
    meeting m = {.pool = make_pool(1)};
    pthread_t other;
    void *failed;
    pthread_barrier_init(&m.both, NULL, 2); /* if one caller waited for the other, this would never end */
    ck_assert_int_eq(pthread_create(&other, NULL, run_meet, &m), 0);
    ck_assert_ptr_null(run_meet(&m));
    pthread_join(other, &failed);
    ck_assert_ptr_null(failed);
    pthread_barrier_destroy(&m.both);
    ll_pool_free(&m.pool);
}
END_TEST

static void *run_relay(void *arg) {
    relay r = {0};
    for (int i = 0; i < 20; i++)
        if (ll_pool_run(arg, relay_step, &r)) return arg;
    return atomic_load(&r.stale) ? arg : NULL;
}

START_TEST(pools_do_not_disturb_each_other) {
    pthread_t callers[3];
    ll_pool *pools[3] = {make_pool(2), make_pool(3), make_pool(4)};
    for (int i = 0; i < 3; i++) pthread_create(&callers[i], NULL, run_relay, pools[i]);
    for (int i = 0; i < 3; i++) {
        void *failed;
        pthread_join(callers[i], &failed);
        ck_assert_ptr_null(failed);
        ll_pool_free(&pools[i]);
    }
}
END_TEST

START_TEST(pools_come_and_go) {
    for (int i = 0; i < 200; i++) {
        ll_pool *pool = make_pool(1 + i % 4);
        atomic_uint seen[5] = {0};
        if (i % 2) ck_assert_int_eq(ll_pool_run(pool, count_index, seen), LLMCS_OK);
        ll_pool_free(&pool);
    }
    ll_pool *none = NULL;
    ll_pool_free(&none);
}
END_TEST

/* ---- sizes and failures ---- */

START_TEST(number_of_threads_is_checked) {
    const int bad[] = {-1, INT_MIN, 513, 1000000};
    ll_pool *pool = (ll_pool *)&pool;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ck_assert_int_eq(ll_pool_create(NULL, bad[i], NULL, &pool), LLMCS_ARG);
        ck_assert_ptr_null(pool);
        ck_assert_ptr_nonnull(strstr(llmcs_error_message(), "n_threads"));
    }
    ck_assert_int_eq(ll_pool_create(NULL, 0, NULL, &pool), LLMCS_OK);
    ck_assert_int_eq(ll_pool_size(pool), ll_cpu_usable());
    ll_pool_free(&pool);
}
END_TEST

START_TEST(every_failed_allocation_leaves_nothing_behind) {
    for (long n = 0;; n++) {
        fail_alloc f;
        fail_alloc_init(&f);
        f.fail_at = n;
        llmcs_allocator a = fail_alloc_get(&f);
        ll_pool *pool;
        llmcs_status status = ll_pool_create(&a, 3, NULL, &pool);
        ck_assert_int_eq(status, f.calls > n ? LLMCS_NOMEM : LLMCS_OK);
        ll_pool_free(&pool);
        ck_assert_int_eq(f.live, 0);
        if (!status) {
            ck_assert_int_ge(n, 2); /* the pool and its workers */
            break;
        }
    }
}
END_TEST

static void keep_message(void *user, llmcs_log_level level, const char *message) {
    if (level == LLMCS_LOG_WARN) snprintf(user, 256, "%s", message);
}

/* In a child that may start two threads and no third (the limit is not for root: the child is nobody). */
static int pool_under_a_thread_limit(void) {
    char said[256] = "";
    ll_log log = {keep_message, said};
    relay r = {0};
    ll_pool *pool;
    if (geteuid() == 0 && (setgid(65534) || setuid(65534))) return 10;
    struct rlimit limit = {3, 3};
    if (setrlimit(RLIMIT_NPROC, &limit)) return 11;
    if (ll_pool_create(NULL, 8, &log, &pool)) return 12;
    int size = ll_pool_size(pool);
    if (size < 1 || size > 3) return 13; /* fewer where this user has other processes */
    if (!strstr(said, "instead of 8")) return 14;
    if (ll_pool_run(pool, relay_step, &r) || atomic_load(&r.stale)) return 15;
    ll_pool_free(&pool);
    return 0;
}

static int in_child(int (*fn)(void)) {
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) _exit(fn());
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFEXITED(status), "the child was killed by signal %d", WTERMSIG(status));
    return WEXITSTATUS(status);
}

START_TEST(a_thread_that_cannot_start_makes_a_smaller_pool) {
    ck_assert_int_eq(in_child(pool_under_a_thread_limit), 0);
}
END_TEST

/* ---- fork ---- */

/* Threads made in a child of fork: ThreadSanitizer does not follow them, AddressSanitizer's allocator may be left
 * locked by a thread of the parent (gcc 12), qemu's user emulation ends with an assertion of its own. */
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define UNDER_SANITIZER 1
#elif defined(__has_feature)
#define UNDER_SANITIZER (__has_feature(thread_sanitizer) || __has_feature(address_sanitizer))
#else
#define UNDER_SANITIZER 0
#endif

static bool child_may_make_threads(void) { return !UNDER_SANITIZER && !suite_emulated(NULL); }

static ll_pool *parents_pool;

static int use_parents_pool(void) {
    relay r = {0};
    alarm(20);
    if (ll_pool_run(parents_pool, relay_step, &r) != LLMCS_FORK) return 10;
    if (!strstr(llmcs_error_message(), "fork")) return 11;
    ll_pool_free(&parents_pool);
    if (parents_pool) return 12;
    ll_pool *own;
    if (!child_may_make_threads()) return 0;
    if (ll_pool_create(NULL, 2, NULL, &own)) return 13;
    if (ll_pool_run(own, relay_step, &r) || atomic_load(&r.stale)) return 14;
    ll_pool_free(&own);
    return 0;
}

START_TEST(a_child_of_fork_gets_a_status_and_may_have_its_own) {
    for (int size = 1; size <= 3; size += 2) {
        relay r = {0};
        parents_pool = make_pool(size);
        ck_assert_int_eq(in_child(use_parents_pool), 0);
        ck_assert_int_eq(ll_pool_run(parents_pool, relay_step, &r), LLMCS_OK);
        ck_assert_uint_eq(atomic_load(&r.stale), 0);
        ll_pool_free(&parents_pool);
    }
}
END_TEST

static void *run_without_end(void *arg) {
    relay r = {0};
    while (!atomic_load((atomic_bool *)arg)) ll_pool_run(parents_pool, relay_step, &r);
    return NULL;
}

START_TEST(a_child_forked_in_the_middle_of_a_run_does_not_hang) {
    atomic_bool stop = false;
    pthread_t runner;
    parents_pool = make_pool(3);
    pthread_create(&runner, NULL, run_without_end, &stop);
    for (int i = 0; i < 10; i++) ck_assert_int_eq(in_child(use_parents_pool), 0);
    atomic_store(&stop, true);
    pthread_join(runner, NULL);
    ll_pool_free(&parents_pool);
}
END_TEST

/* ---- manners ---- */

START_TEST(an_idle_pool_uses_no_processor_time) {
    relay r = {0};
    ll_pool *pool = make_pool(8);
    ck_assert_int_eq(ll_pool_run(pool, relay_step, &r), LLMCS_OK);
    usleep(50000); /* let them fall asleep */
    double before = suite_cpu_seconds();
    usleep(500000);
    double used = suite_cpu_seconds() - before;
    ck_assert_msg(used < 0.1, "%.3f s of processor time in 0.5 s", used); /* spinning takes 0.5 s a thread */
    ll_pool_free(&pool);
}
END_TEST

static void wait_for_a_sleeper(ll_team *team, void *arg) {
    (void)arg;
    if (team->index == 1) usleep(500000);
    ll_team_wait(team);
}

START_TEST(waiting_at_a_barrier_sleeps_after_a_while) {
    ll_pool *pool = make_pool(2);
    double before = suite_cpu_seconds();
    ck_assert_int_eq(ll_pool_run(pool, wait_for_a_sleeper, NULL), LLMCS_OK);
    double used = suite_cpu_seconds() - before;
    ck_assert_msg(used < 0.1, "%.3f s of processor time in a wait of 0.5 s", used);
    ll_pool_free(&pool);
}
END_TEST

static atomic_int caught_by_worker;
static pthread_t main_thread;

static void on_signal(int signal_number) {
    (void)signal_number;
    if (!pthread_equal(pthread_self(), main_thread)) atomic_fetch_add(&caught_by_worker, 1);
}

static void note_mask(ll_team *team, void *arg) {
    sigset_t *masks = arg;
    pthread_sigmask(SIG_SETMASK, NULL, &masks[team->index]);
}

START_TEST(workers_leave_signals_to_the_host) {
    sigset_t masks[3], before, after;
    main_thread = pthread_self();
    signal(SIGUSR1, on_signal);
    pthread_sigmask(SIG_SETMASK, NULL, &before);
    ll_pool *pool = make_pool(3);
    ck_assert_int_eq(ll_pool_run(pool, note_mask, masks), LLMCS_OK);
    for (int i = 1; i < 3; i++) {
        ck_assert_int_eq(sigismember(&masks[i], SIGUSR1), 1);
        ck_assert_int_eq(sigismember(&masks[i], SIGTERM), 1);
        ck_assert_int_eq(sigismember(&masks[i], SIGPROF), 1);
        ck_assert_int_eq(sigismember(&masks[i], SIGSEGV), 0); /* a crash reporter of the host still hears */
    }
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    for (int s = 1; s < 32; s++) ck_assert_int_eq(sigismember(&before, s), sigismember(&after, s));
    for (int i = 0; i < 100; i++) kill(getpid(), SIGUSR1);
    ck_assert_int_eq(atomic_load(&caught_by_worker), 0);
    ll_pool_free(&pool);
}
END_TEST

/* 1 + 2^-24 is 1 to nearest even and more when rounding up; the least normal number halved is 0 under
 * flush-to-zero. */
typedef struct fp_seen {
    float sum[4], half[4];
    int rounding[4];
} fp_seen;

static void look_at_floats(ll_team *team, void *arg) {
    fp_seen *seen = arg;
    volatile float one = 1, tiny = 0x1p-24f, least = 0x1p-126f, two = 2;
    seen->sum[team->index] = one + tiny;
    seen->half[team->index] = least / two;
    seen->rounding[team->index] = fegetround();
    feraiseexcept(FE_OVERFLOW); /* must not be seen by the host */
}

static void flush_to_zero(void) {
#if defined(__x86_64__)
    __builtin_ia32_ldmxcsr(__builtin_ia32_stmxcsr() | 0x8040u);
#elif defined(__aarch64__)
    __asm__ volatile("msr fpcr, %0" : : "r"((uint64_t)(1u << 24 | 1u << 22))); /* FZ, towards plus infinity */
#endif
}

static void check_fp_run(int n_threads) {
    volatile float one = 1, tiny = 0x1p-24f, least = 0x1p-126f, two = 2;
    fesetround(FE_UPWARD);
    flush_to_zero();
    feclearexcept(FE_ALL_EXCEPT);
    ll_pool *pool = make_pool(n_threads); /* workers inherit the bad environment */
    fp_seen seen = {0};
    llmcs_status status = ll_pool_run(pool, look_at_floats, &seen);
    int raised = fetestexcept(FE_OVERFLOW), rounding = fegetround();
    float sum = one + tiny, half = least / two;
    ll_pool_free(&pool);
    fesetenv(FE_DFL_ENV);
    ck_assert_int_eq(status, LLMCS_OK);
    for (int i = 0; i < n_threads; i++) {
        ck_assert(seen.sum[i] == 1.0f);
        ck_assert(seen.half[i] == 0x1p-127f);
        ck_assert_int_eq(seen.rounding[i], FE_TONEAREST);
    }
    ck_assert_int_eq(rounding, FE_UPWARD);
    ck_assert(sum > 1.0f);
#if defined(__x86_64__) || defined(__aarch64__)
    ck_assert(half == 0.0f);
#else
    (void)half;
#endif
    ck_assert_int_eq(raised, 0);
}

START_TEST(floating_point_environment_is_ours_inside_and_the_hosts_outside) {
    if (suite_emulated("valgrind")) {
        suite_skip("the floating-point environment", "valgrind calculates in its own environment");
        return;
    }
    check_fp_run(1);
    check_fp_run(4);
}
END_TEST

#if defined(__x86_64__)
START_TEST(unmasked_exceptions_of_the_host_do_not_trap_inside) {
    if (suite_emulated("valgrind")) {
        suite_skip("unmasked exceptions", "valgrind calculates in its own environment");
        return;
    }
    feenableexcept(FE_OVERFLOW | FE_DIVBYZERO | FE_INVALID);
    ll_pool *pool = make_pool(2);
    fp_seen seen = {0};
    ck_assert_int_eq(ll_pool_run(pool, look_at_floats, &seen), LLMCS_OK); /* would be SIGFPE */
    ll_pool_free(&pool);
    ck_assert_int_eq(fegetexcept(), FE_OVERFLOW | FE_DIVBYZERO | FE_INVALID);
}
END_TEST
#endif

static void *run_on_small_stack(void *arg) {
    relay r = {0};
    return ll_pool_run(arg, relay_step, &r) ? arg : NULL;
}

START_TEST(a_caller_with_a_small_stack_is_enough) {
    pthread_attr_t attr;
    pthread_t caller;
    void *failed;
    ll_pool *pool = make_pool(2);
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, 64 << 10);
    ck_assert_int_eq(pthread_create(&caller, &attr, run_on_small_stack, pool), 0);
    pthread_join(caller, &failed);
    ck_assert_ptr_null(failed);
    pthread_attr_destroy(&attr);
    ll_pool_free(&pool);
}
END_TEST

static void add(TCase *t) {
    tcase_add_test(t, barriers_hold_for_any_number_of_threads);
    tcase_add_test(t, a_run_calls_every_thread_once);
    tcase_add_test(t, shares_cover_everything_once);
    tcase_add_test(t, callers_are_served_one_after_the_other);
    tcase_add_test(t, with_a_pool_of_one_callers_run_side_by_side);
    tcase_add_test(t, pools_do_not_disturb_each_other);
    tcase_add_test(t, pools_come_and_go);
    tcase_add_test(t, number_of_threads_is_checked);
    tcase_add_test(t, every_failed_allocation_leaves_nothing_behind);
    tcase_add_test(t, a_thread_that_cannot_start_makes_a_smaller_pool);
    tcase_add_test(t, a_child_of_fork_gets_a_status_and_may_have_its_own);
    tcase_add_test(t, a_child_forked_in_the_middle_of_a_run_does_not_hang);
    tcase_add_test(t, an_idle_pool_uses_no_processor_time);
    tcase_add_test(t, waiting_at_a_barrier_sleeps_after_a_while);
    tcase_add_test(t, workers_leave_signals_to_the_host);
    tcase_add_test(t, floating_point_environment_is_ours_inside_and_the_hosts_outside);
#if defined(__x86_64__)
    tcase_add_test(t, unmasked_exceptions_of_the_host_do_not_trap_inside);
#endif
    tcase_add_test(t, a_caller_with_a_small_stack_is_enough);
}

SUITE_MAIN("base/pool", add)
