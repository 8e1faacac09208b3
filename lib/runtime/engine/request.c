/* A request as its caller sees it: submitted, read, waited for, freed. */
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/thread.h"
#include "runtime/engine/engine.h"
#include "runtime/options.h"

#define MAGIC 0x52455155u /* "REQU" */
#define FREED 0xdeadu
#define OPTIONS_OLDEST sizeof(llmcs_submit_options)

void llmcs_submit_options_init(llmcs_submit_options *options) {
    if (options) *options = (llmcs_submit_options){.struct_size = sizeof *options};
}

/* ------------------------------------------------------------------------------- what params point to, copied */

static llmcs_status copy(ll_arena *arena, const void *from, size_t n, size_t size, const char *what, void *out) {
    void *to;
    LL_TRY(ll_arena_alloc(arena, n, size, what, &to));
    if (n) memcpy(to, from, n * size);
    memcpy(out, &to, sizeof to);
    return LLMCS_OK;
}

static llmcs_status own_bad_words(ll_arena *arena, llmcs_generate_params *p) {
    llmcs_ids *words;
    LL_TRY(copy(arena, p->bad_words_ids, p->n_bad_words_ids, sizeof *words, "bad_words_ids", &words));
    for (size_t i = 0; i < p->n_bad_words_ids; i++)
        LL_TRY(copy(arena, words[i].ids, words[i].n_ids, sizeof *words[i].ids, "bad_words_ids", &words[i].ids));
    p->bad_words_ids = words;
    return LLMCS_OK;
}

static llmcs_status own_stop_strings(ll_arena *arena, llmcs_generate_params *p) {
    const char **strings;
    LL_TRY(ll_arena_alloc(arena, p->n_stop_strings, sizeof *strings, "stop_strings", &strings));
    for (size_t i = 0; i < p->n_stop_strings; i++)
        LL_TRY(ll_arena_copy_text(arena, p->stop_strings[i], strlen(p->stop_strings[i]), "stop_strings", &strings[i]));
    p->stop_strings = strings;
    return LLMCS_OK;
}

static llmcs_status own_params(llmcs_request *r) {
    ll_generation *g = &r->g;
    llmcs_generate_params *p = &g->params;
    if (p->eos_token_id) {
        LL_TRY(copy(&r->arena, p->eos_token_id, p->n_eos_token_id, sizeof *g->eos, "eos_token_id", &p->eos_token_id));
        g->eos = p->eos_token_id;
    }
    LL_TRY(copy(&r->arena, p->logit_bias, p->n_logit_bias, sizeof *p->logit_bias, "logit_bias", &p->logit_bias));
    LL_TRY(copy(&r->arena, p->prompt_lookup_ids, p->n_prompt_lookup_ids, sizeof *p->prompt_lookup_ids,
                "prompt_lookup_ids", &p->prompt_lookup_ids));
    LL_TRY(own_bad_words(&r->arena, p));
    return own_stop_strings(&r->arena, p);
}

/* -------------------------------------------------------------------------------------------------- memory */

static void request_destroy(llmcs_request *r) {
    llmcs_allocator a = r->allocator;
    llmcs_model *m = r->g.model;
    for (size_t i = 0; r->lines && i < r->n_lines; i++) ll_sequence_free(&r->lines[i].held, &a);
    for (size_t i = 0; r->spare && i < r->n_lines; i++) ll_sequence_free(&r->spare[i], &a);
    ll_free(&a, r->lines);
    ll_free(&a, r->spare);
    ll_free(&a, r->draft_ids);
    if (r->g.beams) ll_beam_search_free(&r->g, &r->beams);
    ll_generation_free(&r->g);
    llmcs_decoder_free(&r->decoder);
    ll_arena_free(&r->arena);
    if (r->owner == getpid()) pthread_cond_destroy(&r->finished);
    r->magic = FREED;
    ll_free(&a, r);
    llmcs_model_free(&m);
}

