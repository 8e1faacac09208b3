/* The public calls on a request: submit, wait, read, cancel, free. */
#include <string.h>
#include <unistd.h>

#include "base/call.h"
#include "base/clock.h"
#include "base/options.h"
#include "base/thread.h"
#include "runtime/engine/engine.h"

#define MAGIC 0x52455155u /* "REQU" */
#define FREED 0xdeadu
#define OPTIONS_OLDEST LL_SIZE_UP_TO(llmcs_submit_options, user)

void llmcs_submit_options_init_sized(llmcs_submit_options *options, size_t struct_size) {
    const llmcs_submit_options defaults = {.struct_size = sizeof defaults};
    ll_options_init(options, struct_size, &defaults, sizeof defaults);
}

/* ----------------------------------------------------------------------------------- copies of the parameters */

static llmcs_status copy(ll_arena *arena, const void *from, size_t n, size_t size, const char *what, void *out) {
    static const int32_t nothing;
    const void *to = &nothing;
    if (n) {
        void *copied;
        LL_TRY(ll_arena_alloc(arena, n, size, what, &copied));
        to = memcpy(copied, from, n * size);
    }
    memcpy(out, &to, sizeof to);
    return LLMCS_OK;
}

static llmcs_status copy_ids(ll_arena *arena, llmcs_ids *list, const char *what) {
    return copy(arena, list->ids, list->n_ids, sizeof *list->ids, what, &list->ids);
}

/* Copies what the caller's parameters point to. */
static llmcs_status copy_params(llmcs_request *r) {
    ll_arena *a = &r->arena;
    ll_generation *gen = &r->sched.gen;
    llmcs_generate_params *p = &gen->params;
    if (p->eos_token_id) {
        LL_TRY(copy(a, p->eos_token_id, p->n_eos_token_id, sizeof *gen->eos, "eos_token_id", &p->eos_token_id));
        gen->eos = p->eos_token_id;
    }
    LL_TRY(copy(a, p->logit_bias, p->n_logit_bias, sizeof *p->logit_bias, "logit_bias", &p->logit_bias));
    LL_TRY(copy(a, p->prompt_lookup_ids, p->n_prompt_lookup_ids, sizeof *p->prompt_lookup_ids, "prompt_lookup_ids",
                &p->prompt_lookup_ids));
    LL_TRY(copy_ids(a, &p->suppress_tokens, "suppress_tokens"));
    LL_TRY(copy_ids(a, &p->begin_suppress_tokens, "begin_suppress_tokens"));
    LL_TRY(copy_ids(a, &p->forced_bos_token_id, "forced_bos_token_id"));
    LL_TRY(copy_ids(a, &p->forced_eos_token_id, "forced_eos_token_id"));
    LL_TRY(copy_ids(a, &p->negative_prompt_ids, "negative_prompt_ids"));
    LL_TRY(copy_ids(a, &p->decoder_input_ids, "decoder_input_ids"));
    if (p->grammar) ll_grammar_retain(r->grammar = p->grammar);
    llmcs_sequence_bias *biases;
    LL_TRY(copy(a, p->sequence_bias, p->n_sequence_bias, sizeof *biases, "sequence_bias", &biases));
    for (size_t i = 0; i < p->n_sequence_bias; i++) LL_TRY(copy_ids(a, &biases[i].ids, "sequence_bias"));
    p->sequence_bias = biases;
    llmcs_ids *bad_words;
    LL_TRY(copy(a, p->bad_words_ids, p->n_bad_words_ids, sizeof *bad_words, "bad_words_ids", &bad_words));
    for (size_t i = 0; i < p->n_bad_words_ids; i++)
        LL_TRY(copy(a, bad_words[i].ids, bad_words[i].n_ids, sizeof(int32_t), "bad_words_ids", &bad_words[i].ids));
    p->bad_words_ids = bad_words;
    const char **stops;
    LL_TRY(copy(a, p->stop_strings, p->n_stop_strings, sizeof *stops, "stop_strings", &stops));
    for (size_t i = 0; i < p->n_stop_strings; i++)
        LL_TRY(ll_arena_copy_text(a, p->stop_strings[i], strlen(p->stop_strings[i]), "stop_strings", &stops[i]));
    p->stop_strings = stops;
    return LLMCS_OK;
}

