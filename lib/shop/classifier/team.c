/* A thread pool for one training call. */
#include "shop/classifier/team.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>

#include "shop/base/call.h"

enum { MAX_THREADS = 512, STACK_BYTES = 256 * 1024 };

typedef struct member {
    shop_team *team;
    pthread_t thread;
    int32_t number;
} member;

struct shop_team {
    pthread_mutex_t lock;
    pthread_cond_t work, done;
    uint64_t job_number;   /* under the lock, as are the next three */
    size_t n_busy;         /* members working on the job */
    bool open, ending;     /* open: members may still join the job */
    shop_item_fn function; /* of the current job */
    void *job;
    size_t n_items;
    atomic_size_t next_item;
    int32_t n_threads; /* the caller's included */
    member *members;   /* [n_threads], the first unused */
};

static void do_items(shop_team *t, int32_t thread) {
    for (;;) {
        const size_t item = atomic_fetch_add_explicit(&t->next_item, 1, memory_order_relaxed);
        if (item >= t->n_items) return;
        t->function(t->job, item, thread);
    }
}

static void *member_main(void *argument) {
    const member *m = argument;
    shop_team *t = m->team;
    uint64_t seen = 0;
    shop_call call;
    shop_call_enter(&call); /* the default floating-point environment */
    pthread_mutex_lock(&t->lock);
    for (;;) {
        while (!t->ending && !(t->open && t->job_number != seen)) pthread_cond_wait(&t->work, &t->lock);
        if (t->ending) break;
        seen = t->job_number;
        t->n_busy++;
        pthread_mutex_unlock(&t->lock);
        do_items(t, m->number);
        pthread_mutex_lock(&t->lock);
        if (--t->n_busy == 0) pthread_cond_signal(&t->done);
    }
    pthread_mutex_unlock(&t->lock);
    shop_call_leave(&call);
    return NULL;
}

static int32_t available_threads(void) {
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set)) return 1;
    const int n = CPU_COUNT(&set);
    return n < 1 ? 1 : n > MAX_THREADS ? MAX_THREADS : n;
}

/* Blocks all signals in the members, so that the host's own threads receive them. */
static void start_members(shop_team *t, int32_t n_threads) {
    sigset_t all, before;
    pthread_attr_t attributes;
    if (pthread_attr_init(&attributes)) return;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    if (!pthread_attr_setstacksize(&attributes, STACK_BYTES))
        while (t->n_threads < n_threads) {
            member *m = &t->members[t->n_threads];
            *m = (member){.team = t, .number = t->n_threads};
            if (pthread_create(&m->thread, &attributes, member_main, m)) break;
            t->n_threads++;
        }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
}

llmcs_status shop_team_create(const llmcs_allocator *a, int32_t n_threads, shop_team **team) {
    shop_team *t;
    llmcs_status status;
    *team = NULL;
    if (n_threads == 0) n_threads = available_threads();
    SHOP_TRY(shop_alloc_zero(a, 1, sizeof *t, "threads", &t));
    t->n_threads = 1;
    SHOP_TRY_GOTO(status, shop_alloc_zero(a, (size_t)n_threads, sizeof *t->members, "threads", &t->members), failed);
    if (pthread_mutex_init(&t->lock, NULL) || pthread_cond_init(&t->work, NULL) || pthread_cond_init(&t->done, NULL)) {
        status = shop_fail(LLMCS_THREAD, "threads: no lock could be created");
        goto failed;
    }
    start_members(t, n_threads);
    *team = t;
    return LLMCS_OK;
failed:
    shop_free(a, t->members);
    shop_free(a, t);
    return status;
}

int32_t shop_team_threads(const shop_team *t) { return t->n_threads; }

/* Does not wait for members that have not woken up by the time the last item is taken; on a busy machine that wait
 * would take longer than the job. */
void shop_team_each(shop_team *t, shop_item_fn function, void *job, size_t n_items) {
    pthread_mutex_lock(&t->lock);
    t->function = function;
    t->job = job;
    t->n_items = n_items;
    atomic_store_explicit(&t->next_item, 0, memory_order_relaxed);
    t->job_number++;
    t->open = n_items > 1;
    if (t->open) pthread_cond_broadcast(&t->work);
    pthread_mutex_unlock(&t->lock);
    do_items(t, 0);
    pthread_mutex_lock(&t->lock);
    t->open = false;
    while (t->n_busy) pthread_cond_wait(&t->done, &t->lock);
    pthread_mutex_unlock(&t->lock);
}

void shop_team_free(const llmcs_allocator *a, shop_team **team) {
    shop_team *t = *team;
    if (!t) return;
    pthread_mutex_lock(&t->lock);
    t->ending = true;
    pthread_cond_broadcast(&t->work);
    pthread_mutex_unlock(&t->lock);
    for (int32_t i = 1; i < t->n_threads; i++) pthread_join(t->members[i].thread, NULL);
    pthread_cond_destroy(&t->work);
    pthread_cond_destroy(&t->done);
    pthread_mutex_destroy(&t->lock);
    shop_free(a, t->members);
    shop_free(a, t);
    *team = NULL;
}