void ll_request_unref(llmcs_request *r) {
    llmcs_engine *e = r->engine;
    bool last = --r->references == 0, dead = last && --e->references == 0;
    pthread_mutex_unlock(&e->lock);
    if (last) request_destroy(r);
    if (dead) ll_engine_destroy(e);
}

/* Sequences long enough for prompt and answer. */
static llmcs_status take_lines(llmcs_request *r) {
    const llmcs_allocator *a = &r->allocator;
    size_t n_tokens = r->g.n_prompt + r->g.max_new;
    r->n_lines = ll_generation_n_seqs(&r->g);
    LL_TRY(ll_alloc_zero(a, r->n_lines, sizeof *r->lines, "sequences", &r->lines));
    for (size_t i = 0; i < r->n_lines; i++) LL_TRY(ll_sequence_create(&r->lines[i].held, a, n_tokens));
    memcpy(r->lines[0].held.tokens, r->g.prompt, r->g.n_prompt * sizeof *r->g.prompt);
    r->lines[0].n_known = r->g.n_prompt;
    LL_TRY(ll_alloc(a, ll_prompt_lookup_max(&r->g), sizeof *r->draft_ids, "guesses", &r->draft_ids));
    if (!r->g.beams) return LLMCS_OK;
    LL_TRY(ll_alloc_zero(a, r->n_lines, sizeof *r->spare, "sequences", &r->spare));
    for (size_t i = 0; i < r->n_lines; i++) LL_TRY(ll_sequence_create(&r->spare[i], a, n_tokens));
    return ll_beam_search_init(&r->g, &r->beams);
}

/* Would it fit if it were alone? Lines share what is full of the prompt, if there is a prefix cache to find it in. */
static llmcs_status check_fits(const llmcs_engine *e, const llmcs_request *r) {
    const ll_generation *g = &r->g;
    size_t n_lines = ll_generation_n_seqs(g), n_all = ll_kv_blocks_of(g->n_prompt + g->max_new - 1);
    size_t n_shared = e->options.flags & LLMCS_ENGINE_NO_PREFIX_CACHE ? 0 : g->n_prompt / LL_KV_BLOCK, n_blocks;
    if (n_lines > (size_t)e->options.max_batch)
        return ll_fail(LLMCS_LIMIT, "%zu sequences at once, max_batch is %d", n_lines, (int)e->options.max_batch);
    if (ll_mul(n_lines, n_all - ll_min(n_shared, n_all), &n_blocks) && n_blocks + n_shared <= e->kv.own.n_blocks)
        return LLMCS_OK;
    return ll_fail(LLMCS_LIMIT, "%zu sequences of %zu tokens need %zu blocks of %d tokens, kv_bytes hold %zu", n_lines,
                   g->n_prompt + g->max_new - 1, n_lines * n_all, LL_KV_BLOCK, e->kv.own.n_blocks);
}

/* -------------------------------------------------------------------------------------------------- submit */

/* What is submitted: text, or ids. */
typedef struct submission {
    const char *text;
    size_t text_bytes;
    const int32_t *ids;
    size_t n_ids;
    const llmcs_generate_params *params;
    llmcs_submit_options options;
} submission;

/* The prompt becomes the beginning of the first completion, which the generation keeps. */
static llmcs_status take_prompt(llmcs_request *r, const submission *s, int32_t **encoded) {
    ll_generation *g = &r->g;
    g->prompt = s->ids;
    g->n_prompt = s->n_ids;
    if (s->ids) return LLMCS_OK;
    LL_TRY(ll_model_check_tokenizer(g->model));
    LL_TRY(ll_generation_encode_prompt(g, s->text, s->text_bytes, encoded, &g->n_prompt));
    g->prompt = *encoded;
    return LLMCS_OK;
}