/* -------------------------------------------------------------------------------------------------- memory */

static void destroy(llmcs_request *r) {
    llmcs_allocator a = r->allocator;
    llmcs_model *m = r->model;
    for (size_t i = 0; r->sched.seqs && i < r->n_seqs; i++) ll_sequence_free(&r->sched.seqs[i].kv, &a);
    for (size_t i = 0; r->sched.spare && i < r->n_seqs; i++) ll_sequence_free(&r->sched.spare[i], &a);
    ll_sequence_free(&r->sched.source, &a);
    ll_free(&a, r->sched.seqs);
    ll_free(&a, r->sched.spare);
    ll_free(&a, r->sched.draft_ids);
    if (r->sched.gen.beams) ll_beam_search_free(&r->sched.gen, &r->sched.beams);
    ll_generation_free(&r->sched.gen);
    llmcs_decoder_free(&r->reader.decoder);
    ll_free(&a, r->reader.text);
    llmcs_grammar_free(&r->grammar);
    ll_arena_free(&r->arena);
    if (r->owner == getpid()) pthread_cond_destroy(&r->shared.finished);
    r->magic = FREED;
    ll_free(&a, r);
    llmcs_model_free(&m);
}

void ll_request_unref(llmcs_request *r) {
    llmcs_engine *e = r->engine;
    bool last = --r->shared.references == 0, engine_last = last && --e->shared.references == 0;
    pthread_mutex_unlock(&e->shared.mutex);
    if (last) destroy(r);
    if (engine_last) ll_engine_destroy(e);
}

/* Blocks that n sequences need, which share the full blocks of their prompt through the prefix cache. False: more than
 * can be counted. */
static bool count_blocks(const llmcs_engine *e, size_t n, size_t n_prompt, size_t max_new, size_t *n_blocks) {
    const size_t n_all = ll_kv_blocks_of(n_prompt + max_new - 1);
    const size_t n_full = ll_engine_caches_prefixes(e) ? n_prompt / LL_KV_BLOCK : 0;
    const size_t n_shared = ll_min(n_full, n_all);
    return ll_mul(n, n_all - n_shared, n_blocks) && ll_add(*n_blocks, n_shared, n_blocks);
}

/* LIMIT if the request would not fit even if it were the only one. */
static llmcs_status check_fits(const llmcs_engine *e, const llmcs_request *r) {
    const ll_generation *gen = &r->sched.gen;
    const size_t capacity = e->sched.kv.own.n_blocks; /* never changes */
    const size_t n_tokens = ll_generation_longest_prompt(gen) + gen->max_new - 1;
    const size_t n_source = ll_kv_blocks_of(gen->source.n_ids);
    size_t n_blocks, n_negative = 0;
    if (r->n_seqs > (size_t)e->options.max_batch)
        return ll_fail(LLMCS_LIMIT, "%zu sequences at once, max_batch is %d", r->n_seqs, (int)e->options.max_batch);
    bool counted = count_blocks(e, gen->guided ? r->n_seqs / 2 : r->n_seqs, gen->n_prompt, gen->max_new, &n_blocks);
    if (gen->guided)
        counted =
            counted && count_blocks(e, r->n_seqs / 2, ll_generation_negative(gen).n_ids, gen->max_new, &n_negative);
    if (counted && n_source <= capacity && n_blocks <= capacity - n_source &&
        n_negative <= capacity - n_source - n_blocks)
        return LLMCS_OK;
    if (n_source)
        return ll_fail(
            LLMCS_LIMIT,
            "%zu sequences of %zu tokens and a source of %zu need %zu blocks of %d tokens, kv_bytes hold %zu",
            r->n_seqs, n_tokens, gen->source.n_ids, n_source + r->n_seqs * ll_kv_blocks_of(n_tokens), LL_KV_BLOCK,
            capacity);
    return ll_fail(LLMCS_LIMIT, "%zu sequences of %zu tokens need %zu blocks of %d tokens, kv_bytes hold %zu",
                   r->n_seqs, n_tokens, r->n_seqs * ll_kv_blocks_of(n_tokens), LL_KV_BLOCK, capacity);
}

