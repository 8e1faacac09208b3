/* Engines: how they come and go, their thread, their queue. */
#include "runtime/engine/engine.h"

#include <errno.h>
#include <stddef.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/thread.h"
#include "runtime/options.h"

#define MAGIC 0x454e4749u /* "ENGI" */
#define FREED 0xdeadu
#define OPTIONS_OLDEST sizeof(llmcs_engine_options)
#define STATS_OLDEST sizeof(llmcs_engine_stats)
#define DEFAULT_SEQUENCES 8 /* of n_ctx tokens, in kv_bytes */
#define STACK_BYTES ((size_t)256 << 10)

/* ------------------------------------------------------------------------------------------------- options */

void llmcs_engine_options_init(llmcs_engine_options *options) {
    if (options)
        *options = (llmcs_engine_options){
            .struct_size = sizeof *options, .max_batch = 64, .max_queue = 1024, .max_chunk = 256};
}

static llmcs_status check_range(const char *name, int32_t value, int32_t least, int32_t most) {
    if (value >= least && value <= most) return LLMCS_OK;
    return ll_fail(LLMCS_ARG, "%s is %d, expected %d..%d", name, (int)value, (int)least, (int)most);
}

llmcs_status ll_engine_options_read(const llmcs_engine_options *options, size_t model_n_ctx, const ll_net *net,
                                    llmcs_engine_options *out) {
    llmcs_engine_options_init(out);
    if (options) LL_TRY(ll_options_in(out, sizeof *out, OPTIONS_OLDEST, options, "llmcs_engine_options"));
    LL_TRY(check_range("n_ctx", out->n_ctx, 0, (int32_t)model_n_ctx));
    LL_TRY(check_range("max_batch", out->max_batch, 1, 4096));
    LL_TRY(check_range("max_queue", out->max_queue, 1, INT32_MAX));
    LL_TRY(check_range("max_chunk", out->max_chunk, 16, 4096));
    if (!(out->step_ms >= 0)) return ll_fail(LLMCS_ARG, "step_ms is %g, expected 0 or more", out->step_ms);
    if (out->flags & ~(LLMCS_ENGINE_NO_THREAD | LLMCS_ENGINE_NO_PREFIX_CACHE))
        return ll_fail(LLMCS_ARG, "flags has unknown bits: 0x%x", (unsigned)out->flags);
    if (!out->n_ctx) out->n_ctx = (int32_t)model_n_ctx;
    uint64_t block_bytes = ll_kv_block_bytes(&net->kv);
    if (!out->kv_bytes) out->kv_bytes = DEFAULT_SEQUENCES * ll_kv_blocks_of((size_t)out->n_ctx) * block_bytes;
    if (out->kv_bytes < block_bytes)
        return ll_fail(LLMCS_ARG, "kv_bytes is %llu, but %d tokens take %llu", (unsigned long long)out->kv_bytes,
                       LL_KV_BLOCK, (unsigned long long)block_bytes);
    return LLMCS_OK;
}

/* -------------------------------------------------------------------------------------------------- memory */

static ll_forward_size full_pass(const llmcs_engine_options *o, size_t n_threads) {
    size_t max_batch = (size_t)o->max_batch;
    return (ll_forward_size){.n_rows = (size_t)o->max_chunk + max_batch,
                             .n_segments = max_batch,
                             .n_logit_rows = max_batch,
                             .max_positions = (size_t)o->n_ctx,
                             .n_threads = n_threads};
}

typedef struct sizes {
    size_t n_floats; /* of the workspace */
    size_t n_logits, n_block_max;
    size_t n_blocks; /* of keys and values */
} sizes;

/* LIMIT: more than can be addressed. */
static llmcs_status sizes_of(const ll_net *net, const llmcs_engine_options *o, size_t n_threads, sizes *s) {
    ll_forward_size size = full_pass(o, n_threads);
    const size_t vocab = (size_t)net->config->vocab_size;
    s->n_floats = net->ops->workspace_floats(net, &size);
    uint64_t n = o->kv_bytes / ll_kv_block_bytes(&net->kv);
    if (n > UINT32_MAX - 1 || !ll_mul((size_t)o->max_batch, vocab, &s->n_logits))
        return ll_fail(LLMCS_LIMIT, "keys and values of %llu blocks are more than can be addressed",
                       (unsigned long long)n);
    s->n_block_max = (size_t)o->max_batch * ll_row_blocks(vocab); /* no more than logits */
    s->n_blocks = (size_t)n;
    return LLMCS_OK;
}