static llmcs_status fill(llmcs_engine *e, llmcs_request *r, const submission *s) {
    ll_generation *g = &r->g;
    int32_t *encoded = NULL;
    LL_TRY(ll_generation_init(g, e->model, s->params));
    g->on_text = s->options.on_text;
    g->on_token = s->options.on_token;
    g->user = s->options.user;
    LL_TRY(ll_generation_check_callback(g, g->on_text || g->on_token));
    if (g->on_text) LL_TRY(ll_model_check_tokenizer(g->model));
    LL_TRY(own_params(r));
    llmcs_status st = take_prompt(r, s, &encoded);
    if (!st) st = ll_generation_prepare(g, e->n_ctx);
    if (!st) st = check_fits(e, r);
    if (!st) st = ll_generation_alloc(g);
    if (!st) st = take_lines(r);
    ll_free(&r->allocator, encoded);
    if (!st) g->prompt = g->completions[0].ids;
    return st;
}

static llmcs_status check_queue(const llmcs_engine *e) {
    if (e->stopping) return ll_fail(LLMCS_STATE, "the engine is being freed");
    if (e->n_queue < (size_t)e->options.max_queue) return LLMCS_OK;
    return ll_fail(LLMCS_QUEUE_FULL, "%zu requests are waiting, max_queue is %d", e->n_queue,
                   (int)e->options.max_queue);
}

static llmcs_status hand_in(llmcs_engine *e, llmcs_request *r) {
    pthread_mutex_lock(&e->lock);
    llmcs_status st = check_queue(e);
    if (!st) {
        r->number = e->next_number++;
        r->references = 2;
        e->references++;
        e->n_unfinished++;
        e->stats.n_submitted++;
        ll_engine_enqueue(e, r);
        pthread_cond_signal(&e->work);
        if (!e->threaded) pthread_cond_broadcast(&e->news);
    } else if (st == LLMCS_QUEUE_FULL) {
        e->stats.n_refused++;
    }
    pthread_mutex_unlock(&e->lock);
    return st;
}

/* Before the work of making it: a full queue is told of soon. */
static llmcs_status look_at_queue(llmcs_engine *e) {
    pthread_mutex_lock(&e->lock);
    llmcs_status st = check_queue(e);
    if (st == LLMCS_QUEUE_FULL) e->stats.n_refused++;
    pthread_mutex_unlock(&e->lock);
    return st;
}

static llmcs_status submit(llmcs_engine *e, const submission *s, llmcs_request **out) {
    llmcs_request *r;
    LL_TRY(look_at_queue(e));
    LL_TRY(ll_alloc_zero(&e->allocator, 1, sizeof *r, "request", &r));
    r->magic = MAGIC;
    r->engine = e;
    r->owner = e->owner;
    r->allocator = e->allocator;
    r->priority = s->options.priority;
    r->user = s->options.user;
    r->submitted_ns = r->g.start_ns = ll_now_ns();
    r->g.model = e->model;
    r->g.allocator = &r->allocator;
    atomic_init(&r->cancel, false);
    ll_arena_init(&r->arena, &r->allocator);
    if (ll_condition_init(&r->finished)) {
        ll_free(&e->allocator, r);
        return ll_fail(LLMCS_THREAD, "request: a lock could not be made");
    }
    ll_model_retain(e->model);
    llmcs_status st = fill(e, r, s);
    r->deadline_ns = ll_generation_deadline_ns(&r->g);
    if (!st) st = hand_in(e, r);
    if (st)
        request_destroy(r);
    else
        *out = r;
    return st;
}

static llmcs_status begin(llmcs_engine *engine, submission *s, const llmcs_submit_options *options,
                          llmcs_request **request, const char *what) {
    if (!request) return ll_fail(LLMCS_ARG, "%s: request is NULL", what);
    *request = NULL;
    LL_TRY(ll_engine_check(engine));
    llmcs_submit_options_init(&s->options);
    if (!options) return LLMCS_OK;
    return ll_options_in(&s->options, sizeof s->options, OPTIONS_OLDEST, options, "llmcs_submit_options");
}

llmcs_status llmcs_engine_submit(llmcs_engine *engine, const char *prompt, size_t prompt_bytes,
                                 const llmcs_generate_params *params, const llmcs_submit_options *options,
                                 llmcs_request **request) {
    submission s = {.text = prompt, .text_bytes = prompt_bytes, .params = params};
    LL_TRY(begin(engine, &s, options, request, "llmcs_engine_submit"));
    if (!prompt && prompt_bytes) return ll_fail(LLMCS_ARG, "llmcs_engine_submit: prompt is NULL");
    return submit(engine, &s, request);
}