/* Copies the ids of the source, which a step will encode. */
static llmcs_status copy_source(llmcs_request *r) {
    llmcs_ids *source = &r->sched.gen.source;
    if (!source->n_ids) return LLMCS_OK;
    LL_TRY(ll_sequence_create(&r->sched.source, &r->allocator, source->n_ids));
    memcpy(r->sched.source.tokens, source->ids, source->n_ids * sizeof *source->ids);
    source->ids = r->sched.source.tokens;
    return LLMCS_OK;
}

/* Allocates everything the request needs except blocks, so that steps allocate nothing. */
static llmcs_status alloc_sequences(llmcs_request *r) {
    const llmcs_allocator *a = &r->allocator;
    ll_generation *gen = &r->sched.gen;
    const size_t n_tokens = ll_generation_longest_prompt(gen) + gen->max_new;
    LL_TRY(ll_generation_alloc(gen));
    LL_TRY(copy_source(r));
    LL_TRY(ll_alloc_zero(a, r->n_seqs, sizeof *r->sched.seqs, "sequences", &r->sched.seqs));
    for (size_t i = 0; i < r->n_seqs; i++) LL_TRY(ll_sequence_create(&r->sched.seqs[i].kv, a, n_tokens));
    memcpy(r->sched.seqs[0].kv.tokens, gen->prompt, gen->n_prompt * sizeof *gen->prompt);
    r->sched.seqs[0].n_known = gen->n_prompt;
    if (gen->guided) {
        const llmcs_ids negative = ll_generation_negative(gen);
        ll_seq_state *seq = &r->sched.seqs[gen->n_completions];
        memcpy(seq->kv.tokens, negative.ids, negative.n_ids * sizeof *negative.ids);
        seq->n_known = negative.n_ids;
    }
    LL_TRY(ll_alloc(a, ll_prompt_lookup_max(gen), sizeof *r->sched.draft_ids, "draft tokens", &r->sched.draft_ids));
    if (!gen->beams) return LLMCS_OK;
    LL_TRY(ll_alloc_zero(a, r->n_seqs, sizeof *r->sched.spare, "sequences", &r->sched.spare));
    for (size_t i = 0; i < r->n_seqs; i++) LL_TRY(ll_sequence_create(&r->sched.spare[i], a, n_tokens));
    return ll_beam_search_init(gen, &r->sched.beams);
}

/* -------------------------------------------------------------------------------------------------- submit */

/* The prompt of a submission, as text or ids, and its parameters. */
typedef struct submission {
    const char *text;
    size_t text_bytes;
    const int32_t *ids;
    size_t n_ids;
    const llmcs_generate_params *params;
    llmcs_submit_options options;
} submission;

/* Called in a step of many beams, by the thread that samples. */
static llmcs_status check_stop(void *user) {
    const llmcs_request *r = user;
    if (atomic_load_explicit(&r->engine->abort_forward, memory_order_relaxed)) return LLMCS_CANCELLED;
    return ll_request_stop_reason(r, ll_now_ns());
}

