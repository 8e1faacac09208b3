/* Reads and packs the large matrices of a network with all threads of a pool. Each thread takes the next job until none
 * is left. */
#include <stdatomic.h>

#include "base/call.h"
#include "weights/loader.h"

/* A thread's failure. Error messages are per thread, so the message is copied for the caller's thread. */
typedef struct failure {
    llmcs_status status;
    size_t order; /* 0: options->meanwhile; else the job's number, from 1 */
    char message[256];
} failure;

typedef struct parallel_load {
    const ll_loader *loader;
    const ll_load_options *options;
    atomic_size_t next_job;
    atomic_uint_fast64_t n_read; /* elements */
    atomic_bool stop;
    float *stages;     /* [n_threads, LL_STAGE_FLOATS] */
    failure *failures; /* [n_threads] */
} parallel_load;

static llmcs_status report_progress(const parallel_load *r) {
    const uint64_t all = r->loader->n_parameters;
    const float done = all ? (float)((double)atomic_load(&r->n_read) / (double)all) : 1.0f;
    if (!r->options->progress) return LLMCS_OK;
    ll_call *call = ll_callback_begin();
    const int stop = r->options->progress(r->options->progress_user, done < 1.0f ? done : 1.0f);
    ll_callback_end(call);
    if (!stop) return LLMCS_OK;
    return ll_fail(LLMCS_CANCELLED, "the progress callback stopped the opening of the model");
}

static llmcs_status load_job(parallel_load *r, const ll_team *team, const ll_load_job *job) {
    float *stage = r->stages + (size_t)team->index * LL_STAGE_FLOATS;
    LL_TRY(ll_linear_load(job->linear, &job->source, job->begin, job->end, stage));
    const uint64_t *shape = job->source.tensor->shape, width = job->source.layout == LL_OUT_IN ? shape[1] : shape[0];
    atomic_fetch_add(&r->n_read, (job->end - job->begin) * width);
    return team->index == 0 ? report_progress(r) : LLMCS_OK; /* the caller's thread calls its callback */
}

static bool record_failure(parallel_load *r, failure *f, llmcs_status status, size_t order) {
    if (!status) return false;
    f->status = status;
    f->order = order;
    ll_format(f->message, sizeof f->message, "%s", llmcs_error_message());
    atomic_store(&r->stop, true);
    return true;
}

static void load_on_thread(ll_team *team, void *arg) {
    parallel_load *r = arg;
    failure *f = &r->failures[team->index];
    if (team->index == 0 && r->options->meanwhile &&
        record_failure(r, f, r->options->meanwhile(r->options->meanwhile_user), 0))
        return;
    while (!atomic_load(&r->stop)) {
        const size_t i = atomic_fetch_add(&r->next_job, 1);
        if (i >= r->loader->n_added || record_failure(r, f, load_job(r, team, &r->loader->jobs[i]), i + 1)) return;
    }
}

/* The failure of the first job in order, so that the message does not depend on timing. */
static llmcs_status first_failure(const parallel_load *r, size_t n_threads) {
    const failure *first = NULL;
    for (size_t i = 0; i < n_threads; i++) {
        const failure *f = &r->failures[i];
        if (f->status && (!first || f->order < first->order)) first = f;
    }
    return first ? ll_fail(first->status, "%s", first->message) : LLMCS_OK;
}

uint64_t ll_load_jobs_bytes(size_t n_jobs, size_t n_threads) {
    return n_jobs * sizeof(ll_load_job) + n_threads * (LL_STAGE_FLOATS * sizeof(float) + sizeof(failure));
}

static void free_parallel_load(parallel_load *r) {
    ll_free(r->loader->allocator, r->failures);
    ll_free(r->loader->allocator, r->stages);
}

llmcs_status ll_load_jobs(const ll_loader *l, ll_pool *pool, const ll_load_options *options) {
    const size_t n_threads = (size_t)ll_pool_size(pool);
    parallel_load r LL_CLEANUP(free_parallel_load) = {.loader = l, .options = options};
    atomic_init(&r.next_job, 0);
    atomic_init(&r.n_read, l->n_read);
    atomic_init(&r.stop, false);
    LL_TRY(ll_alloc(l->allocator, n_threads, LL_STAGE_FLOATS * sizeof(float), "staging memory for weights", &r.stages));
    llmcs_status st = ll_alloc_zero(l->allocator, n_threads, sizeof *r.failures, "load failures", &r.failures);
    if (!st) st = ll_pool_run(pool, load_on_thread, &r);
    if (!st) st = first_failure(&r, n_threads);
    if (!st) st = report_progress(&r); /* 1.0 is always reported */
    return st;
}