llmcs_status llmcs_engine_submit_ids(llmcs_engine *engine, const int32_t *ids, size_t n_ids,
                                     const llmcs_generate_params *params, const llmcs_submit_options *options,
                                     llmcs_request **request) {
    submission s = {.ids = ids, .n_ids = n_ids, .params = params};
    LL_TRY(begin(engine, &s, options, request, "llmcs_engine_submit_ids"));
    if (!ids || !n_ids) return ll_fail(LLMCS_ARG, "llmcs_engine_submit_ids: no ids; at least one is needed");
    return submit(engine, &s, request);
}

/* ---------------------------------------------------------------------------------------- cancel, wait, free */

static llmcs_status check(const llmcs_request *r) {
    if (!r) return ll_fail(LLMCS_ARG, "the request is NULL");
    if (r->magic != MAGIC) return ll_fail(LLMCS_STATE, "the request was freed, or is none");
    return ll_model_check(r->g.model);
}

void llmcs_request_cancel(llmcs_request *request) {
    if (request && request->magic == MAGIC) atomic_store(&request->cancel, true);
}

static bool wait_until(llmcs_request *r, double timeout_ms) {
    llmcs_engine *e = r->engine;
    uint64_t until = ll_engine_until(timeout_ms);
    bool in_time = timeout_ms != 0;
    while (r->phase != LL_REQUEST_FINISHED && in_time) {
        if (!ll_engine_help(e)) in_time = ll_condition_wait(e->threaded ? &r->finished : &e->news, &e->lock, until);
        in_time = in_time && ll_now_ns() < until;
    }
    return r->phase == LL_REQUEST_FINISHED;
}

llmcs_status llmcs_request_wait(llmcs_request *request, double timeout_ms, llmcs_result **result) {
    if (!result) return ll_fail(LLMCS_ARG, "llmcs_request_wait: result is NULL");
    *result = NULL;
    LL_TRY(check(request));
    int cancel_state = ll_thread_keep();
    pthread_mutex_lock(&request->engine->lock);
    bool finished = wait_until(request, timeout_ms);
    pthread_mutex_unlock(&request->engine->lock);
    ll_thread_release(cancel_state);
    /* Nobody changes what is finished. */
    if (!finished) return ll_fail(LLMCS_PENDING, "the request is not finished yet");
    if (request->status) return ll_fail(request->status, "%s", request->message);
    LL_TRY(ll_result_create(&request->g, result));
    (*result)->decode_ms = (double)(request->finished_ns - request->g.prompt_end_ns) * 1e-6;
    return LLMCS_OK;
}

void llmcs_request_free(llmcs_request **request) {
    if (!request || !*request) return;
    llmcs_request *r = *request;
    *request = NULL;
    if (r->magic != MAGIC) return;
    if (r->owner != getpid()) { /* the engine that works for it is the parent's */
        request_destroy(r);
        return;
    }
    atomic_store(&r->cancel, true);
    llmcs_engine *e = r->engine;
    int cancel_state = ll_thread_keep();
    pthread_mutex_lock(&e->lock);
    ll_request_drop_event(e, r);
    r->deaf = true;
    while (e->calling == r && !pthread_equal(e->caller, pthread_self())) pthread_cond_wait(&r->finished, &e->lock);
    ll_request_unref(r);
    ll_thread_release(cancel_state);
}

/* -------------------------------------------------------------------------------------------------- events */

static void set_readable(const llmcs_engine *e, bool readable) {
    eventfd_t n = 1;
    /* Neither blocks, and a counter of one is never full. */
    if (readable)
        (void)eventfd_write(e->event_fd, n);
    else
        (void)eventfd_read(e->event_fd, &n);
}

