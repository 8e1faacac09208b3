/*
 * Passes for many threads. Whoever has something to be worked puts it into the model's queue. If nobody is making a
 * pass, or fewer than may, he becomes a leader: he takes what is waiting, as far as one pass holds it, runs it, gives
 * everyone his outputs, and so on until his own request is done; then the first of those still waiting leads. So a
 * thread that is alone begins at once, and threads that come while a pass runs go together with the next one (group
 * commit, as databases write their logs: DeWitt et al. 1984). There are no timers and no threads of ours.
 *
 * Everything of the queue, and next, leads, done and n_taken of the requests in it, is under idle_lock; a request that
 * is in a pass belongs to the thread that makes it.
 */
#include "base/thread.h"
#include "runtime/encoder/encoder.h"

/* Rooms kept for later calls: as many as leaders are likely to come at once. */
#define MAX_IDLE 4

static ll_encoder_workspace *pop_room(llmcs_model *m) {
    ll_encoder_workspace *room = m->idle;
    if (room) {
        m->idle = room->next;
        m->n_idle--;
    }
    return room;
}

/* NULL: it is kept. */
static ll_encoder_workspace *push_room(llmcs_model *m, ll_encoder_workspace *room) {
    if (!room || m->n_idle == MAX_IDLE) return room;
    room->next = m->idle;
    m->idle = room;
    m->n_idle++;
    return NULL;
}

static void append(llmcs_model *m, ll_encoder_request *r) {
    ll_encoder_request **at = &m->waiting;
    while (*at) at = &(*at)->next;
    r->next = NULL;
    *at = r;
}

static void take_out(llmcs_model *m, const ll_encoder_request *r) {
    ll_encoder_request **at = &m->waiting;
    while (*at && *at != r) at = &(*at)->next;
    if (*at) *at = r->next;
}

/* The next pass: requests in their order, as far as they fit. What another leader has for himself is left to him, so
 * that he never has to wait. */
static void fill(llmcs_model *m, ll_encoder_workspace *room, const ll_encoder_request *own) {
    ll_encoder_clear(room);
    for (ll_encoder_request **at = &m->waiting; *at && room->n_segments < room->max_segments;) {
        ll_encoder_request *r = *at;
        const size_t n = r->leads && r != own ? 0 : ll_encoder_fit(room, r);
        if (!n) {
            at = &r->next;
            continue;
        }
        *at = r->next;
        ll_encoder_add(room, r, n);
    }
}

/* What is not done goes behind the others: nobody waits for the whole of a long text. */
static void settle(llmcs_model *m, const ll_encoder_workspace *room) {
    for (size_t i = 0; i < room->n_parts; i++) {
        ll_encoder_request *r = room->parts[i].request;
        r->done = r->status || r->n_taken == r->n;
        if (!r->done)
            append(m, r);
        else if (!r->leads)
            pthread_cond_signal(&r->changed);
    }
}

static void hand_over(llmcs_model *m) {
    for (ll_encoder_request *r = m->waiting; r; r = r->next)
        if (!r->leads) {
            r->leads = true;
            pthread_cond_signal(&r->changed);
            return;
        }
    m->n_leaders--;
}

/* Passes until the request is done. The lock is held, and given up while there is something to do. */
static void lead(llmcs_model *m, ll_encoder_request *own) {
    ll_encoder_workspace *room = pop_room(m);
    if (!room) {
        pthread_mutex_unlock(&m->idle_lock);
        own->status = ll_encoder_workspace_create(m, &room);
        pthread_mutex_lock(&m->idle_lock);
    }
    if (own->status) {
        ll_format(own->message, sizeof own->message, "%s", llmcs_error_message());
        take_out(m, own);
        own->done = true;
    }
    while (!own->done) {
        fill(m, room, own);
        pthread_mutex_unlock(&m->idle_lock);
        ll_encoder_forward(m, room);
        pthread_mutex_lock(&m->idle_lock);
        settle(m, room);
    }
    ll_encoder_workspace *spare = push_room(m, room);
    hand_over(m);
    if (!spare) return;
    pthread_mutex_unlock(&m->idle_lock);
    ll_encoder_workspace_free(m, spare);
    pthread_mutex_lock(&m->idle_lock);
}

static void wait_or_lead(llmcs_model *m, ll_encoder_request *r) {
    pthread_mutex_lock(&m->idle_lock);
    append(m, r);
    if (m->n_leaders < m->max_leaders) {
        m->n_leaders++;
        r->leads = true;
    }
    while (!r->done && !r->leads) pthread_cond_wait(&r->changed, &m->idle_lock);
    if (!r->done) lead(m, r);
    pthread_mutex_unlock(&m->idle_lock);
}

llmcs_status ll_encoder_submit(llmcs_model *m, ll_encoder_request *r) {
    r->n_taken = r->n_taken_rows = 0;
    r->leads = r->done = false;
    r->status = LLMCS_OK;
    if (pthread_cond_init(&r->changed, NULL)) return ll_fail(LLMCS_THREAD, "a lock could not be made");
    int cancel_state = ll_cancel_disable();
    wait_or_lead(m, r);
    ll_cancel_restore(cancel_state);
    pthread_cond_destroy(&r->changed);
    return r->status ? ll_fail(r->status, "%s", r->message) : LLMCS_OK;
}
