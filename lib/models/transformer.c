/* The network of every family: a stack of layers and what follows it. */
#include "base/xxh64.h"
#include "models/heads.h"
#include "weights/fingerprint.h"

typedef struct transformer {
    ll_net net;
    ll_stack stack;
    ll_heads heads;
} transformer;

static llmcs_status describe(ll_net *net, ll_loader *l) {
    transformer *m = (transformer *)net;
    const ll_config *c = net->config;
    const char *prefix = ll_tensors_prefix(l->tensors), *outer = ll_tensors_outer(l->tensors);
    m->stack.spec = &c->family->stack[0];
    m->stack.config = c;
    m->stack.kv = &net->kv;
    m->stack.layers = net->layers;
    m->stack.n_layers = net->n_layers;
    m->stack.tied = ll_heads_tied(c) ? &m->heads.out : NULL;
    if (!m->stack.spec->causal) LL_TRY(ll_stack_describe_embeddings(&m->stack, l, prefix));
    LL_TRY(ll_heads_describe_pooler(&m->heads, c, l, prefix));
    LL_TRY(ll_stack_describe_layers(&m->stack, l, prefix));
    if (m->stack.spec->causal) LL_TRY(ll_stack_describe_embeddings(&m->stack, l, prefix));
    LL_TRY(ll_heads_describe(&m->heads, c, l, prefix, outer));
    net->has_pooler = m->heads.pooler.nr != 0;
    if (!l->filling || !net->n_layers) return LLMCS_OK;
    ll_linear *first = &m->stack.layers[0].qkv; /* of the next token or text */
    m->heads.out.next = c->head == LL_HEAD_CAUSAL_LM ? first : NULL;
    ll_stack_link(&m->stack, c->head == LL_HEAD_CAUSAL_LM ? &m->heads.out : first);
    return LLMCS_OK;
}

/* ------------------------------------------------------------------------------------------- forward pass */

typedef struct workspace {
    ll_stack_workspace stack;
    ll_heads_workspace heads;
} workspace;

static size_t lay_out(const ll_net *net, const ll_forward_size *size, float *base, workspace *w) {
    const transformer *m = (const transformer *)net;
    size_t used = 0;
    ll_stack_lay_out(net, &m->stack, size, base, &used, &w->stack);
    ll_heads_lay_out(&m->heads, net->config, size, base, &used, &w->heads);
    return used;
}

static size_t workspace_floats(const ll_net *net, const ll_forward_size *size) {
    workspace unused;
    return lay_out(net, size, NULL, &unused);
}

static void forward(const ll_net *net, const ll_exec *team_exec, const ll_batch *batch, float *memory,
                    atomic_bool *stopped) {
    const transformer *m = (const transformer *)net;
    const ll_forward_size size = ll_batch_size(batch, (size_t)team_exec->team->size);
    workspace w;
    lay_out(net, &size, memory, &w);
    ll_exec exec = *team_exec;
    exec.quantized = w.stack.quantized;
    exec.gated = w.stack.gated + (size_t)exec.team->index * LL_GATED_FLOATS;
    exec.acc = w.stack.qkv; /* free once attention has read it */
    if (ll_stack_forward(&m->stack, &exec, batch, &w.stack, stopped))
        ll_heads_forward(&m->heads, &m->stack, &exec, batch, w.stack.x, &w.heads);
}

/* ------------------------------------------------------------------------------------------- fingerprint */

static uint64_t hash_bias(uint64_t hash, const ll_linear *linear) {
    return linear->bias ? ll_fingerprint_floats(hash, linear->bias, linear->n_out) : hash;
}

/* Of rotations and windows, where the network has them. */
static uint64_t hash_positions(uint64_t hash, const ll_stack *s) {
    const ll_config *c = s->config;
    if (!s->rope[0].n_dims) return hash;
    const uint32_t sizes[] = {(uint32_t)c->n_kv_head, (uint32_t)c->head_dim, (uint32_t)c->layers.window};
    hash = ll_xxh64(sizes, sizeof sizes, hash);
    for (size_t i = 0; i < 2 && s->rope[i].n_dims; i++) {
        hash = ll_fingerprint_floats(hash, s->rope[i].inverse, s->rope[i].n_dims / 2);
        hash = ll_fingerprint_floats(hash, &s->rope[i].scale, 1);
    }
    for (size_t i = 0; i < s->n_layers; i++) {
        const unsigned char kind[2] = {ll_config_is_local(c, i), ll_config_rotates(c, i)};
        hash = ll_xxh64(kind, sizeof kind, hash);
    }
    return hash;
}

