/* Threads for calls to the host. */
#include "shop/desk/host.h"

#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "shop/base/clock.h"
#include "shop/store/shared.h"

enum { MAX_THREADS = 64, MAX_ANSWER = 65536 };

/* One call. Its caller and its thread each hold a reference; the last one frees it. */
struct llmcs_shop_call {
    desk_host *host;
    llmcs_shop_call_request request;
    llmcs_shop_slot *slots;
    shop_arena arena; /* holds what the request points to */
    struct llmcs_shop_call *next;
    /* Guarded by the host's lock. */
    int holders;
    bool started, answered, returned, abandoned;
    llmcs_shop_action_state state;
    char *rows_json;
};

struct desk_host {
    llmcs_shop *shop;
    llmcs_allocator allocator;
    llmcs_shop_call_fn call;
    void *user;
    double timeout_ms;
    size_t max_threads;
    pid_t owner;

    pthread_mutex_t lock; /* guards the members below and the calls */
    pthread_cond_t queued, changed;
    llmcs_shop_call *first, *last; /* queue of calls */
    pthread_t threads[MAX_THREADS];
    size_t n_threads, n_idle;
    bool stopping;
};

/* ---- calls */

static void release(llmcs_shop_call *call) {
    desk_host *h = call->host;
    pthread_mutex_lock(&h->lock);
    const bool last = --call->holders == 0;
    pthread_mutex_unlock(&h->lock);
    if (!last) return;
    const llmcs_allocator a = h->allocator;
    shop_arena_free(&call->arena);
    shop_free(&a, call->rows_json);
    shop_free(&a, call);
}

static llmcs_status copy_request(llmcs_shop_call *call, const llmcs_shop_call_request *r) {
    shop_arena *a = &call->arena;
    call->request = *r;
    SHOP_TRY(shop_arena_copy(a, r->name, strlen(r->name), &call->request.name));
    SHOP_TRY(shop_arena_copy(a, r->key, strlen(r->key), &call->request.key));
    SHOP_TRY(shop_arena_copy(a, r->customer, strlen(r->customer), &call->request.customer));
    SHOP_TRY(shop_arena_copy(a, r->conversation, strlen(r->conversation), &call->request.conversation));
    SHOP_TRY(shop_arena_copy(a, r->lang, strlen(r->lang), &call->request.lang));
    SHOP_TRY(shop_arena_alloc(a, r->n_slots, sizeof *call->slots, &call->slots));
    for (size_t i = 0; i < r->n_slots; i++) {
        SHOP_TRY(shop_arena_copy(a, r->slots[i].name, strlen(r->slots[i].name), &call->slots[i].name));
        SHOP_TRY(shop_arena_copy(a, r->slots[i].value, strlen(r->slots[i].value), &call->slots[i].value));
    }
    call->request.slots = call->slots;
    return LLMCS_OK;
}

static llmcs_status check_answer(llmcs_shop_call *call, const char *rows_json) {
    shop_connection *c;
    int64_t fits = 0;
    if (strlen(rows_json) > MAX_ANSWER) return shop_fail(LLMCS_LIMIT, "answer: more than %d bytes", MAX_ANSWER);
    SHOP_TRY(shop_read_begin(call->host->shop, &c));
    /* Not json_valid: see json.c. */
    const llmcs_status status = shop_lookup_int(c, 0, &fits,
                                                "SELECT json_type(?1) = ?2 AND NOT EXISTS (SELECT 1 FROM json_each(?1)"
                                                " WHERE ?2 = 'array' AND type <> 'object')",
                                                "ss", rows_json, call->request.is_action ? "object" : "array");
    shop_read_end(call->host->shop, c);
    if (status && status != LLMCS_FORMAT) return status;
    if (fits && !status) return LLMCS_OK;
    return shop_fail(LLMCS_JSON, "answer: expected %s", call->request.is_action ? "an object" : "an array of objects");
}