llmcs_status ll_engine_bytes(const ll_net *net, const llmcs_engine_options *o, size_t n_threads, uint64_t *bytes,
                             uint64_t *n_blocks) {
    sizes s;
    const size_t max_rows = (size_t)o->max_chunk + (size_t)o->max_batch;
    LL_TRY(sizes_of(net, o, n_threads, &s));
    uint64_t per_block = ll_kv_block_bytes(&net->kv) + sizeof(ll_prefix_node) + 3 * sizeof(uint32_t);
    uint64_t per_line = sizeof(ll_segment) + sizeof(ll_seq_state *) + sizeof(uint32_t) + sizeof(ll_unit), kv;
    uint64_t per_thread = sizeof(ll_sampler_workspace) + ll_sampler_workspace_bytes((size_t)net->config->vocab_size);
    if (!ll_mul_u64(s.n_blocks, per_block, &kv) || kv > UINT64_MAX / 4)
        return ll_fail(LLMCS_LIMIT, "keys and values of %zu blocks are more than can be addressed", s.n_blocks);
    *n_blocks = s.n_blocks;
    *bytes = kv + ((uint64_t)s.n_floats + s.n_logits + s.n_block_max) * sizeof(float) + max_rows * sizeof(int32_t) +
             (uint64_t)o->max_batch * per_line + n_threads * per_thread + sizeof(llmcs_engine) + sizeof(ll_prefix_node);
    return LLMCS_OK;
}

static llmcs_status take_rooms(llmcs_engine *e) {
    size_t n = (size_t)ll_pool_size(e->model->pool), vocab = (size_t)e->model->config.vocab_size;
    LL_TRY(ll_alloc_zero(&e->allocator, n, sizeof *e->rooms, "rooms to choose in", &e->rooms));
    for (; e->n_rooms < n; e->n_rooms++)
        LL_TRY(ll_sampler_workspace_init(&e->rooms[e->n_rooms], &e->allocator, vocab, true));
    return LLMCS_OK;
}

static llmcs_status take_memory(llmcs_engine *e) {
    const llmcs_allocator *a = &e->allocator;
    const ll_net *net = e->model->net;
    sizes s;
    const size_t max_batch = (size_t)e->options.max_batch;
    LL_TRY(sizes_of(net, &e->options, (size_t)ll_pool_size(e->model->pool), &s));
    e->stats.n_blocks = s.n_blocks;
    e->max_rows = (size_t)e->options.max_chunk + max_batch;
    e->kv.block_bytes = ll_kv_block_bytes(&net->kv);
    LL_TRY(ll_kv_chunk_create(&e->kv.own, a, s.n_blocks, e->kv.block_bytes));
    LL_TRY(ll_prefix_create(&e->prefix, a, &e->kv));
    LL_TRY(ll_alloc(a, s.n_floats, sizeof(float), "workspace", &e->workspace));
    LL_TRY(ll_alloc(a, s.n_logits, sizeof(float), "logits", &e->logits));
    LL_TRY(ll_alloc(a, s.n_block_max, sizeof(float), "largest logits", &e->block_max));
    LL_TRY(take_rooms(e));
    LL_TRY(ll_alloc(a, e->max_rows, sizeof *e->ids, "token ids", &e->ids));
    LL_TRY(ll_alloc(a, max_batch, sizeof *e->segments, "runs", &e->segments));
    LL_TRY(ll_alloc(a, max_batch, sizeof(void *), "runs", &e->run_lines));
    LL_TRY(ll_alloc(a, max_batch, sizeof *e->logit_rows, "rows", &e->logit_rows));
    return ll_alloc(a, max_batch, sizeof *e->units, "requests of a step", &e->units);
}

static void free_memory(llmcs_engine *e) {
    llmcs_allocator a = e->allocator;
    llmcs_model *m = e->model;
    while (e->n_rooms) ll_sampler_workspace_free(&e->rooms[--e->n_rooms], &a);
    void *const parts[] = {e->workspace, e->logits,    e->block_max,  e->rooms, e->ids,
                           e->segments,  e->run_lines, e->logit_rows, e->units};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) ll_free(&a, parts[i]);
    ll_prefix_free(&e->prefix, &a);
    ll_kv_chunk_free(&e->kv.own, &a);
    if (e->event_fd >= 0) close(e->event_fd);
    e->magic = FREED;
    ll_free(&a, e);
    llmcs_model_free(&m);
}

void ll_engine_destroy(llmcs_engine *e) {
    pthread_cond_destroy(&e->news);
    pthread_cond_destroy(&e->work);
    pthread_mutex_destroy(&e->lock);
    free_memory(e);
}

