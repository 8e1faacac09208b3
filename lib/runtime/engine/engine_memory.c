/* Reads an engine's options and allocates all its memory, so that steps allocate nothing. */
#include <unistd.h>

#include "base/options.h"
#include "runtime/engine/engine.h"

#define OPTIONS_OLDEST LL_SIZE_UP_TO(llmcs_engine_options, flags)
/* Tokens of the default kv_bytes: DEFAULT_SEQUENCES of n_ctx, but at most DEFAULT_TOKENS unless one sequence needs
 * more.
 */
#define DEFAULT_SEQUENCES 8
#define DEFAULT_TOKENS ((size_t)8192)

/* ------------------------------------------------------------------------------------------------- options */

void llmcs_engine_options_init_sized(llmcs_engine_options *options, size_t struct_size) {
    const llmcs_engine_options defaults = {
        .struct_size = sizeof defaults, .max_batch = 64, .max_queue = 1024, .max_chunk = 256};
    ll_options_init(options, struct_size, &defaults, sizeof defaults);
}

static llmcs_status check_range(const char *name, int32_t value, int32_t least, int32_t most) {
    if (value >= least && value <= most) return LLMCS_OK;
    return ll_fail(LLMCS_ARG, "%s: %d is not valid (%d to %d)", name, (int)value, (int)least, (int)most);
}

llmcs_status ll_engine_options_read(const llmcs_engine_options *options, size_t model_n_ctx, const ll_net *net,
                                    llmcs_engine_options *out) {
    llmcs_engine_options_init(out);
    if (options) LL_TRY(ll_options_in(out, sizeof *out, OPTIONS_OLDEST, options, "llmcs_engine_options"));
    LL_TRY(check_range("n_ctx", out->n_ctx, 0, (int32_t)model_n_ctx));
    LL_TRY(check_range("max_batch", out->max_batch, 1, 4096));
    LL_TRY(check_range("max_queue", out->max_queue, 1, INT32_MAX));
    LL_TRY(check_range("max_chunk", out->max_chunk, 16, 4096));
    if (!(out->step_ms >= 0)) return ll_fail(LLMCS_ARG, "step_ms: %g is not valid (0 or more)", out->step_ms);
    if (out->flags & ~(LLMCS_ENGINE_NO_THREAD | LLMCS_ENGINE_NO_PREFIX_CACHE))
        return ll_fail(LLMCS_ARG, "flags: 0x%x has unknown bits", (unsigned)out->flags);
    if (!out->n_ctx) out->n_ctx = (int32_t)ll_min(model_n_ctx, LLMCS_DEFAULT_N_CTX);
    const uint64_t block_bytes = ll_kv_block_bytes(&net->kv);
    const size_t of_one = ll_kv_blocks_of((size_t)out->n_ctx) * (net->has_source ? 2 : 1);
    if (!out->kv_bytes)
        out->kv_bytes =
            ll_max(of_one, ll_min(DEFAULT_SEQUENCES * of_one, ll_kv_blocks_of(DEFAULT_TOKENS))) * block_bytes;
    if (out->kv_bytes < block_bytes)
        return ll_fail(LLMCS_ARG, "kv_bytes: found %llu, expected at least one block (%d tokens, %llu bytes)",
                       (unsigned long long)out->kv_bytes, LL_KV_BLOCK, (unsigned long long)block_bytes);
    return LLMCS_OK;
}

/* --------------------------------------------------------------------------------------------------- sizes */

static size_t whole_rows(const ll_net *net, const llmcs_engine_options *o) {
    return net->has_source ? (size_t)o->max_chunk : 0;
}

/* Most rows of sources to encode in parts together: one source always fits. */
static size_t source_rows(const ll_net *net, const llmcs_engine_options *o) {
    return net->has_source ? ll_max((size_t)o->n_ctx, (size_t)o->max_chunk) : 0;
}

