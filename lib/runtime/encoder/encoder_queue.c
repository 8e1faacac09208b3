/*
 * Forward passes for many threads. A thread puts its request into the model's queue. If fewer than max_leaders threads
 * are running forward passes, it becomes a leader: it takes as many waiting requests as fit into one forward pass, runs
 * it, delivers the outputs, and repeats that until its own request is done; then the first waiting request's thread
 * becomes leader. So a single call starts at once, and calls that arrive during a forward pass share the next one (as
 * in group commit of databases: DeWitt et al. 1984). There are no timers and no additional threads.
 *
 * The queue, and next, leads, in_forward, done and n_taken of the requests in it, are under the encoder's mutex. A
 * request in a forward pass belongs to the leader.
 */
#include <unistd.h>

#include "base/clock.h"
#include "base/thread.h"
#include "runtime/encoder/encoder.h"

#define MAX_IDLE 4 /* workspaces kept for later calls: as many as leaders are likely to run concurrently */
#define CANCEL_POLL_NS 10000000u /* interval at which a waiting thread reads its cancel flag: 10 ms */

/* --------------------------------------------------------------------------------------------- create, free */

llmcs_status ll_encoder_create(const llmcs_allocator *a, int max_leaders, ll_encoder **encoder) {
    LL_TRY(ll_alloc_zero(a, 1, sizeof **encoder, "encoder", encoder));
    (*encoder)->max_leaders = max_leaders;
    if (pthread_mutex_init(&(*encoder)->mutex, NULL) == 0) return LLMCS_OK;
    ll_free(a, *encoder);
    *encoder = NULL;
    return ll_fail(LLMCS_THREAD, "encoder: a lock could not be created");
}

void ll_encoder_free_idle(const llmcs_model *m, ll_encoder *e) {
    for (ll_encoder_workspace *w = e->idle, *next; w; w = next) {
        next = w->next;
        ll_encoder_workspace_free(m, w);
    }
    e->idle = NULL;
    e->n_idle = 0;
}

void ll_encoder_free(const llmcs_model *m, ll_encoder **encoder) {
    ll_encoder *e = *encoder;
    if (!e) return;
    *encoder = NULL;
    ll_encoder_free_idle(m, e);
    if (m->owner == getpid()) pthread_mutex_destroy(&e->mutex); /* in a child of fork the parent may hold the mutex */
    ll_free(&m->allocator, e);
}

/* -------------------------------------------------------------------------------------------------- the queue */

static void append_request(ll_encoder *e, ll_encoder_request *r) {
    ll_encoder_request **at = &e->waiting;
    while (*at) at = &(*at)->next;
    r->next = NULL;
    *at = r;
}

static void remove_request(ll_encoder *e, const ll_encoder_request *r) {
    ll_encoder_request **at = &e->waiting;
    while (*at && *at != r) at = &(*at)->next;
    if (*at) *at = r->next;
}

/* Ends a queued request that is cancelled or past its deadline. */
static bool stop_if_over(ll_encoder *e, ll_encoder_request *r) {
    const llmcs_status status = ll_limits_check(&r->limits);
    if (!status) return false;
    remove_request(e, r);
    r->status = status;
    if (!r->leads) pthread_cond_signal(&r->changed);
    r->done = true;
    ll_format(r->message, sizeof r->message, "%s", ll_limits_message(status));
    return true;
}

/* Fills the next forward pass with waiting requests, in order, while they fit. Requests of other leaders are left to
 * them, so that no leader waits for another. Requests with a sequence too long for the workspace become leaders later.
 */
static void fill_next_forward(ll_encoder *e, ll_encoder_workspace *workspace, const ll_encoder_request *own) {
    ll_encoder_clear(workspace);
    for (ll_encoder_request **at = &e->waiting; *at && workspace->n_segments < workspace->max_segments;) {
        ll_encoder_request *r = *at;
        const bool others = r->leads && r != own;
        if (!others && stop_if_over(e, r)) continue;
        const size_t n = others || r->longest > workspace->max_length ? 0 : ll_encoder_fit(workspace, r);
        if (!n) {
            at = &r->next;
            continue;
        }
        *at = r->next;
        r->in_forward = true;
        ll_encoder_add(workspace, r, n);
    }
}