/* Records the answer to an action after its timeout, for the person who follows it up. */
static llmcs_status record_late(llmcs_shop_call *call, llmcs_shop_action_state state) {
    shop_connection *c;
    llmcs_shop *shop = call->host->shop;
    SHOP_TRY(shop_shared_write_begin(shop, NULL, &c));
    return shop_shared_write_end(shop, c,
                                 shop_change(c, "UPDATE actions SET late = ?2 WHERE key = ?1 AND late IS NULL", "ss",
                                             call->request.key, llmcs_shop_action_state_name(state)));
}

llmcs_status llmcs_shop_call_answer(llmcs_shop_call *call, llmcs_shop_action_state state, const char *rows_json) {
    SHOP_PUBLIC_CALL;
    char *copy = NULL;
    if (!call) return shop_fail(LLMCS_ARG, "call is NULL");
    desk_host *h = call->host;
    if (state != LLMCS_ACTION_DONE && state != LLMCS_ACTION_FAILED && state != LLMCS_ACTION_UNKNOWN)
        return shop_fail(LLMCS_ARG, "state: %d is not valid (DONE, FAILED or UNKNOWN)", (int)state);
    if (rows_json) {
        SHOP_TRY(check_answer(call, rows_json));
        SHOP_TRY(shop_copy_text(&h->allocator, rows_json, strlen(rows_json), "answer", &copy));
    }
    pthread_mutex_lock(&h->lock);
    const bool before = call->answered, late = call->abandoned;
    if (!before) {
        call->answered = true;
        call->state = state;
        call->rows_json = copy;
        pthread_cond_broadcast(&h->changed);
    }
    pthread_mutex_unlock(&h->lock);
    if (before) shop_free(&h->allocator, copy);
    if (before) return shop_fail(LLMCS_STATE, "the call has already been answered");
    if (!late) return LLMCS_OK;
    if (call->request.is_action) (void)record_late(call, state);
    return shop_fail(LLMCS_STATE, "the answer comes after the timeout of %g ms", h->timeout_ms);
}

/* ---- threads */

static void finish(void *user) {
    llmcs_shop_call *call = user;
    desk_host *h = call->host;
    pthread_mutex_lock(&h->lock);
    call->returned = true;
    pthread_cond_broadcast(&h->changed);
    pthread_mutex_unlock(&h->lock);
    release(call);
}

/* If the callback calls pthread_exit, the thread ends and the call counts as returned without an answer. */
static void serve_one(desk_host *h, llmcs_shop_call *call) {
    pthread_cleanup_push(finish, call);
    h->call(h->user, &call->request, call);
    pthread_cleanup_pop(1);
}

static void *serve(void *user) {
    desk_host *h = user;
    for (;;) {
        pthread_mutex_lock(&h->lock);
        h->n_idle++;
        while (!h->first && !h->stopping) pthread_cond_wait(&h->queued, &h->lock);
        h->n_idle--;
        llmcs_shop_call *call = h->first;
        if (call) {
            call->started = true;
            h->first = call->next;
            if (!h->first) h->last = NULL;
        }
        pthread_mutex_unlock(&h->lock);
        if (!call) return NULL;
        serve_one(h, call);
    }
}

/* Call under the lock. Starts another thread if the queue needs all idle ones. If that fails, the next call waits for a
 * thread. */
static void add_thread(desk_host *h) {
    size_t n_queued = 0;
    for (const llmcs_shop_call *call = h->first; call; call = call->next) n_queued++;
    if (h->n_idle > n_queued || h->n_threads == h->max_threads) return;
    if (!pthread_create(&h->threads[h->n_threads], NULL, serve, h)) h->n_threads++;
}

static void remove_queued(desk_host *h, const llmcs_shop_call *call) {
    llmcs_shop_call **link = &h->first, *before = NULL;
    while (*link != call) before = *link, link = &before->next;
    *link = call->next;
    if (h->last == call) h->last = before;
}

