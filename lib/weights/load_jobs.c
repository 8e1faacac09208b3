/* The large matrices of a network are read and packed by all threads of the pool, each taking the next job. */
#include <stdatomic.h>

#include "base/call.h"
#include "weights/loader.h"

/* What went wrong in a thread. Messages are a thread's own, so it is kept to be said again by the caller's. */
typedef struct failure {
    llmcs_status status;
    size_t place; /* 0: what was done beside; else the number of the job, from 1 */
    char message[256];
} failure;

typedef struct run {
    const ll_loader *loader;
    const ll_load_options *options;
    atomic_size_t next_job;
    atomic_uint_fast64_t n_read; /* elements */
    atomic_bool stop;
    float *stages;     /* [n_threads, LL_STAGE_FLOATS] */
    failure *failures; /* [n_threads] */
} run;

static llmcs_status tell_progress(const run *r) {
    const uint64_t all = r->loader->n_parameters;
    const float done = all ? (float)((double)atomic_load(&r->n_read) / (double)all) : 1.0f;
    if (!r->options->progress) return LLMCS_OK;
    ll_call *call = ll_callback_begin();
    const int stop = r->options->progress(r->options->progress_user, done < 1.0f ? done : 1.0f);
    ll_callback_end(call);
    if (!stop) return LLMCS_OK;
    return ll_fail(LLMCS_CANCELLED, "opening was stopped by the progress callback");
}

/* Elements of the tensor that the job reads. */
static uint64_t elements_of(const ll_load_job *job) {
    const uint64_t *shape = job->source.tensor->shape;
    return (job->end - job->begin) * (job->source.layout == LL_OUT_IN ? shape[1] : shape[0]);
}

static llmcs_status do_job(run *r, const ll_team *team, const ll_load_job *job) {
    float *stage = r->stages + (size_t)team->index * LL_STAGE_FLOATS;
    LL_TRY(ll_linear_load(job->linear, &job->source, job->begin, job->end, stage));
    atomic_fetch_add(&r->n_read, elements_of(job));
    return team->index == 0 ? tell_progress(r) : LLMCS_OK; /* the callback is the caller's thread's */
}

static bool note(run *r, failure *f, llmcs_status status, size_t place) {
    if (!status) return false;
    f->status = status;
    f->place = place;
    ll_format(f->message, sizeof f->message, "%s", llmcs_error_message());
    atomic_store(&r->stop, true);
    return true;
}

static void work(ll_team *team, void *arg) {
    run *r = arg;
    failure *f = &r->failures[team->index];
    if (team->index == 0 && r->options->beside && note(r, f, r->options->beside(r->options->beside_user), 0)) return;
    while (!atomic_load(&r->stop)) {
        const size_t i = atomic_fetch_add(&r->next_job, 1);
        if (i >= r->loader->used || note(r, f, do_job(r, team, &r->loader->jobs[i]), i + 1)) return;
    }
}

/* The first in order: which of several is found must not depend on the threads. */
static llmcs_status first_failure(const run *r, size_t n_threads) {
    const failure *first = NULL;
    for (size_t i = 0; i < n_threads; i++) {
        const failure *f = &r->failures[i];
        if (f->status && (!first || f->place < first->place)) first = f;
    }
    return first ? ll_fail(first->status, "%s", first->message) : LLMCS_OK;
}

uint64_t ll_load_jobs_bytes(size_t n_jobs, size_t n_threads) {
    return n_jobs * sizeof(ll_load_job) + n_threads * (LL_STAGE_FLOATS * sizeof(float) + sizeof(failure));
}

static void free_run(run *r) {
    ll_free(r->loader->allocator, r->failures);
    ll_free(r->loader->allocator, r->stages);
}

llmcs_status ll_load_jobs(const ll_loader *l, ll_pool *pool, const ll_load_options *options) {
    const size_t n_threads = (size_t)ll_pool_size(pool);
    run r LL_CLEANUP(free_run) = {.loader = l, .options = options};
    atomic_init(&r.next_job, 0);
    atomic_init(&r.n_read, l->n_read);
    atomic_init(&r.stop, false);
    LL_TRY(ll_alloc(l->allocator, n_threads, LL_STAGE_FLOATS * sizeof(float), "staging memory for weights", &r.stages));
    llmcs_status st = ll_alloc_zero(l->allocator, n_threads, sizeof *r.failures, "state of loading", &r.failures);
    if (!st) st = ll_pool_run(pool, work, &r);
    if (!st) st = first_failure(&r, n_threads);
    if (!st) st = tell_progress(&r); /* the end is told, whoever did the last job */
    return st;
}