/* -------------------------------------------------------------------------------------------------- thread */

/* Steps as long as there is something to do, else sleeps. */
static void *run_engine(void *arg) {
    llmcs_engine *e = arg;
    pthread_mutex_lock(&e->lock);
    while (!e->stopping) {
        pthread_mutex_unlock(&e->lock);
        bool worked = ll_engine_step(e);
        pthread_mutex_lock(&e->lock);
        /* Without work nothing runs, and what waits came after the step looked. */
        while (!worked && !e->stopping && !e->queue && !e->running) pthread_cond_wait(&e->work, &e->lock);
    }
    pthread_mutex_unlock(&e->lock);
    return NULL;
}

static llmcs_status start(llmcs_engine *e) {
    e->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (e->event_fd < 0) return ll_fail(LLMCS_THREAD, "eventfd: error %d", errno);
    if (e->options.flags & LLMCS_ENGINE_NO_THREAD) return LLMCS_OK;
    int error = ll_thread_start(&e->thread, STACK_BYTES, run_engine, e);
    if (error) return ll_fail(LLMCS_THREAD, "the engine's thread could not be started (error %d)", error);
    e->threaded = true;
    return LLMCS_OK;
}

static llmcs_status init_locks(llmcs_engine *e) {
    if (pthread_mutex_init(&e->lock, NULL)) goto no_lock;
    if (ll_condition_init(&e->work)) goto no_work;
    if (ll_condition_init(&e->news)) goto no_news;
    return LLMCS_OK;
no_news:
    pthread_cond_destroy(&e->work);
no_work:
    pthread_mutex_destroy(&e->lock);
no_lock:
    return ll_fail(LLMCS_THREAD, "engine: a lock could not be made");
}

/* ------------------------------------------------------------------------------------------- create, free */

static llmcs_status create(llmcs_engine *e) {
    LL_TRY(take_memory(e));
    LL_TRY(init_locks(e));
    llmcs_status st = start(e);
    if (!st) return LLMCS_OK;
    pthread_cond_destroy(&e->news);
    pthread_cond_destroy(&e->work);
    pthread_mutex_destroy(&e->lock);
    return st;
}

llmcs_status llmcs_engine_create(llmcs_model *model, const llmcs_engine_options *options, llmcs_engine **engine) {
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
    e->references = 1;
    atomic_init(&e->abort_pass, false);
    llmcs_status st = create(e);
    if (st)
        free_memory(e);
    else
        *engine = e;
    return st;
}

/* The last step's place is ours: the thread has ended, or nobody else may step. */
static void stop_steps(llmcs_engine *e) {
    pthread_mutex_lock(&e->lock);
    e->stopping = true;
    atomic_store(&e->abort_pass, true);
    pthread_cond_broadcast(&e->work);
    while (!e->threaded && e->stepping) pthread_cond_wait(&e->news, &e->lock);
    pthread_mutex_unlock(&e->lock);
    if (e->threaded) pthread_join(e->thread, NULL);
}

static void end_all(llmcs_engine *e) {
    for (llmcs_request *r; (r = e->running ? e->running : e->queue);) {
        if (r->phase == LL_REQUEST_WAITING) {
            pthread_mutex_lock(&e->lock);
            ll_engine_dequeue(e, r);
            pthread_mutex_unlock(&e->lock);
        }
        if (!r->ended) ll_engine_end(e, r, LLMCS_OK, LLMCS_FINISH_CANCELLED);
        ll_engine_release(e, r);
    }
}

void llmcs_engine_free(llmcs_engine **engine) {
    if (!engine || !*engine) return;
    llmcs_engine *e = *engine;
    *engine = NULL;
    if (e->magic != MAGIC) return;
    if (e->owner != getpid()) { /* locks and threads are the parent's, and so is what it was doing */
        free_memory(e);
        return;
    }
    int cancel_state = ll_thread_keep();
    ll_fpenv_enter(&e->host);
    stop_steps(e);
    end_all(e);
    ll_fpenv_leave(&e->host);
    pthread_mutex_lock(&e->lock);
    pthread_cond_broadcast(&e->news);
    bool last = --e->references == 0;
    pthread_mutex_unlock(&e->lock);
    if (last) ll_engine_destroy(e);
    ll_thread_release(cancel_state);
}

llmcs_status ll_engine_check(const llmcs_engine *e) {
    if (!e) return ll_fail(LLMCS_ARG, "the engine is NULL");
    if (e->magic != MAGIC) return ll_fail(LLMCS_STATE, "the engine was freed, or is none");
    return ll_model_check(e->model);
}

