/* How much a folder will take. Weights and sessions are computed from the headers; the small rest (config, tokenizer,
 * tensor index) is opened for once through an allocator that counts. */
#include <string.h>

#include "base/call.h"
#include "base/cpu.h"
#include "runtime/engine/engine.h"
#include "runtime/model/model.h"
#include "runtime/options.h"
#include "runtime/session/session_internal.h"

#define PLAN_OLDEST sizeof(llmcs_plan_info)

/* ------------------------------------------------------------------------------------- counting allocator */

typedef struct counter {
    llmcs_allocator inner;
    uint64_t live_bytes, peak_bytes;
} counter;

#define PREFIX ((size_t)64) /* before each piece: its size, and alignment kept */

static void *counter_alloc(void *user, size_t size_bytes, size_t alignment) {
    counter *c = user;
    (void)alignment; /* 64 is the most there is */
    if (size_bytes > SIZE_MAX - PREFIX) return NULL;
    unsigned char *p = c->inner.alloc(c->inner.user, size_bytes + PREFIX, PREFIX);
    if (!p) return NULL;
    memcpy(p, &size_bytes, sizeof size_bytes);
    c->live_bytes += size_bytes;
    if (c->live_bytes > c->peak_bytes) c->peak_bytes = c->live_bytes;
    return p + PREFIX;
}

static void counter_free(void *user, void *memory) {
    counter *c = user;
    unsigned char *p = (unsigned char *)memory - PREFIX;
    size_t size_bytes;
    memcpy(&size_bytes, p, sizeof size_bytes);
    c->live_bytes -= size_bytes;
    c->inner.free(c->inner.user, p);
}

/* ---------------------------------------------------------------------------------------------------- plan */

/* What is open while a plan is made. */
typedef struct draft {
    counter counter;
    llmcs_allocator counting;
    ll_source source;
    ll_config config;
    const ll_kernels *kernels;
    ll_openblas *openblas;
    llmcs_tokenizer *tokenizer;
    ll_tensors *tensors;
    ll_net *net;
} draft;

static void close_draft(draft *d) {
    ll_net_free(&d->net);
    ll_openblas_close(&d->counting, &d->openblas);
    if (d->tensors) ll_tensors_close(&d->tensors);
    llmcs_tokenizer_free(&d->tokenizer);
    ll_config_free(&d->config);
    ll_source_close(&d->source);
}

static size_t n_threads_of(const llmcs_model_options *o) {
    return o->n_threads ? (size_t)o->n_threads : (size_t)ll_cpu_usable();
}

/* Opens the tokenizer; *passing_bytes: what that takes beside it for a while, which is the while of loading weights. */
static llmcs_status plan_tokenizer(draft *d, uint64_t *passing_bytes) {
    counter *c = &d->counter;
    const uint64_t peak_bytes = c->peak_bytes;
    c->peak_bytes = c->live_bytes;
    LL_TRY(ll_model_open_tokenizer(&d->counting, &d->source, &d->config, &d->tokenizer));
    *passing_bytes = c->peak_bytes - c->live_bytes;
    if (c->peak_bytes < peak_bytes) c->peak_bytes = peak_bytes;
    return LLMCS_OK;
}

/* The steps of llmcs_model_open, as far as they need no weights. */
static llmcs_status plan_model(draft *d, const char *path, const llmcs_model_options *o, llmcs_plan_info *plan) {
    const llmcs_allocator *a = &d->counting;
    ll_log silent = {0};
    uint64_t weights, staging;
    LL_TRY(ll_model_open_source(a, path, o->load_mode, &d->source));
    uint64_t source_bytes = d->counter.live_bytes; /* a GGUF file's header, until the model is open */
    LL_TRY(ll_config_read(&d->config, a, &d->source, &silent));
    LL_TRY(ll_model_pick_backend(a, o->backend, &silent, &d->kernels, &d->openblas));
    uint64_t reading_tokenizer;
    LL_TRY(plan_tokenizer(d, &reading_tokenizer));
    uint64_t kept = d->counter.live_bytes - source_bytes;
    ll_source module = ll_model_module(&d->source, &d->config);
    LL_TRY(ll_tensors_open(a, &module, o->load_mode, &silent, &d->tensors));
    uint64_t while_loading = d->counter.live_bytes;
    LL_TRY(ll_net_create(&d->config, a, d->kernels, d->openblas, &d->net));
    LL_TRY(ll_net_plan(d->net, d->tensors, o->weights, n_threads_of(o), &weights, &staging));
    ll_net_set_kv_type(d->net, o->kv_type);
    plan->model_bytes = kept + weights + sizeof(llmcs_model);
    plan->peak_bytes = while_loading + reading_tokenizer + weights + staging + sizeof(llmcs_model);
    if (plan->peak_bytes < d->counter.peak_bytes) plan->peak_bytes = d->counter.peak_bytes;
    return LLMCS_OK;
}