/* Moves requests that are not done to the end of the queue, so that no other request waits for all of a long text. */
static void requeue_unfinished(ll_encoder *e, const ll_encoder_workspace *workspace) {
    for (size_t i = 0; i < workspace->n_slices; i++) {
        ll_encoder_request *r = workspace->slices[i].request;
        r->in_forward = false;
        r->done = r->status || r->n_taken == r->n;
        if (!r->done) append_request(e, r);
        if (!r->leads) pthread_cond_signal(&r->changed);
    }
}

static void hand_over(ll_encoder *e) {
    for (ll_encoder_request *r = e->waiting; r; r = r->next)
        if (!r->leads) {
            r->leads = true;
            pthread_cond_signal(&r->changed);
            return;
        }
    e->n_leaders--;
}

/* ----------------------------------------------------------------------------------------------------- leading */

static ll_encoder_workspace *pop_workspace(ll_encoder *e) {
    ll_encoder_workspace *workspace = e->idle;
    if (workspace) {
        e->idle = workspace->next;
        e->n_idle--;
    }
    return workspace;
}

/* Keeps the workspace for later calls and returns NULL, or returns it to be freed. */
static ll_encoder_workspace *push_workspace(ll_encoder *e, ll_encoder_workspace *workspace) {
    if (!workspace || e->n_idle == MAX_IDLE) return workspace;
    workspace->next = e->idle;
    e->idle = workspace;
    e->n_idle++;
    return NULL;
}

/* Runs forward passes until the own request is done. The caller holds the mutex, which is unlocked during a forward
 * pass. */
static void lead_until_done(llmcs_model *m, ll_encoder *e, ll_encoder_request *own) {
    ll_encoder_workspace *workspace = pop_workspace(e);
    if (!workspace || workspace->max_length < own->longest) {
        pthread_mutex_unlock(&e->mutex);
        ll_encoder_workspace_free(m, workspace);
        own->status = ll_encoder_workspace_create(m, own->longest, &workspace);
        pthread_mutex_lock(&e->mutex);
    }
    if (own->status) {
        ll_format(own->message, sizeof own->message, "%s", llmcs_error_message());
        remove_request(e, own);
        own->done = true;
    }
    while (!own->done) {
        fill_next_forward(e, workspace, own);
        if (!workspace->n_slices) break; /* the own request has just ended, and no other one is waiting */
        pthread_mutex_unlock(&e->mutex);
        ll_encoder_forward(m, workspace);
        pthread_mutex_lock(&e->mutex);
        requeue_unfinished(e, workspace);
    }
    ll_encoder_workspace *spare = push_workspace(e, workspace);
    hand_over(e);
    if (!spare) return;
    pthread_mutex_unlock(&e->mutex);
    ll_encoder_workspace_free(m, spare);
    pthread_mutex_lock(&e->mutex);
}

/* Waits until the request is done or this thread becomes the leader. */
static void wait_for_turn(ll_encoder *e, ll_encoder_request *r) {
    while (!r->done && !r->leads) {
        if (!r->in_forward && stop_if_over(e, r)) return;
        uint64_t until = r->limits.deadline_ns && !r->in_forward ? r->limits.deadline_ns : UINT64_MAX;
        if (r->limits.cancel) until = until < ll_now_ns() + CANCEL_POLL_NS ? until : ll_now_ns() + CANCEL_POLL_NS;
        (void)ll_condition_wait(&r->changed, &e->mutex, until);
    }
}

static void queue_and_wait(llmcs_model *m, ll_encoder_request *r) {
    ll_encoder *e = m->encoder;
    pthread_mutex_lock(&e->mutex);
    append_request(e, r);
    if (e->n_leaders < e->max_leaders) {
        e->n_leaders++;
        r->leads = true;
    }
    wait_for_turn(e, r);
    if (!r->done) lead_until_done(m, e, r);
    pthread_mutex_unlock(&e->mutex);
}

llmcs_status ll_encoder_submit(llmcs_model *m, ll_encoder_request *r) {
    if (m->net->has_source) LL_TRY(ll_encoder_check_source(m, r));
    r->n_taken = r->n_taken_rows = r->longest = 0;
    for (size_t i = 0; i < r->n; i++) r->longest = ll_max(r->longest, r->lengths[i]);
    r->leads = r->in_forward = r->done = false;
    r->status = LLMCS_OK;
    if (ll_condition_init(&r->changed)) return ll_fail(LLMCS_THREAD, "encoder: a lock could not be created");
    queue_and_wait(m, r);
    pthread_cond_destroy(&r->changed);
    return r->status ? ll_fail(r->status, "%s", r->message) : LLMCS_OK;
}
