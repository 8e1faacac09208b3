/* The transformer network: a stack of layers and heads, or an encoder, a decoder and heads. */
#include "base/xxh64.h"
#include "models/heads.h"
#include "models/source.h"
#include "weights/fingerprint.h"

typedef struct transformer {
    ll_net net;
    ll_stack encoder;        /* of an encoder-decoder */
    ll_kv_layout encoder_kv; /* of one of its layers */
    ll_stack stack;          /* the decoder, or the only stack */
    ll_heads heads;
} transformer;

static ll_layer *layers_from(ll_net *net, size_t first) { return net->layers ? (ll_layer *)net->layers + first : NULL; }

/* Describes the encoder of an encoder-decoder. Its token table may be tied to the head or shared with the decoder. */
static llmcs_status describe_encoder(transformer *m, ll_loader *l, const char *prefix) {
    const ll_config *c = m->net.config;
    m->encoder.spec = &c->family->stack[0];
    m->encoder.config = c;
    m->encoder.sizes = ll_stack_source_sizes(c);
    m->encoder_kv = ll_source_layout(c);
    m->encoder.kv = &m->encoder_kv;
    m->encoder.layers = layers_from(&m->net, 0);
    m->encoder.n_layers = m->net.n_layers ? m->encoder.sizes.n_layer : 0;
    m->encoder.tied = c->shares_tokens && ll_heads_tied(c) ? &m->heads.out : NULL;
    m->stack.shared = c->shares_tokens && !ll_heads_tied(c) ? &m->encoder : NULL;
    LL_TRY(ll_stack_describe_embeddings(&m->encoder, l, prefix));
    return ll_stack_describe_layers(&m->encoder, l, prefix);
}

/* Prefetch order of encoding: the encoder's layers, cross_kv of every decoder layer, then the decoder. */
static void link_encoder(transformer *m) {
    ll_stack *decoder = &m->stack;
    ll_stack_link(&m->encoder, &decoder->layers[0].cross_kv);
    for (size_t i = 0; i < decoder->n_layers; i++)
        decoder->layers[i].cross_kv.next =
            i + 1 < decoder->n_layers ? &decoder->layers[i + 1].cross_kv : &decoder->layers[0].qkv;
}

