/* Creates, steps, stops and frees an engine; its queue and its counters. */
#include "runtime/engine/engine.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/call.h"
#include "base/clock.h"
#include "base/options.h"
#include "base/thread.h"

#define MAGIC 0x454e4749u /* "ENGI" */
#define STATS_OLDEST LL_SIZE_UP_TO(llmcs_engine_stats, per_token_ms)
#define STACK_BYTES ((size_t)256 << 10)

/* -------------------------------------------------------------------------------------------------- create */

/* The engine's thread: runs steps while there is work, else sleeps. */
static void *scheduler_thread(void *arg) {
    llmcs_engine *e = arg;
    (void)ll_cancel_disable(); /* in callbacks, too */
    LL_PUBLIC_CALL;
    pthread_mutex_lock(&e->shared.mutex);
    while (!e->shared.stopping) {
        pthread_mutex_unlock(&e->shared.mutex);
        bool progressed = ll_engine_step(e);
        pthread_mutex_lock(&e->shared.mutex);
        /* If a step found nothing to do, no request is running, and requests in the queue arrived after it. */
        while (!progressed && !e->shared.stopping && !e->shared.queue && !e->sched.running)
            pthread_cond_wait(&e->shared.work, &e->shared.mutex);
    }
    pthread_mutex_unlock(&e->shared.mutex);
    return NULL;
}

static llmcs_status start(llmcs_engine *e) {
    e->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (e->event_fd < 0) return ll_fail(LLMCS_THREAD, "eventfd: error %d", errno);
    if (e->options.flags & LLMCS_ENGINE_NO_THREAD) return LLMCS_OK;
    e->threaded = true; /* before the thread can read it */
    int error = ll_thread_start(&e->thread, STACK_BYTES, scheduler_thread, e);
    if (!error) return LLMCS_OK;
    e->threaded = false;
    return ll_fail(LLMCS_THREAD, "the engine's thread could not be started (error %d)", error);
}

static llmcs_status init_locks(llmcs_engine *e) {
    if (pthread_mutex_init(&e->shared.mutex, NULL)) goto no_mutex;
    if (ll_condition_init(&e->shared.work)) goto no_work;
    if (ll_condition_init(&e->shared.event)) goto no_event;
    return LLMCS_OK;
no_event:
    pthread_cond_destroy(&e->shared.work);
no_work:
    pthread_mutex_destroy(&e->shared.mutex);
no_mutex:
    return ll_fail(LLMCS_THREAD, "engine: a lock could not be created");
}

static void destroy_locks(llmcs_engine *e) {
    pthread_cond_destroy(&e->shared.event);
    pthread_cond_destroy(&e->shared.work);
    pthread_mutex_destroy(&e->shared.mutex);
}

llmcs_status llmcs_engine_create(llmcs_model *model, const llmcs_engine_options *options, llmcs_engine **engine) {
    LL_PUBLIC_CALL;
    if (!engine) return ll_fail(LLMCS_ARG, "llmcs_engine_create: engine is NULL");
    *engine = NULL;
    LL_TRY(ll_model_check_head(model, LLMCS_HEAD_CAUSAL_LM, "an engine"));
    llmcs_engine_options o;
    LL_TRY(ll_engine_options_read(options, model->n_ctx, model->net, &o));
    llmcs_engine *e;
    LL_TRY(ll_alloc_zero(&model->allocator, 1, sizeof *e, "engine", &e));
    ll_model_retain(model);
    e->magic = MAGIC;
    e->owner = getpid();
    e->allocator = model->allocator;
    e->model = model;
    e->options = o;
    e->n_ctx = (size_t)o.n_ctx;
    e->event_fd = -1;
    e->shared.references = 1;
    e->shared.next_deadline_ns = UINT64_MAX;
    atomic_init(&e->abort_forward, false);
    atomic_init(&e->any_cancelled, false);
    llmcs_status st = ll_engine_alloc(e);
    if (!st) st = init_locks(e);
    if (!st && (st = start(e))) destroy_locks(e);
    if (st)
        ll_engine_free_memory(e);
    else
        *engine = e;
    return st;
}

/* --------------------------------------------------------------------------------------------------- calls */

