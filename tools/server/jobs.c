/* A pool of threads with a bounded queue of jobs, one per exchange. */
#include <stdlib.h>

#include "server.h"

typedef struct job {
    void (*work)(exchange *x);
    exchange *exchange;
} job;

struct pool {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    job *jobs; /* [capacity] a ring */
    size_t capacity, first, n, n_running;
    bool stopping;
    const char *name;
    pthread_t *threads;
    int n_threads;
};

static void *work_on_jobs(void *user) {
    pool *p = user;
    pthread_setname_np(pthread_self(), p->name);
    pthread_mutex_lock(&p->lock);
    while (true) {
        while (!p->n && !p->stopping) pthread_cond_wait(&p->changed, &p->lock);
        if (!p->n) break;
        const job j = p->jobs[p->first];
        p->first = (p->first + 1) % p->capacity;
        p->n--;
        p->n_running++;
        pthread_mutex_unlock(&p->lock);
        j.work(j.exchange);
        exchange_release(j.exchange);
        pthread_mutex_lock(&p->lock);
        p->n_running--;
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

pool *pool_create(const char *name, int n_threads, size_t max_jobs) {
    enum { STACK_BYTES = 1 << 20 };
    pool *p = calloc(1, sizeof *p);
    pthread_attr_t attributes;
    if (!p) return NULL;
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->changed, NULL);
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    p->name = name;
    p->capacity = max_jobs ? max_jobs : 1;
    p->jobs = calloc(p->capacity, sizeof *p->jobs);
    p->threads = calloc((size_t)n_threads, sizeof *p->threads);
    while (p->jobs && p->threads && p->n_threads < n_threads &&
           !pthread_create(&p->threads[p->n_threads], &attributes, work_on_jobs, p))
        p->n_threads++;
    pthread_attr_destroy(&attributes);
    if (p->n_threads == n_threads) return p;
    pool_free(p);
    return NULL;
}

bool pool_submit(pool *p, void (*work)(exchange *x), exchange *x) {
    pthread_mutex_lock(&p->lock);
    const bool taken = !p->stopping && p->n < p->capacity;
    if (taken) {
        exchange_retain(x);
        p->jobs[(p->first + p->n++) % p->capacity] = (job){work, x};
        pthread_cond_signal(&p->changed);
    }
    pthread_mutex_unlock(&p->lock);
    return taken;
}

void pool_stop(pool *p) {
    if (!p) return;
    pthread_mutex_lock(&p->lock);
    p->stopping = true;
    pthread_cond_broadcast(&p->changed);
    pthread_mutex_unlock(&p->lock);
    for (int i = 0; i < p->n_threads; i++) pthread_join(p->threads[i], NULL);
    p->n_threads = 0;
}

void pool_free(pool *p) {
    if (!p) return;
    pool_stop(p);
    pthread_cond_destroy(&p->changed);
    pthread_mutex_destroy(&p->lock);
    free(p->threads);
    free(p->jobs);
    free(p);
}

size_t pool_waiting(pool *p) {
    pthread_mutex_lock(&p->lock);
    const size_t n = p->n;
    pthread_mutex_unlock(&p->lock);
    return n;
}

size_t pool_running(pool *p) {
    pthread_mutex_lock(&p->lock);
    const size_t n = p->n_running;
    pthread_mutex_unlock(&p->lock);
    return n;
}
