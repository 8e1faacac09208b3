/* The list of requests with unreported events, for callers with many requests. A request is in it at most once. */
#include <sys/eventfd.h>

#include "base/call.h"
#include "base/clock.h"
#include "base/options.h"
#include "base/thread.h"
#include "runtime/engine/engine.h"

#define EVENT_OLDEST LL_SIZE_UP_TO(llmcs_engine_event, finished)

static void set_readable(const llmcs_engine *e, bool readable) {
    eventfd_t n = 1;
    /* Neither blocks: the counter is 0 or 1. */
    if (readable)
        (void)eventfd_write(e->event_fd, n);
    else
        (void)eventfd_read(e->event_fd, &n);
}

void ll_request_add_event(llmcs_engine *e, llmcs_request *r) {
    if (r->shared.detached) return;
    if (!r->shared.has_event) {
        llmcs_request *last = e->shared.events_end;
        r->shared.has_event = true;
        r->shared.next_event = NULL;
        r->shared.previous_event = last;
        *(last ? &last->shared.next_event : &e->shared.events) = r;
        e->shared.events_end = r;
        if (!last) set_readable(e, true);
    }
    if (e->shared.n_event_waiters) pthread_cond_signal(&e->shared.event);
}

void ll_request_drop_event(llmcs_engine *e, llmcs_request *r) {
    if (!r->shared.has_event) return;
    llmcs_request *next = r->shared.next_event, *previous = r->shared.previous_event;
    r->shared.has_event = false;
    *(previous ? &previous->shared.next_event : &e->shared.events) = next;
    *(next ? &next->shared.previous_event : &e->shared.events_end) = previous;
    if (!e->shared.events && !e->shared.stopped) set_readable(e, false);
}

void ll_engine_stay_readable(llmcs_engine *e) {
    if (!e->shared.events) set_readable(e, true);
}

static bool take_event(llmcs_engine *e, llmcs_engine_event *event) {
    llmcs_request *r = e->shared.events;
    if (!r) return false;
    ll_request_drop_event(e, r);
    *event = (llmcs_engine_event){.struct_size = sizeof *event,
                                  .request = r,
                                  .user = r->user,
                                  .finished = r->shared.phase == LL_REQUEST_FINISHED};
    return true;
}

llmcs_status llmcs_engine_next(llmcs_engine *engine, double timeout_ms, llmcs_engine_event *event) {
    LL_PUBLIC_CALL;
    if (!event) return ll_fail(LLMCS_ARG, "llmcs_engine_next: event is NULL");
    llmcs_engine_event ours = {.struct_size = sizeof ours};
    LL_TRY(ll_options_out(event, EVENT_OLDEST, &ours, sizeof ours, "llmcs_engine_event"));
    LL_TRY(ll_engine_enter(engine, true));
    uint64_t until = ll_engine_until(timeout_ms);
    bool in_time = true;
    pthread_mutex_lock(&engine->shared.mutex);
    engine->shared.n_event_waiters++;
    while (!engine->shared.freeing && !take_event(engine, &ours) && !engine->shared.stopped && in_time) {
        in_time = timeout_ms != 0;
        if (in_time && !ll_engine_try_step(engine))
            in_time = ll_condition_wait(&engine->shared.event, &engine->shared.mutex, until);
        in_time = in_time && ll_now_ns() < until;
    }
    engine->shared.n_event_waiters--;
    const bool freeing = engine->shared.freeing, stopped = engine->shared.stopped;
    pthread_mutex_unlock(&engine->shared.mutex);
    ll_engine_leave(engine);
    if (ours.request) return ll_options_out(event, EVENT_OLDEST, &ours, sizeof ours, "llmcs_engine_event");
    if (freeing || stopped)
        return ll_fail(LLMCS_STATE, freeing ? "the engine is being freed" : "the engine was stopped");
    return ll_fail(LLMCS_PENDING, "no request has an event");
}