static llmcs_status prepare(llmcs_request *r, const submission *s, int32_t **encoded) {
    ll_generation *gen = &r->sched.gen;
    LL_TRY(ll_generation_init(gen, r->model, s->params));
    if (gen->params.cancel)
        return ll_fail(LLMCS_ARG,
                       "cancel is set: a request outlives this call; leave it NULL, use llmcs_request_cancel");
    LL_TRY(ll_generation_use_languages(gen, s->ids == NULL));
    gen->on_text = s->options.on_text;
    gen->on_token = s->options.on_token;
    gen->user = s->options.user;
    gen->check_stop = check_stop;
    gen->check_stop_user = r;
    r->deadline_ns = ll_generation_deadline_ns(gen);
    LL_TRY(ll_generation_check_callback(gen, ll_has_callbacks(gen)));
    if (gen->on_text || !s->ids) LL_TRY(ll_model_check_tokenizer(r->model));
    LL_TRY(copy_params(r));
    gen->prompt = s->ids;
    gen->n_prompt = s->n_ids;
    if (!s->ids) {
        LL_TRY(ll_generation_encode_prompt(gen, s->text, s->text_bytes, r->engine->n_ctx, encoded, &gen->n_prompt));
        gen->prompt = *encoded;
    }
    gen->params.source_lang = gen->params.target_lang = NULL; /* the caller's, and in the ids now */
    LL_TRY(ll_generation_prepare(gen, r->engine->n_ctx));
    r->n_seqs = ll_generation_n_seqs(gen);
    LL_TRY(check_fits(r->engine, r));
    LL_TRY(alloc_sequences(r));
    gen->prompt = gen->completions[0].ids; /* a copy */
    r->new_ids = gen->completions[0].ids + gen->n_prompt;
    r->new_logprobs = gen->params.logprobs ? gen->completions[0].logprobs : NULL;
    r->new_top = gen->completions[0].top;
    r->n_top = (size_t)gen->params.top_logprobs;
    r->single = !gen->beams && gen->n_completions == 1;
    r->streams = gen->streams;
    return LLMCS_OK;
}

static llmcs_status check_queue(llmcs_engine *e) {
    const size_t n = e->shared.n_queued;
    if (e->shared.stopping) return ll_fail(LLMCS_STATE, "the engine was stopped, or is being freed");
    if (n < (size_t)e->options.max_queue) return LLMCS_OK;
    e->shared.stats.n_refused++;
    return ll_fail(LLMCS_QUEUE_FULL, "%zu requests are waiting, max_queue is %d", n, (int)e->options.max_queue);
}

/* *out is set before the request can run: its callbacks may read it. */
static llmcs_status enqueue(llmcs_engine *e, llmcs_request *r, llmcs_request **out) {
    pthread_mutex_lock(&e->shared.mutex);
    llmcs_status st = check_queue(e);
    if (!st) {
        *out = r;
        r->shared.number = e->shared.next_number++;
        r->shared.references = 2;
        e->shared.references++;
        e->shared.n_unfinished++;
        e->shared.stats.n_submitted++;
        ll_engine_enqueue(e, r);
        pthread_cond_signal(&e->shared.work);
        if (!e->threaded) pthread_cond_broadcast(&e->shared.event);
    }
    pthread_mutex_unlock(&e->shared.mutex);
    return st;
}

static llmcs_status submit(llmcs_engine *e, const submission *s, llmcs_request **out) {
    llmcs_request *r;
    pthread_mutex_lock(&e->shared.mutex);
    llmcs_status st = check_queue(e); /* a full queue refuses at once */
    pthread_mutex_unlock(&e->shared.mutex);
    if (st) return st;
    LL_TRY(ll_alloc_zero(&e->allocator, 1, sizeof *r, "request", &r));
    r->magic = MAGIC;
    r->owner = e->owner;
    r->engine = e;
    r->model = r->sched.gen.model = e->model;
    r->allocator = e->allocator;
    r->sched.gen.allocator = &r->allocator;
    r->priority = s->options.priority;
    r->user = s->options.user;
    r->submitted_ns = r->sched.gen.start_ns = ll_now_ns();
    atomic_init(&r->cancel, false);
    ll_arena_init(&r->arena, &r->allocator);
    if (ll_condition_init(&r->shared.finished)) {
        ll_free(&e->allocator, r);
        return ll_fail(LLMCS_THREAD, "request: a lock could not be created");
    }
    ll_model_retain(e->model);
    int32_t *encoded = NULL;
    st = prepare(r, s, &encoded);
    ll_free(&r->allocator, encoded);
    if (!st) st = enqueue(e, r, out);
    if (st) destroy(r);
    return st;
}

