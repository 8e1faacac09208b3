/* Threads for calls to the host: as many concurrent calls as there may be threads. */
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "shop/base/clock.h"
#include "shop/desk/host.h"
#include "shop/store/shop_case.h"

enum { N_TOGETHER = 3, ROUNDS = 30, TIMEOUT_MS = 2000 };

/* Calls that answer only when all of them are running. */
typedef struct meeting {
    desk_host *host;
    pthread_mutex_t lock;
    pthread_cond_t met;
    int n_inside, n_expected;
    atomic_int n_answered;
} meeting;

static void meet(void *user, const llmcs_shop_call_request *request, llmcs_shop_call *call) {
    meeting *m = user;
    const struct timespec deadline = shop_after_ms(CLOCK_REALTIME, 2 * TIMEOUT_MS);
    (void)request;
    pthread_mutex_lock(&m->lock);
    m->n_inside++;
    pthread_cond_broadcast(&m->met);
    while (m->n_inside < m->n_expected)
        if (pthread_cond_timedwait(&m->met, &m->lock, &deadline)) break;
    pthread_mutex_unlock(&m->lock);
    (void)llmcs_shop_call_answer(call, LLMCS_ACTION_DONE, NULL);
}

static void *ask(void *user) {
    meeting *m = user;
    const llmcs_shop_call_request request = {
        .name = "find", .key = "", .customer = "", .conversation = "c", .lang = "en"};
    shop_arena arena = {.allocator = shop_allocator_or_default(NULL)};
    desk_host_outcome outcome;
    llmcs_shop_action_state state;
    const char *rows;
    if (!desk_host_call(m->host, &request, &arena, &outcome, &state, &rows) && outcome == DESK_HOST_ANSWERED)
        atomic_fetch_add(&m->n_answered, 1);
    shop_arena_free(&arena);
    return NULL;
}

static void ask_together(meeting *m, int n) {
    pthread_t threads[N_TOGETHER];
    m->n_inside = 0;
    m->n_expected = n;
    atomic_store(&m->n_answered, 0);
    for (int i = 0; i < n; i++) ck_assert(!pthread_create(&threads[i], NULL, ask, m));
    for (int i = 0; i < n; i++) pthread_join(threads[i], NULL);
    ck_assert_int_eq(atomic_load(&m->n_answered), n);
}

/* An idle thread serves one queued call; the others get threads of their own. */
START_TEST(an_idle_thread_serves_one_call) {
    llmcs_shop shop = {.allocator = shop_allocator_or_default(NULL)};
    for (int round = 0; round < ROUNDS; round++) {
        meeting m = {.lock = PTHREAD_MUTEX_INITIALIZER, .met = PTHREAD_COND_INITIALIZER};
        SHOP_OK(desk_host_create(&shop, meet, &m, N_TOGETHER, TIMEOUT_MS, &m.host));
        ask_together(&m, 1);
        usleep(3000); /* until its thread is idle */
        ask_together(&m, N_TOGETHER);
        desk_host_free(&m.host);
    }
}
END_TEST

static void add_tests(TCase *tests) { tcase_add_test(tests, an_idle_thread_serves_one_call); }

SUITE_MAIN("shop/desk/host", add_tests)
