/* Plans a model's memory. Weights are computed from the file headers; everything small (config, tokenizer, tensor
 * index) is actually opened, through an allocator that counts. */
#include "runtime/model/plan_model.h"

#include <string.h>

#include "base/cpu.h"
#include "runtime/encoder/encoder.h"

/* ------------------------------------------------------------------------------------- counting allocator */

#define PREFIX ((size_t)64) /* bytes before each allocation that store its size; keeps the alignment */

static void *counter_alloc(void *user, size_t size_bytes, size_t alignment) {
    ll_byte_counter *c = user;
    (void)alignment; /* 64 is the largest alignment */
    if (size_bytes > SIZE_MAX - PREFIX) return NULL;
    unsigned char *p = c->inner.alloc(c->inner.user, size_bytes + PREFIX, PREFIX);
    if (!p) return NULL;
    memcpy(p, &size_bytes, sizeof size_bytes);
    c->live_bytes += size_bytes;
    if (c->live_bytes > c->peak_bytes) c->peak_bytes = c->live_bytes;
    return p + PREFIX;
}

static void counter_free(void *user, void *memory) {
    ll_byte_counter *c = user;
    unsigned char *p = (unsigned char *)memory - PREFIX;
    size_t size_bytes;
    memcpy(&size_bytes, p, sizeof size_bytes);
    c->live_bytes -= size_bytes;
    c->inner.free(c->inner.user, p);
}

/* ---------------------------------------------------------------------------------------------------- plan */

size_t ll_model_plan_n_threads(const llmcs_model_options *o) {
    return o->n_threads ? (size_t)o->n_threads : (size_t)ll_cpu_usable();
}

/* Opens the tokenizer. *extra_bytes: temporary memory that is held while weights are loaded. */
static llmcs_status plan_tokenizer(ll_model_plan *p, uint64_t *extra_bytes) {
    ll_byte_counter *c = &p->counter;
    const uint64_t peak_bytes = c->peak_bytes;
    c->peak_bytes = c->live_bytes;
    const ll_log silent = {0};
    ll_no_tokenizer why;
    LL_TRY(ll_model_open_tokenizer(&p->counting, &p->source, &p->config, &silent, &why, &p->tokenizer));
    *extra_bytes = c->peak_bytes - c->live_bytes;
    if (c->peak_bytes < peak_bytes) c->peak_bytes = peak_bytes;
    return LLMCS_OK;
}

static llmcs_status plan_parts(ll_model_plan *p, const char *path, const llmcs_model_options *o) {
    const llmcs_allocator *a = &p->counting;
    const ll_log silent = {0};
    const size_t n_threads = ll_model_plan_n_threads(o);
    uint64_t weights, staging, tokenizer_extra;
    LL_TRY(ll_model_open_source(a, path, o->load_mode, &p->source));
    const uint64_t source_bytes = p->counter.live_bytes; /* a GGUF file's header, until the model is open */
    LL_TRY(ll_config_read(&p->config, a, &p->source, &silent));
    LL_TRY(ll_model_pick_backend(a, o->backend, &p->kernels, &p->openblas));
    LL_TRY(plan_tokenizer(p, &tokenizer_extra));
    const uint64_t kept = p->counter.live_bytes - source_bytes;
    ll_source module = ll_model_module(&p->source, &p->config);
    LL_TRY(ll_tensors_open(a, &module, o->load_mode, &silent, &p->tensors));
    LL_TRY(ll_tensors_fit(p->tensors, &p->config, &silent));
    const ll_adapter_paths paths = ll_model_adapter_paths(o, &silent);
    uint64_t while_loading = p->counter.live_bytes; /* without the network, which `weights` counts */
    LL_TRY(ll_net_create(&p->config, a, p->kernels, p->openblas, &p->net));
    while_loading -= p->counter.live_bytes;
    LL_TRY(ll_adapters_open(a, &paths, &p->config, p->tensors, p->net, &p->adapters));
    while_loading += p->counter.live_bytes;
    LL_TRY(ll_net_plan(p->net, p->tensors, o->weights, n_threads, &weights, &staging));
    LL_TRY(ll_net_set_kv_type(p->net, o->kv_type));
    const ll_sentence_load load = {a, &p->config, &p->source, o, &silent};
    uint64_t modules, modules_staging;
    LL_TRY(ll_sentence_net_plan(&load, n_threads, &modules, &modules_staging));
    weights += modules;
    staging = ll_max(staging, modules_staging);
    const uint64_t buffers = p->openblas ? ll_openblas_reserve_bytes(p->openblas, n_threads) : 0;
    const uint64_t fixed = weights + buffers + sizeof(llmcs_model) + sizeof(ll_encoder) + ll_pool_bytes((int)n_threads);
    p->model_bytes = kept + fixed;
    p->peak_bytes = while_loading + tokenizer_extra + staging + fixed;
    if (p->peak_bytes < p->counter.peak_bytes) p->peak_bytes = p->counter.peak_bytes;
    return LLMCS_OK;
}

llmcs_status ll_model_plan_open(ll_model_plan *p, const char *path, const llmcs_model_options *o) {
    *p = (ll_model_plan){.counter.inner = ll_allocator_or_default(o->allocator)};
    p->counting = (llmcs_allocator){counter_alloc, counter_free, &p->counter};
    llmcs_status status = plan_parts(p, path, o);
    if (status) ll_model_plan_close(p);
    return status;
}

void ll_model_plan_close(ll_model_plan *p) {
    ll_net_free(&p->net);
    ll_openblas_close(&p->counting, &p->openblas);
    if (p->tensors) ll_tensors_close(&p->tensors);
    ll_adapters_close(&p->adapters);
    llmcs_tokenizer_free(&p->tokenizer);
    ll_config_free(&p->config);
    ll_source_close(&p->source);
}