static llmcs_status enter_and_submit(llmcs_engine *engine, submission *s, const llmcs_submit_options *options,
                                     llmcs_request **request) {
    llmcs_submit_options_init(&s->options);
    if (options) LL_TRY(ll_options_in(&s->options, sizeof s->options, OPTIONS_OLDEST, options, "llmcs_submit_options"));
    LL_TRY(ll_engine_enter(engine, false));
    llmcs_status st = submit(engine, s, request);
    ll_engine_leave(engine);
    return st;
}

llmcs_status llmcs_engine_submit(llmcs_engine *engine, const char *prompt, size_t prompt_bytes,
                                 const llmcs_generate_params *params, const llmcs_submit_options *options,
                                 llmcs_request **request) {
    LL_PUBLIC_CALL;
    submission s = {.text = prompt, .text_bytes = prompt_bytes, .params = params};
    if (!request) return ll_fail(LLMCS_ARG, "llmcs_engine_submit: request is NULL");
    *request = NULL;
    if (!prompt && prompt_bytes) return ll_fail(LLMCS_ARG, "llmcs_engine_submit: prompt is NULL");
    return enter_and_submit(engine, &s, options, request);
}

llmcs_status llmcs_engine_submit_ids(llmcs_engine *engine, const int32_t *ids, size_t n_ids,
                                     const llmcs_generate_params *params, const llmcs_submit_options *options,
                                     llmcs_request **request) {
    LL_PUBLIC_CALL;
    submission s = {.ids = ids, .n_ids = n_ids, .params = params};
    if (!request) return ll_fail(LLMCS_ARG, "llmcs_engine_submit_ids: request is NULL");
    *request = NULL;
    if (!ids || !n_ids) return ll_fail(LLMCS_ARG, "llmcs_engine_submit_ids: no ids; at least one is needed");
    return enter_and_submit(engine, &s, options, request);
}

/* ---------------------------------------------------------------------------------------- cancel, wait, free */

static llmcs_status check(const llmcs_request *r) {
    if (!r) return ll_fail(LLMCS_ARG, "the request is NULL");
    if (r->magic != MAGIC) return ll_fail(LLMCS_STATE, "the request was freed");
    return ll_model_check(r->model);
}

/* The scheduler thread reads the flags in the opposite order. */
static void set_cancelled(llmcs_request *r) {
    atomic_store(&r->cancel, true);
    atomic_store(&r->engine->any_cancelled, true);
}

void llmcs_request_cancel(llmcs_request *request) {
    if (request && request->magic == MAGIC && request->owner == getpid()) set_cancelled(request);
}

/* Under the mutex. True: the request is finished. */
static bool wait_until(llmcs_request *r, double timeout_ms) {
    llmcs_engine *e = r->engine;
    uint64_t until = ll_engine_until(timeout_ms);
    pthread_cond_t *changed = e->threaded ? &r->shared.finished : &e->shared.event;
    bool in_time = timeout_ms != 0;
    while (r->shared.phase != LL_REQUEST_FINISHED && in_time) {
        if (!ll_engine_try_step(e)) in_time = ll_condition_wait(changed, &e->shared.mutex, until);
        in_time = in_time && ll_now_ns() < until;
    }
    return r->shared.phase == LL_REQUEST_FINISHED;
}

static llmcs_status wait_for_result(llmcs_request *r, double timeout_ms, llmcs_result **result) {
    pthread_mutex_lock(&r->engine->shared.mutex);
    bool finished = wait_until(r, timeout_ms);
    pthread_mutex_unlock(&r->engine->shared.mutex);
    if (!finished) return ll_fail(LLMCS_PENDING, "the request is not finished yet");
    /* sched does not change any more. */
    if (r->sched.status) return ll_fail(r->sched.status, "%s", r->sched.message);
    LL_TRY(ll_result_create(&r->sched.gen, result));
    (*result)->decode_ms = (double)(r->sched.finished_ns - r->sched.gen.prompt_end_ns) * 1e-6;
    return LLMCS_OK;
}