typedef struct sizes {
    size_t n_rows;                   /* most rows of a step */
    size_t n_source_rows, n_sources; /* those that are encoded in parts */
    size_t n_whole_rows;             /* of sources that are encoded whole, and as many sources */
    size_t n_residual;               /* floats that parts leave to the next step */
    size_t n_floats;                 /* of the network's workspace */
    size_t n_logits, n_block_max;
    size_t n_blocks; /* of keys and values */
} sizes;

/* LIMIT: more than can be addressed. */
static llmcs_status sizes_of(const ll_net *net, const llmcs_engine_options *o, size_t n_threads, sizes *s) {
    const size_t max_batch = (size_t)o->max_batch, vocab = (size_t)net->config->vocab_size;
    s->n_rows = (size_t)o->max_chunk + max_batch;
    s->n_source_rows = source_rows(net, o);
    s->n_sources = net->has_source ? max_batch : 0;
    s->n_whole_rows = whole_rows(net, o);
    s->n_residual = s->n_source_rows * (size_t)net->config->n_embd;
    ll_forward_size largest = {.n_rows = s->n_rows,
                               .n_segments = max_batch,
                               .n_logit_rows = max_batch,
                               .max_positions = (size_t)o->n_ctx,
                               .n_source_rows = s->n_source_rows,
                               .n_sources = s->n_sources,
                               .n_threads = n_threads};
    s->n_floats = net->ops->workspace_floats(net, &largest);
    uint64_t n = o->kv_bytes / ll_kv_block_bytes(&net->kv);
    if (n > UINT32_MAX - 1 || !ll_mul(max_batch, vocab, &s->n_logits))
        return ll_fail(LLMCS_LIMIT, "keys and values of %llu blocks are more than can be addressed",
                       (unsigned long long)n);
    s->n_block_max = max_batch * ll_row_blocks(vocab); /* no more than logits */
    s->n_blocks = (size_t)n;
    return LLMCS_OK;
}

llmcs_status ll_engine_bytes(const ll_net *net, const llmcs_engine_options *o, size_t n_threads, uint64_t *bytes,
                             uint64_t *n_blocks) {
    sizes s;
    LL_TRY(sizes_of(net, o, n_threads, &s));
    uint64_t per_block = ll_kv_block_bytes(&net->kv) + sizeof(ll_prefix_node) + 3 * sizeof(uint32_t), kv;
    uint64_t per_seq = sizeof(ll_segment) + sizeof(ll_seq_state *) + sizeof(uint32_t) + sizeof(ll_scheduled);
    uint64_t per_source = sizeof(ll_segment) + sizeof(ll_sequence *);
    uint64_t per_thread = sizeof(ll_sampler_workspace) + ll_sampler_workspace_bytes((size_t)net->config->vocab_size);
    if (!ll_mul_u64(s.n_blocks, per_block, &kv) || kv > UINT64_MAX / 4)
        return ll_fail(LLMCS_LIMIT, "keys and values of %zu blocks are more than can be addressed", s.n_blocks);
    *n_blocks = s.n_blocks;
    *bytes = kv + ((uint64_t)s.n_floats + s.n_logits + s.n_block_max + s.n_residual) * sizeof(float) +
             (s.n_rows + s.n_source_rows + s.n_whole_rows) * sizeof(int32_t) + (uint64_t)o->max_batch * per_seq +
             2 * s.n_sources * per_source + n_threads * per_thread + sizeof(llmcs_engine) + sizeof(ll_prefix_node);
    return LLMCS_OK;
}

uint64_t ll_request_bytes(const ll_net *net, size_t n_tokens, size_t n_eos) {
    const uint64_t seq = n_tokens * sizeof(int32_t) + ll_kv_blocks_of(n_tokens) * sizeof(void *);
    const uint64_t source = net->has_source ? seq : 0;
    const uint64_t draft_ids = 64 * sizeof(int32_t); /* prompt_lookup_num_tokens */
    return sizeof(llmcs_request) + draft_ids + sizeof(ll_seq_state) + sizeof(ll_sequence) + 2 * seq + source +
           ll_generation_bytes(n_tokens, n_eos);
}

/* -------------------------------------------------------------------------------------------------- memory */