void ll_request_add_event(llmcs_engine *e, llmcs_request *r) {
    if (r->deaf) return;
    if (!r->has_event) {
        r->has_event = true;
        r->next_event = NULL;
        r->previous_event = e->events_end;
        *(e->events_end ? &e->events_end->next_event : &e->events) = r;
        if (!r->previous_event) set_readable(e, true);
        e->events_end = r;
    }
    if (e->n_news_waiters) pthread_cond_signal(&e->news);
}

void ll_request_drop_event(llmcs_engine *e, llmcs_request *r) {
    if (!r->has_event) return;
    r->has_event = false;
    *(r->previous_event ? &r->previous_event->next_event : &e->events) = r->next_event;
    *(r->next_event ? &r->next_event->previous_event : &e->events_end) = r->previous_event;
    if (!e->events) set_readable(e, false);
}

/* --------------------------------------------------------------------------------------------------- reading */

/* How far the stepper has come; ids before n_ids change no more. */
typedef struct reach {
    size_t n_ids, text_bytes;
    bool finished;
} reach;

static reach look(llmcs_request *r) {
    pthread_mutex_lock(&r->engine->lock);
    reach to = {r->n_ids, r->text_bytes, r->phase == LL_REQUEST_FINISHED};
    pthread_mutex_unlock(&r->engine->lock);
    return to;
}

/* The next piece of text into r->piece; false: there is none yet. */
static llmcs_status next_piece(llmcs_request *r, const reach *to, bool *any) {
    *any = true;
    while (!r->piece_bytes && r->n_ids_read < to->n_ids)
        LL_TRY(llmcs_decoder_push(r->decoder, r->g.completions[0].ids[r->g.n_prompt + r->n_ids_read++], &r->piece,
                                  &r->piece_bytes));
    if (!r->piece_bytes && to->finished && !r->drained) {
        r->drained = true;
        LL_TRY(llmcs_decoder_finish(r->decoder, &r->piece, &r->piece_bytes));
    }
    *any = r->piece_bytes > 0;
    return LLMCS_OK;
}

/* Bytes of characters that end within `capacity`, of valid UTF-8. */
static size_t whole_characters(const char *text, size_t n_bytes, size_t capacity) {
    if (n_bytes <= capacity) return n_bytes;
    while (capacity && ((unsigned char)text[capacity] & 0xC0) == 0x80) capacity--;
    return capacity;
}

static llmcs_status read_text(llmcs_request *r, const reach *to, char *text, size_t capacity, size_t *n_bytes) {
    for (bool any;;) {
        LL_TRY(next_piece(r, to, &any));
        size_t allowed = to->text_bytes - ll_min(to->text_bytes, r->n_bytes_read);
        if (!any || !allowed) return LLMCS_OK;
        size_t n = ll_min(whole_characters(r->piece, r->piece_bytes, capacity - *n_bytes), allowed);
        if (!n || !text) return LLMCS_OK;
        memcpy(text + *n_bytes, r->piece, n);
        *n_bytes += n;
        r->n_bytes_read += n;
        r->piece += n;
        r->piece_bytes -= n;
    }
}

llmcs_status llmcs_request_read(llmcs_request *request, char *text, size_t capacity, size_t *n_bytes, int *finished) {
    if (!n_bytes || (!text && capacity)) return ll_fail(LLMCS_ARG, "llmcs_request_read: text or n_bytes is NULL");
    *n_bytes = 0;
    if (finished) *finished = 0;
    LL_TRY(check(request));
    LL_TRY(ll_model_check_tokenizer(request->g.model));
    if (request->g.beams || request->g.completion_capacity > 1)
        return ll_fail(LLMCS_STATE, "llmcs_request_read: the request has several sequences; see llmcs_request_wait");
    if (!request->decoder)
        LL_TRY(llmcs_decoder_create(request->g.model->tokenizer, LLMCS_SKIP_SPECIAL, &request->decoder));
    reach to = look(request);
    LL_TRY(read_text(request, &to, text, capacity, n_bytes));
    bool all = request->n_bytes_read >= to.text_bytes || (!request->piece_bytes && request->drained);
    if (finished) *finished = to.finished && all;
    return LLMCS_OK;
}