llmcs_status ll_engine_enter(llmcs_engine *e, bool when_stopped) {
    if (!e) return ll_fail(LLMCS_ARG, "the engine is NULL");
    if (e->magic != MAGIC) return ll_fail(LLMCS_STATE, "the engine was freed");
    LL_TRY(ll_model_check(e->model));
    pthread_mutex_lock(&e->shared.mutex);
    const bool freeing = e->shared.freeing, stopping = e->shared.stopping;
    const bool enters = !freeing && (when_stopped || !stopping);
    e->shared.n_callers += enters;
    pthread_mutex_unlock(&e->shared.mutex);
    if (enters) return LLMCS_OK;
    return ll_fail(LLMCS_STATE, freeing ? "the engine is being freed" : "the engine was stopped");
}

void ll_engine_leave(llmcs_engine *e) {
    pthread_mutex_lock(&e->shared.mutex);
    e->shared.n_callers--;
    if (e->shared.stopping) pthread_cond_broadcast(&e->shared.event);
    pthread_mutex_unlock(&e->shared.mutex);
}

int llmcs_engine_fd(const llmcs_engine *engine) { return engine && engine->magic == MAGIC ? engine->event_fd : -1; }

/* ---------------------------------------------------------------------------------------------- stop, free */

void ll_engine_destroy(llmcs_engine *e) {
    destroy_locks(e);
    ll_engine_free_memory(e);
}

/* Waits for a running step and prevents new ones, so that the calling thread owns `sched`. */
static void stop_steps(llmcs_engine *e) {
    pthread_mutex_lock(&e->shared.mutex);
    atomic_store(&e->abort_forward, true);
    pthread_cond_broadcast(&e->shared.work);
    pthread_cond_broadcast(&e->shared.event);
    while (!e->threaded && e->shared.stepping) pthread_cond_wait(&e->shared.event, &e->shared.mutex);
    pthread_mutex_unlock(&e->shared.mutex);
    if (e->threaded) pthread_join(e->thread, NULL);
}

static void cancel_all(llmcs_engine *e) {
    for (llmcs_request *r; (r = e->sched.running ? e->sched.running : e->shared.queue);) {
        if (r->shared.phase == LL_REQUEST_WAITING) {
            pthread_mutex_lock(&e->shared.mutex);
            ll_engine_dequeue(e, r);
            pthread_mutex_unlock(&e->shared.mutex);
        }
        if (!r->sched.ended) ll_engine_end(e, r, LLMCS_OK, LLMCS_FINISH_CANCELLED);
        ll_engine_release(e, r);
    }
}

/* True if this thread is in one of the engine's callbacks. */
static bool is_in_callback(llmcs_engine *e) {
    pthread_mutex_lock(&e->shared.mutex);
    bool inside = e->shared.calling && pthread_equal(e->shared.caller, pthread_self());
    pthread_mutex_unlock(&e->shared.mutex);
    return inside;
}

/* Ends all requests. The first thread that calls this does it; the others wait for it. */
static void stop_engine(llmcs_engine *e) {
    pthread_mutex_lock(&e->shared.mutex);
    const bool first = !e->shared.stopping;
    e->shared.stopping = true;
    while (!first && !e->shared.stopped) pthread_cond_wait(&e->shared.event, &e->shared.mutex);
    pthread_mutex_unlock(&e->shared.mutex);
    if (!first) return;
    stop_steps(e);
    cancel_all(e);
    pthread_mutex_lock(&e->shared.mutex);
    e->shared.stopped = true;
    ll_engine_stay_readable(e);
    pthread_cond_broadcast(&e->shared.event);
    pthread_mutex_unlock(&e->shared.mutex);
}

llmcs_status llmcs_engine_stop(llmcs_engine *engine) {
    LL_PUBLIC_CALL;
    LL_TRY(ll_engine_enter(engine, true));
    const bool inside = is_in_callback(engine); /* stopping would wait for the step that this callback is part of */
    if (!inside) stop_engine(engine);
    ll_engine_leave(engine);
    return inside ? ll_fail(LLMCS_STATE, "llmcs_engine_stop: called from a callback of the engine") : LLMCS_OK;
}