/* --------------------------------------------------------------------------------------------------- queue */

void ll_engine_enqueue(llmcs_engine *e, llmcs_request *r) {
    llmcs_request *after = e->queue_end;
    while (after && ll_request_before(r, after)) after = after->previous;
    r->previous = after;
    r->next = after ? after->next : e->queue;
    *(r->next ? &r->next->previous : &e->queue_end) = r;
    *(after ? &after->next : &e->queue) = r;
    e->n_queue++;
}

void ll_engine_dequeue(llmcs_engine *e, llmcs_request *r) {
    *(r->previous ? &r->previous->next : &e->queue) = r->next;
    *(r->next ? &r->next->previous : &e->queue_end) = r->previous;
    e->n_queue--;
}

/* ----------------------------------------------------------------------------------------------- waiting */

uint64_t ll_engine_until(double timeout_ms) {
    if (!(timeout_ms >= 0)) return UINT64_MAX;
    return ll_now_ns() + (timeout_ms < 1e12 ? (uint64_t)(timeout_ms * 1e6) : (uint64_t)1e18);
}

bool ll_engine_help(llmcs_engine *e) {
    if (e->threaded || e->stepping || e->stopping) return false;
    e->stepping = true;
    pthread_mutex_unlock(&e->lock);
    bool worked = ll_engine_step(e);
    pthread_mutex_lock(&e->lock);
    e->stepping = false;
    pthread_cond_broadcast(&e->news);
    return worked;
}

llmcs_status llmcs_engine_step(llmcs_engine *engine, int *worked) {
    if (!worked) return ll_fail(LLMCS_ARG, "llmcs_engine_step: worked is NULL");
    *worked = 0;
    LL_TRY(ll_engine_check(engine));
    if (engine->threaded) return ll_fail(LLMCS_STATE, "the engine has a thread that makes its steps");
    int cancel_state = ll_thread_keep();
    pthread_mutex_lock(&engine->lock);
    llmcs_status st = engine->stepping ? ll_fail(LLMCS_BUSY, "another thread is making a step") : LLMCS_OK;
    if (!st) *worked = ll_engine_help(engine);
    pthread_mutex_unlock(&engine->lock);
    ll_thread_release(cancel_state);
    return st;
}

/* -------------------------------------------------------------------------------------------------- events */

int llmcs_engine_fd(const llmcs_engine *engine) { return engine && engine->magic == MAGIC ? engine->event_fd : -1; }

static llmcs_request *take_event(llmcs_engine *e, llmcs_engine_event *event) {
    llmcs_request *r = e->events;
    if (!r) return NULL;
    ll_request_drop_event(e, r);
    *event = (llmcs_engine_event){r, r->user, r->phase == LL_REQUEST_FINISHED};
    return r;
}

llmcs_status llmcs_engine_next(llmcs_engine *engine, double timeout_ms, llmcs_engine_event *event) {
    if (!event) return ll_fail(LLMCS_ARG, "llmcs_engine_next: event is NULL");
    *event = (llmcs_engine_event){0};
    LL_TRY(ll_engine_check(engine));
    uint64_t until = ll_engine_until(timeout_ms);
    int cancel_state = ll_thread_keep();
    pthread_mutex_lock(&engine->lock);
    bool in_time = true;
    engine->n_news_waiters++;
    while (!take_event(engine, event) && in_time) {
        in_time = timeout_ms != 0;
        if (in_time && !ll_engine_help(engine)) in_time = ll_condition_wait(&engine->news, &engine->lock, until);
        in_time = in_time && ll_now_ns() < until;
    }
    engine->n_news_waiters--;
    pthread_mutex_unlock(&engine->lock);
    ll_thread_release(cancel_state);
    return event->request ? LLMCS_OK : ll_fail(LLMCS_PENDING, "nothing happened to any request");
}

/* -------------------------------------------------------------------------------------------------- counters */

llmcs_status llmcs_engine_get_stats(llmcs_engine *engine, llmcs_engine_stats *stats) {
    if (!stats) return ll_fail(LLMCS_ARG, "llmcs_engine_get_stats: stats is NULL");
    LL_TRY(ll_engine_check(engine));
    pthread_mutex_lock(&engine->lock);
    llmcs_engine_stats ours = engine->stats;
    ours.n_waiting = engine->n_queue;
    ours.n_running = engine->n_unfinished - engine->n_queue;
    pthread_mutex_unlock(&engine->lock);
    ours.struct_size = sizeof ours;
    return ll_options_out(stats, STATS_OLDEST, &ours, sizeof ours, "llmcs_engine_stats");
}