llmcs_status llmcs_request_wait(llmcs_request *request, double timeout_ms, llmcs_result **result) {
    LL_PUBLIC_CALL;
    if (!result) return ll_fail(LLMCS_ARG, "llmcs_request_wait: result is NULL");
    *result = NULL;
    LL_TRY(check(request));
    llmcs_status st = wait_for_result(request, timeout_ms, result);
    return st;
}

void llmcs_request_free(llmcs_request **request) {
    LL_PUBLIC_CALL;
    if (!request || !*request) return;
    llmcs_request *r = *request;
    *request = NULL;
    if (r->magic != MAGIC) return;
    if (r->owner != getpid()) { /* the engine belongs to the parent of fork */
        destroy(r);
        return;
    }
    set_cancelled(r);
    llmcs_engine *e = r->engine;
    pthread_mutex_lock(&e->shared.mutex);
    ll_request_drop_event(e, r);
    r->shared.detached = true;
    while (e->shared.calling == r && !pthread_equal(e->shared.caller, pthread_self()))
        pthread_cond_wait(&r->shared.finished, &e->shared.mutex);
    ll_request_unref(r);
}

/* --------------------------------------------------------------------------------------------------- reading */

/* The next piece of the decoder, as far as tokens may be read; none: reader.piece_bytes is 0. */
static llmcs_status decode_next(llmcs_request *r, size_t n_ids, bool finished) {
    while (!r->reader.piece_bytes && r->reader.n_ids < n_ids)
        LL_TRY(llmcs_decoder_push(r->reader.decoder, r->new_ids[r->reader.n_ids++], &r->reader.piece,
                                  &r->reader.piece_bytes));
    if (r->reader.piece_bytes || !finished || r->reader.drained) return LLMCS_OK;
    r->reader.drained = true;
    return llmcs_decoder_finish(r->reader.decoder, &r->reader.piece, &r->reader.piece_bytes);
}

/* Decodes all tokens that may be read. The decoder's pieces are valid until the next one only, so they are copied. */
static llmcs_status decode_all(llmcs_request *r, size_t n_ids, bool finished) {
    if (r->reader.begin == r->reader.end) r->reader.begin = r->reader.end = 0;
    while (true) {
        const size_t n = r->reader.end;
        LL_TRY(decode_next(r, n_ids, finished));
        if (!r->reader.piece_bytes) return LLMCS_OK;
        LL_TRY(ll_grow(&r->allocator, &r->reader.text, n, &r->reader.capacity, n + r->reader.piece_bytes, 1,
                       "text to read"));
        memcpy(r->reader.text + n, r->reader.piece, r->reader.piece_bytes);
        r->reader.end += r->reader.piece_bytes;
        r->reader.piece_bytes = 0;
    }
}

/* Tokens that may be read. They are written before they are counted. */
static size_t n_readable(llmcs_request *r) {
    pthread_mutex_lock(&r->engine->shared.mutex);
    const size_t n = r->shared.n_ids;
    pthread_mutex_unlock(&r->engine->shared.mutex);
    return n;
}