static llmcs_status describe(ll_net *net, ll_loader *l) {
    transformer *m = (transformer *)net;
    const ll_config *c = net->config;
    const char *prefix = ll_tensors_prefix(l->tensors), *outer = ll_tensors_outer(l->tensors);
    m->stack.spec = ll_family_last_stack(c->family);
    m->stack.config = c;
    m->stack.sizes = ll_stack_sizes_of(c);
    m->stack.kv = &net->kv;
    m->stack.layers = layers_from(net, (size_t)c->encoder.n_layer);
    m->stack.n_layers = net->n_layers ? m->stack.sizes.n_layer : 0;
    m->stack.tied = ll_heads_tied(c) ? &m->heads.out : NULL;
    if (net->has_source) LL_TRY(describe_encoder(m, l, prefix));
    if (!m->stack.spec->causal) LL_TRY(ll_stack_describe_embeddings(&m->stack, l, prefix));
    LL_TRY(ll_heads_describe_pooler(&m->heads, c, l, prefix));
    LL_TRY(ll_stack_describe_layers(&m->stack, l, prefix));
    if (m->stack.spec->causal) LL_TRY(ll_stack_describe_embeddings(&m->stack, l, prefix));
    LL_TRY(ll_heads_describe(&m->heads, c, l, prefix, outer));
    net->has_pooler = m->heads.pooler.nr != 0;
    if (!l->filling || !net->n_layers) return LLMCS_OK;
    const bool again = net->has_source && !net->generates; /* the next text begins with the encoder */
    ll_linear *first = again ? &m->encoder.layers[0].qkv : &m->stack.layers[0].qkv; /* of the next token or text */
    m->heads.out.next = c->head == LL_HEAD_CAUSAL_LM ? first : NULL;
    ll_stack_link(&m->stack, c->head == LL_HEAD_CAUSAL_LM ? &m->heads.out : first);
    if (net->has_source) link_encoder(m);
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

static size_t lay_out_source(const ll_net *net, const ll_forward_size *size, float *base, ll_source_workspace *w) {
    const transformer *m = (const transformer *)net;
    size_t used = 0;
    ll_source_lay_out(net, &m->encoder, &m->stack, size, base, &used, w);
    return used;
}

/* A forward pass either encodes or decodes: the larger workspace of the two. */
static size_t workspace_floats(const ll_net *net, const ll_forward_size *size) {
    workspace unused;
    ll_source_workspace source;
    const size_t n = lay_out(net, size, NULL, &unused);
    if (!net->has_source) return n;
    ll_forward_size encoding = *size;
    encoding.n_rows = size->n_source_rows;
    encoding.n_segments = size->n_sources;
    encoding.n_logit_rows = 0;
    return ll_max(n, lay_out_source(net, &encoding, NULL, &source));
}

static void encode(const ll_net *net, const ll_exec *team_exec, const ll_batch *batch, float *memory,
                   atomic_bool *stopped) {
    const transformer *m = (const transformer *)net;
    const ll_forward_size size = ll_batch_size(batch, (size_t)team_exec->team->size);
    ll_source_workspace w;
    lay_out_source(net, &size, memory, &w);
    ll_exec exec = *team_exec;
    exec.quantized = w.stack.quantized;
    exec.gated = w.stack.gated + (size_t)exec.team->index * LL_GATED_FLOATS;
    exec.acc = w.stack.qkv;
    ll_source_forward(&m->encoder, &m->stack, &exec, batch, &w, stopped);
}

static void forward(const ll_net *net, const ll_exec *team_exec, const ll_batch *batch, float *memory,
                    atomic_bool *stopped) {
    const transformer *m = (const transformer *)net;
    const ll_forward_size size = ll_batch_size(batch, (size_t)team_exec->team->size);
    workspace w;
    if (batch->encodes) {
        encode(net, team_exec, batch, memory, stopped);
        return;
    }
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

/* Adds rotary frequencies and windows, if the network has them. */
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

/* Adds the norms and biases of a stack's layers, and its final norm. */
static uint64_t hash_vectors(uint64_t hash, const ll_stack *s) {
    for (size_t i = 0; i < s->n_layers; i++) {
        const ll_layer *layer = &s->layers[i];
        hash = hash_bias(hash_bias(hash, &layer->qkv), &layer->attn_out);
        hash = hash_bias(hash_bias(hash, &layer->up), &layer->down);
        hash = ll_fingerprint_norm(ll_fingerprint_norm(hash, &layer->attn_norm), &layer->ffn_norm);
        hash = ll_fingerprint_norm(ll_fingerprint_norm(hash, &layer->q_norm), &layer->k_norm);
        hash = ll_fingerprint_norm(ll_fingerprint_norm(hash, &layer->attn_post_norm), &layer->ffn_post_norm);
        if (!s->spec->cross) continue;
        hash = hash_bias(ll_fingerprint_norm(hash, &layer->cross_norm), &layer->cross_q);
        hash = hash_bias(hash_bias(hash, &layer->cross_kv), &layer->cross_out);
    }
    return ll_fingerprint_norm(hash, &s->final_norm);
}

/* The fingerprint of an encoder covers only what is float32 for every weight type, so that an index made with a model
 * also serves its quantised copy: norms, biases and the positions of a short text. Training changes all of them. */
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
    hash = hash_vectors(hash, s);
    if (!m->net.has_source) return hash;
    return hash_vectors(ll_fingerprint_norm(hash, &m->encoder.embed_norm), &m->encoder);
}

static uint64_t hash_layers(uint64_t hash, const ll_stack *s) {
    for (size_t i = 0; i < s->n_layers; i++) {
        const ll_layer *layer = &s->layers[i];
        hash = ll_fingerprint_norm(hash, &layer->attn_norm);
        hash = ll_fingerprint_linear(hash, &layer->qkv);
        hash = ll_fingerprint_norm(ll_fingerprint_norm(hash, &layer->q_norm), &layer->k_norm);
        hash = ll_fingerprint_linear(hash, &layer->attn_out);
        hash = ll_fingerprint_norm(hash, &layer->attn_post_norm);
        if (s->spec->cross) {
            hash = ll_fingerprint_linear(ll_fingerprint_norm(hash, &layer->cross_norm), &layer->cross_q);
            hash = ll_fingerprint_linear(ll_fingerprint_linear(hash, &layer->cross_kv), &layer->cross_out);
        }
        hash = ll_fingerprint_norm(hash, &layer->ffn_norm);
        hash = ll_fingerprint_linear(hash, &layer->up);
        hash = ll_fingerprint_norm(ll_fingerprint_linear(hash, &layer->down), &layer->ffn_post_norm);
    }
    return hash;
}

/* Adds an encoder-decoder's encoder. */
static uint64_t hash_encoder(uint64_t hash, const ll_stack *s) {
    const ll_config *c = s->config;
    const uint32_t sizes[] = {(uint32_t)c->encoder.vocab_size, (uint32_t)c->encoder.n_layer,
                              (uint32_t)c->encoder.n_head, (uint32_t)c->encoder.n_inner, (uint32_t)c->scale_embedding};
    hash = hash_layers(ll_xxh64(sizes, sizeof sizes, hash), s);
    if (s->tokens.rows) hash = ll_fingerprint_table(hash, &s->tokens, s->sizes.vocab);
    if (s->positions) hash = ll_fingerprint_floats(hash, s->positions, (size_t)c->n_positions * (size_t)c->n_embd_in);
    if (s->buckets) hash = ll_fingerprint_floats(hash, s->buckets, (size_t)c->n_buckets * s->sizes.n_head);
    return ll_fingerprint_norm(ll_fingerprint_norm(hash, &s->embed_norm), &s->final_norm);
}

/* The fingerprint of a decoder covers everything that keys, values and logits depend on. */
static uint64_t fingerprint_network(const transformer *m) {
    const ll_stack *s = &m->stack;
    const ll_config *c = m->net.config;
    const size_t n = (size_t)c->n_embd_in;
    uint64_t hash = hash_layers(hash_positions(ll_fingerprint_config(0, c), s), s);
    if (m->net.has_source) {
        hash = hash_encoder(hash, &m->encoder);
        hash = ll_fingerprint_norm(hash, &s->embed_norm);
        if (s->buckets) hash = ll_fingerprint_floats(hash, s->buckets, (size_t)c->n_buckets * s->sizes.n_head);
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