void llmcs_engine_free(llmcs_engine **engine) {
    LL_PUBLIC_CALL;
    if (!engine || !*engine) return;
    llmcs_engine *e = *engine;
    const bool freed = e->magic != MAGIC, forked = !freed && e->owner != getpid();
    if (!freed && !forked && is_in_callback(e)) return; /* as in llmcs_engine_stop */
    *engine = NULL;
    if (freed) return;
    if (forked) { /* a child of fork has neither the locks nor the thread */
        ll_engine_free_memory(e);
        return;
    }
    pthread_mutex_lock(&e->shared.mutex);
    e->shared.freeing = true;
    pthread_cond_broadcast(&e->shared.event);
    pthread_mutex_unlock(&e->shared.mutex);
    stop_engine(e);
    pthread_mutex_lock(&e->shared.mutex);
    while (e->shared.n_callers) pthread_cond_wait(&e->shared.event, &e->shared.mutex);
    bool last = --e->shared.references == 0;
    pthread_mutex_unlock(&e->shared.mutex);
    if (last) ll_engine_destroy(e);
}

/* --------------------------------------------------------------------------------------------------- queue */

void ll_engine_enqueue(llmcs_engine *e, llmcs_request *r) {
    llmcs_request *after = e->shared.queue_end;
    while (after && ll_request_before(r, after)) after = after->shared.previous;
    r->shared.previous = after;
    r->shared.next = after ? after->shared.next : e->shared.queue;
    *(r->shared.next ? &r->shared.next->shared.previous : &e->shared.queue_end) = r;
    *(after ? &after->shared.next : &e->shared.queue) = r;
    e->shared.n_queued++;
    ll_engine_note_deadline(e, r);
}

void ll_engine_dequeue(llmcs_engine *e, llmcs_request *r) {
    llmcs_request *next = r->shared.next, *previous = r->shared.previous;
    *(previous ? &previous->shared.next : &e->shared.queue) = next;
    *(next ? &next->shared.previous : &e->shared.queue_end) = previous;
    e->shared.n_queued--;
}

/* --------------------------------------------------------------------------------------------------- steps */

uint64_t ll_engine_until(double timeout_ms) {
    if (!(timeout_ms >= 0)) return UINT64_MAX;
    return ll_now_ns() + (timeout_ms < 1e12 ? (uint64_t)(timeout_ms * 1e6) : (uint64_t)1e18);
}

bool ll_engine_try_step(llmcs_engine *e) {
    if (e->threaded || e->shared.stepping || e->shared.stopping) return false;
    e->shared.stepping = true;
    pthread_mutex_unlock(&e->shared.mutex);
    bool progressed = ll_engine_step(e);
    pthread_mutex_lock(&e->shared.mutex);
    e->shared.stepping = false;
    pthread_cond_broadcast(&e->shared.event);
    return progressed;
}

llmcs_status llmcs_engine_step(llmcs_engine *engine, int *progressed) {
    LL_PUBLIC_CALL;
    if (!progressed) return ll_fail(LLMCS_ARG, "llmcs_engine_step: progressed is NULL");
    *progressed = 0;
    LL_TRY(ll_engine_enter(engine, false));
    llmcs_status st = LLMCS_OK;
    pthread_mutex_lock(&engine->shared.mutex);
    if (engine->threaded)
        st = ll_fail(LLMCS_STATE,
                     "llmcs_engine_step: the engine has its own thread; create it with "
                     "LLMCS_ENGINE_NO_THREAD to run steps yourself");
    else if (engine->shared.stepping)
        st = ll_fail(LLMCS_BUSY, "llmcs_engine_step: another thread is running a step");
    else
        *progressed = ll_engine_try_step(engine);
    pthread_mutex_unlock(&engine->shared.mutex);
    ll_engine_leave(engine);
    return st;
}

/* -------------------------------------------------------------------------------------------------- counters */

llmcs_status llmcs_engine_get_stats(llmcs_engine *engine, llmcs_engine_stats *stats) {
    LL_PUBLIC_CALL;
    if (!stats) return ll_fail(LLMCS_ARG, "llmcs_engine_get_stats: stats is NULL");
    LL_TRY(ll_engine_enter(engine, true));
    pthread_mutex_lock(&engine->shared.mutex);
    llmcs_engine_stats ours = engine->shared.stats;
    ours.n_waiting = engine->shared.n_queued;
    ours.n_running = engine->shared.n_unfinished - engine->shared.n_queued;
    pthread_mutex_unlock(&engine->shared.mutex);
    ll_engine_leave(engine);
    ours.struct_size = sizeof ours;
    return ll_options_out(stats, STATS_OLDEST, &ours, sizeof ours, "llmcs_engine_stats");
}