/* Of what is float32 however the matrices are stored, so that an index made with a model serves its quantised copy:
 * norms, biases and the positions of a short text. Training changes them all. */
static uint64_t fingerprint_vectors(const transformer *m) {
    const ll_stack *s = &m->stack;
    const ll_config *c = m->net.config;
    const uint32_t sizes[] = {(uint32_t)c->n_embd, (uint32_t)c->n_layer, (uint32_t)c->n_head, (uint32_t)c->n_inner};
    const size_t n_positions = ll_min((size_t)(c->n_positions - c->position_offset), 16);
    const float *positions = ll_stack_position(s, 0, false);
    uint64_t hash = ll_fingerprint_norm(ll_xxh64(sizes, sizeof sizes, 0), &s->embed_norm);
    if (positions) hash = ll_fingerprint_floats(hash, positions, n_positions * (size_t)c->n_embd_in);
    if (s->tasks) hash = ll_fingerprint_floats(hash, s->tasks, (size_t)c->n_embd_in);
    hash = hash_positions(hash, s);
    if (s->buckets) hash = ll_fingerprint_floats(hash, s->buckets, (size_t)c->n_buckets * (size_t)c->n_head);
    for (size_t i = 0; i < s->n_layers; i++) {
        const ll_layer *layer = &s->layers[i];
        hash = hash_bias(hash_bias(hash, &layer->qkv), &layer->attn_out);
        hash = hash_bias(hash_bias(hash, &layer->up), &layer->down);
        hash = ll_fingerprint_norm(ll_fingerprint_norm(hash, &layer->attn_norm), &layer->ffn_norm);
        hash = ll_fingerprint_norm(ll_fingerprint_norm(hash, &layer->q_norm), &layer->k_norm);
        hash = ll_fingerprint_norm(ll_fingerprint_norm(hash, &layer->attn_post_norm), &layer->ffn_post_norm);
    }
    return ll_fingerprint_norm(hash, &s->final_norm);
}

/* Of everything that decides keys, values and logits. */
static uint64_t fingerprint_network(const transformer *m) {
    const ll_stack *s = &m->stack;
    const ll_config *c = m->net.config;
    const size_t n = (size_t)c->n_embd_in;
    uint64_t hash = hash_positions(ll_fingerprint_config(0, c), s);
    for (size_t i = 0; i < s->n_layers; i++) {
        const ll_layer *layer = &s->layers[i];
        hash = ll_fingerprint_norm(hash, &layer->attn_norm);
        hash = ll_fingerprint_linear(hash, &layer->qkv);
        hash = ll_fingerprint_norm(ll_fingerprint_norm(hash, &layer->q_norm), &layer->k_norm);
        hash = ll_fingerprint_linear(hash, &layer->attn_out);
        hash = ll_fingerprint_norm(ll_fingerprint_norm(hash, &layer->attn_post_norm), &layer->ffn_norm);
        hash = ll_fingerprint_linear(hash, &layer->up);
        hash = ll_fingerprint_norm(ll_fingerprint_linear(hash, &layer->down), &layer->ffn_post_norm);
    }
    if (s->tokens.rows) hash = ll_fingerprint_table(hash, &s->tokens, (size_t)c->vocab_size);
    if (s->positions) hash = ll_fingerprint_floats(hash, s->positions, (size_t)c->n_positions * n);
    return ll_fingerprint_linear(ll_fingerprint_norm(hash, &s->final_norm), &m->heads.out);
}

static uint64_t fingerprint(const ll_net *net) {
    const transformer *m = (const transformer *)net;
    return net->generates ? fingerprint_network(m) : fingerprint_vectors(m);
}

const ll_net_ops ll_transformer_ops = {.net_bytes = sizeof(transformer),
                                       .layer_bytes = sizeof(ll_layer),
                                       .describe = describe,
                                       .workspace_floats = workspace_floats,
                                       .forward = forward,
                                       .fingerprint = fingerprint};