llmcs_status desk_host_create(llmcs_shop *shop, llmcs_shop_call_fn call, void *user, int32_t n_threads,
                              double timeout_ms, desk_host **host) {
    desk_host *h;
    pthread_condattr_t clock;
    *host = NULL;
    SHOP_TRY(shop_alloc_zero(&shop->allocator, 1, sizeof *h, "host", &h));
    *h = (desk_host){.shop = shop,
                     .allocator = shop->allocator,
                     .call = call,
                     .user = user,
                     .timeout_ms = timeout_ms,
                     .max_threads = (size_t)n_threads,
                     .owner = getpid()};
    bool failed = pthread_mutex_init(&h->lock, NULL) != 0;
    if (!failed && (failed = pthread_cond_init(&h->queued, NULL) != 0)) pthread_mutex_destroy(&h->lock);
    if (!failed) {
        failed = pthread_condattr_init(&clock) != 0;
        if (!failed) {
            pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
            failed = pthread_cond_init(&h->changed, &clock) != 0;
            pthread_condattr_destroy(&clock);
        }
        if (failed) {
            pthread_cond_destroy(&h->queued);
            pthread_mutex_destroy(&h->lock);
        }
    }
    if (failed) {
        shop_free(&shop->allocator, h);
        return shop_fail(LLMCS_THREAD, "a lock could not be created");
    }
    *host = h;
    return LLMCS_OK;
}

void desk_host_free(desk_host **host) {
    desk_host *h = *host;
    if (!h) return;
    *host = NULL;
    const llmcs_allocator a = h->allocator;
    if (h->owner == getpid()) {
        pthread_mutex_lock(&h->lock);
        h->stopping = true;
        pthread_cond_broadcast(&h->queued);
        pthread_mutex_unlock(&h->lock);
        for (size_t i = 0; i < h->n_threads; i++) pthread_join(h->threads[i], NULL);
        pthread_cond_destroy(&h->changed);
        pthread_cond_destroy(&h->queued);
        pthread_mutex_destroy(&h->lock);
    }
    shop_free(&a, h);
}

/* ---- making a call */

static desk_host_outcome wait_for(desk_host *h, llmcs_shop_call *call) {
    const struct timespec deadline = shop_after_ms(CLOCK_MONOTONIC, h->timeout_ms);
    bool late = false;
    while (!call->answered && !call->returned && !late)
        late = pthread_cond_timedwait(&h->changed, &h->lock, &deadline) != 0;
    if (call->answered) return DESK_HOST_ANSWERED;
    call->abandoned = true;
    if (!call->started) {
        remove_queued(h, call);
        call->holders--;
        return DESK_HOST_NOT_BEGUN;
    }
    return call->returned ? DESK_HOST_SILENT : DESK_HOST_LATE;
}

static llmcs_status make_call(desk_host *h, const llmcs_shop_call_request *request, llmcs_shop_call **out) {
    llmcs_shop_call *call;
    SHOP_TRY(shop_alloc_zero(&h->allocator, 1, sizeof *call, "call", &call));
    call->host = h;
    call->holders = 1;
    call->arena.allocator = h->allocator;
    *out = call;
    const llmcs_status status = copy_request(call, request);
    call->request.timeout_ms = h->timeout_ms;
    if (status) release(call);
    return status;
}

llmcs_status desk_host_call(desk_host *h, const llmcs_shop_call_request *request, shop_arena *arena,
                            desk_host_outcome *outcome, llmcs_shop_action_state *state, const char **rows_json) {
    llmcs_shop_call *call;
    llmcs_status status = LLMCS_OK;
    *rows_json = NULL;
    *state = LLMCS_ACTION_NONE;
    *outcome = DESK_HOST_NOT_BEGUN;
    if (!h || !h->call) return LLMCS_OK;
    SHOP_TRY(make_call(h, request, &call));
    pthread_mutex_lock(&h->lock);
    add_thread(h);
    call->holders++;
    if (h->last)
        h->last->next = call;
    else
        h->first = call;
    h->last = call;
    pthread_cond_signal(&h->queued);
    *outcome = wait_for(h, call);
    *state = call->state;
    /* After an answer no other thread changes the call. */
    const char *rows = *outcome == DESK_HOST_ANSWERED ? call->rows_json : NULL;
    pthread_mutex_unlock(&h->lock);
    if (rows) status = shop_arena_copy(arena, rows, strlen(rows), rows_json);
    release(call);
    return status;
}