static llmcs_status alloc_encoding(const llmcs_allocator *a, size_t n_rows, size_t n_sources, ll_source_batch *s) {
    LL_TRY(ll_alloc(a, n_rows, sizeof *s->ids, "ids of sources", &s->ids));
    LL_TRY(ll_alloc(a, n_sources, sizeof *s->segments, "sources", &s->segments));
    return ll_alloc(a, n_sources, sizeof(ll_sequence *), "sources", &s->sources);
}

llmcs_status ll_engine_alloc(llmcs_engine *e) {
    const llmcs_allocator *a = &e->allocator;
    const ll_net *net = e->model->net;
    const size_t max_batch = (size_t)e->options.max_batch, n_threads = (size_t)ll_pool_size(e->model->pool);
    ll_step *step = &e->sched.step;
    sizes s;
    LL_TRY(sizes_of(net, &e->options, n_threads, &s));
    e->shared.stats.n_blocks = s.n_blocks;
    e->sched.kv.block_bytes = ll_kv_block_bytes(&net->kv);
    LL_TRY(ll_kv_chunk_create(&e->sched.kv.own, a, s.n_blocks, e->sched.kv.block_bytes));
    LL_TRY(ll_prefix_create(&e->sched.prefix, a, &e->sched.kv));
    LL_TRY(ll_alloc(a, s.n_floats, sizeof(float), "workspace", &e->sched.workspace));
    LL_TRY(ll_alloc(a, s.n_logits, sizeof(float), "logits", &step->logits));
    LL_TRY(ll_alloc(a, s.n_block_max, sizeof(float), "largest logits", &step->block_max));
    LL_TRY(ll_alloc_zero(a, n_threads, sizeof *e->sched.samplers, "sampler workspaces", &e->sched.samplers));
    for (; e->sched.n_samplers < n_threads; e->sched.n_samplers++)
        LL_TRY(ll_sampler_workspace_init(&e->sched.samplers[e->sched.n_samplers], a, (size_t)net->config->vocab_size,
                                         true));
    LL_TRY(ll_alloc(a, s.n_rows, sizeof *step->ids, "token ids", &step->ids));
    LL_TRY(ll_alloc(a, max_batch, sizeof *step->segments, "segments", &step->segments));
    LL_TRY(ll_alloc(a, max_batch, sizeof(void *), "sequences of segments", &step->seqs));
    LL_TRY(ll_alloc(a, max_batch, sizeof *step->logit_rows, "rows with logits", &step->logit_rows));
    LL_TRY(ll_alloc(a, max_batch, sizeof *step->scheduled, "scheduled requests", &step->scheduled));
    if (!net->has_source) return LLMCS_OK;
    LL_TRY(alloc_encoding(a, s.n_whole_rows, s.n_sources, &step->sources));
    LL_TRY(alloc_encoding(a, s.n_source_rows, s.n_sources, &e->sched.sources));
    return ll_alloc(a, s.n_residual, sizeof(float), "residual stream of sources", &e->sched.sources.residual);
}

void ll_engine_free_memory(llmcs_engine *e) {
    llmcs_allocator a = e->allocator;
    llmcs_model *m = e->model;
    const ll_step *step = &e->sched.step;
    while (e->sched.n_samplers) ll_sampler_workspace_free(&e->sched.samplers[--e->sched.n_samplers], &a);
    const ll_source_batch *whole = &step->sources, *parts = &e->sched.sources;
    void *const arrays[] = {e->sched.workspace, e->sched.samplers, step->logits,    step->block_max,
                            step->ids,          step->segments,    step->seqs,      step->scheduled,
                            step->logit_rows,   whole->ids,        whole->segments, whole->sources,
                            parts->ids,         parts->segments,   parts->sources,  parts->residual};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) ll_free(&a, arrays[i]);
    ll_prefix_free(&e->sched.prefix, &a);
    ll_kv_chunk_free(&e->sched.kv.own, &a);
    if (e->event_fd >= 0) close(e->event_fd);
    e->magic = 0xdeadu;
    ll_free(&a, e);
    llmcs_model_free(&m);
}