static llmcs_status plan_session(const draft *d, const llmcs_model_options *o, const llmcs_session_options *session,
                                 llmcs_plan_info *plan) {
    size_t n_ctx;
    if (!d->net->causal) return LLMCS_OK;
    LL_TRY(ll_session_options_read(session, ll_model_config_n_ctx(&d->config), &n_ctx));
    return ll_session_bytes(d->net, n_ctx, n_threads_of(o), &plan->session_bytes);
}

llmcs_status llmcs_plan(const char *path, const llmcs_model_options *model_options,
                        const llmcs_session_options *session_options, llmcs_plan_info *plan) {
    LL_PUBLIC_CALL;
    if (!plan) return ll_fail(LLMCS_ARG, "llmcs_plan: plan is NULL");
    llmcs_model_options o;
    LL_TRY(ll_model_options_read(model_options, &o));
    draft d = {.counter.inner = ll_allocator_or_default(o.allocator)};
    d.counting = (llmcs_allocator){counter_alloc, counter_free, &d.counter};
    llmcs_plan_info ours = {.struct_size = sizeof ours};
    llmcs_status st = plan_model(&d, path, &o, &ours);
    if (!st) st = plan_session(&d, &o, session_options, &ours);
    close_draft(&d);
    return st ? st : ll_options_out(plan, PLAN_OLDEST, &ours, sizeof ours, "llmcs_plan_info");
}

/* ------------------------------------------------------------------------------------------------- engine */

static llmcs_status plan_engine(draft *d, const char *path, const llmcs_model_options *o,
                                const llmcs_engine_options *engine, size_t n_tokens, llmcs_engine_plan_info *plan) {
    llmcs_engine_options e;
    llmcs_plan_info model = {.struct_size = sizeof model};
    LL_TRY(plan_model(d, path, o, &model));
    if (!d->net->causal) return ll_fail(LLMCS_STATE, "%s is no decoder: an engine needs one", path);
    LL_TRY(ll_engine_options_read(engine, ll_model_config_n_ctx(&d->config), d->net, &e));
    LL_TRY(ll_engine_bytes(d->net, &e, n_threads_of(o), &plan->engine_bytes, &plan->n_blocks));
    plan->kv_block_tokens = LL_KV_BLOCK;
    plan->kv_block_bytes = ll_kv_block_bytes(&d->net->kv);
    plan->n_conversations = n_tokens ? plan->n_blocks / ll_kv_blocks_of(n_tokens) : 0;
    return LLMCS_OK;
}

llmcs_status llmcs_engine_plan(const char *path, const llmcs_model_options *model_options,
                               const llmcs_engine_options *engine_options, size_t n_tokens,
                               llmcs_engine_plan_info *plan) {
    LL_PUBLIC_CALL;
    if (!plan) return ll_fail(LLMCS_ARG, "llmcs_engine_plan: plan is NULL");
    llmcs_model_options o;
    LL_TRY(ll_model_options_read(model_options, &o));
    draft d = {.counter.inner = ll_allocator_or_default(o.allocator)};
    d.counting = (llmcs_allocator){counter_alloc, counter_free, &d.counter};
    llmcs_engine_plan_info ours = {.struct_size = sizeof ours};
    llmcs_status st = plan_engine(&d, path, &o, engine_options, n_tokens, &ours);
    close_draft(&d);
    return st ? st : ll_options_out(plan, sizeof(llmcs_engine_plan_info), &ours, sizeof ours, "llmcs_engine_plan_info");
}