llmcs_status llmcs_request_tokens(llmcs_request *request, size_t first, size_t capacity, int32_t *ids, float *logprobs,
                                  llmcs_top_token *top_logprobs, size_t *n_tokens) {
    LL_PUBLIC_CALL;
    if (!n_tokens) return ll_fail(LLMCS_ARG, "llmcs_request_tokens: n_tokens is NULL");
    *n_tokens = 0;
    LL_TRY(check(request));
    if (!request->single)
        return ll_fail(LLMCS_STATE, "llmcs_request_tokens: the request has several sequences; see llmcs_request_wait");
    if ((logprobs && !request->new_logprobs) || (top_logprobs && !request->new_top))
        return ll_fail(LLMCS_ARG, "llmcs_request_tokens: the request was submitted without params.%s",
                       logprobs && !request->new_logprobs ? "logprobs" : "top_logprobs");
    const size_t n_top = request->n_top, n_ids = n_readable(request);
    const size_t n = ll_min(n_ids - ll_min(first, n_ids), capacity);
    if (!n) return LLMCS_OK;
    if (ids) memcpy(ids, request->new_ids + first, n * sizeof *ids);
    if (logprobs) memcpy(logprobs, request->new_logprobs + first, n * sizeof *logprobs);
    if (top_logprobs) memcpy(top_logprobs, request->new_top + first * n_top, n * n_top * sizeof *top_logprobs);
    *n_tokens = n;
    return LLMCS_OK;
}

static bool is_continuation(char byte) { return ((unsigned char)byte & 0xC0) == 0x80; }

/* Bytes of the characters of valid UTF-8 that end within `capacity`. */
static size_t whole_characters(const char *text, size_t n_bytes, size_t capacity) {
    if (n_bytes <= capacity) return n_bytes;
    while (capacity && is_continuation(text[capacity])) capacity--;
    return capacity;
}

/* BUFFER: not even the next character fits. *n_bytes: its size. */
static llmcs_status say_needed(const char *text, size_t ready, size_t capacity, size_t *n_bytes) {
    for (*n_bytes = 1; *n_bytes < ready && is_continuation(text[*n_bytes]);) ++*n_bytes;
    return ll_fail(LLMCS_BUFFER, "llmcs_request_read: the next character has %zu bytes, capacity is %zu", *n_bytes,
                   capacity);
}

static llmcs_status read_text(llmcs_request *r, char *text, size_t capacity, size_t *n_bytes, int *finished) {
    LL_TRY(ll_model_check_tokenizer(r->model));
    if (!r->single)
        return ll_fail(LLMCS_STATE, "llmcs_request_read: the request has several sequences; see llmcs_request_wait");
    if (!r->reader.decoder) LL_TRY(llmcs_decoder_create(r->model->tokenizer, LLMCS_SKIP_SPECIAL, &r->reader.decoder));
    pthread_mutex_lock(&r->engine->shared.mutex);
    const size_t n_ids = r->shared.n_ids, text_bytes = r->shared.text_bytes;
    const bool all_sampled = r->shared.phase == LL_REQUEST_FINISHED;
    pthread_mutex_unlock(&r->engine->shared.mutex);
    LL_TRY(decode_all(r, n_ids, all_sampled));
    const size_t ready = ll_min(r->reader.end - r->reader.begin, text_bytes - ll_min(text_bytes, r->reader.n_bytes));
    if (!text) {
        *n_bytes = ready;
    } else if (ready) {
        const char *next = r->reader.text + r->reader.begin;
        *n_bytes = whole_characters(next, ready, capacity);
        if (!*n_bytes) return say_needed(next, ready, capacity, n_bytes);
        memcpy(text, next, *n_bytes);
        r->reader.begin += *n_bytes;
        r->reader.n_bytes += *n_bytes;
    }
    const bool none_left = r->reader.begin == r->reader.end && r->reader.drained;
    const bool all_read = r->reader.n_bytes >= text_bytes || none_left;
    *finished = all_sampled && all_read;
    return LLMCS_OK;
}

llmcs_status llmcs_request_read(llmcs_request *request, char *text, size_t capacity, size_t *n_bytes, int *finished) {
    LL_PUBLIC_CALL;
    int ignored;
    if (!finished) finished = &ignored;
    if (!n_bytes || (!text && capacity)) return ll_fail(LLMCS_ARG, "llmcs_request_read: text or n_bytes is NULL");
    *n_bytes = 0;
    *finished = 0;
    LL_TRY(check(request));
    llmcs_status st = read_text(request, text, capacity, n_bytes, finished);
    return st;
}
