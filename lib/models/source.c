#include "models/source.h"

#include <string.h>

ll_kv_layout ll_source_layout(const ll_config *c) {
    const ll_stack_sizes sizes = ll_stack_source_sizes(c);
    return (ll_kv_layout){.n_layer = 1, .n_kv_head = sizes.n_kv_head, .head_dim = sizes.head_dim, .type = LL_KV_F32};
}

static size_t blocks_of(size_t n_tokens) { return (n_tokens + LL_KV_BLOCK - 1) / LL_KV_BLOCK; }

/* Floats that hold n_bytes. */
static size_t floats_of(size_t n_bytes) { return (n_bytes + sizeof(float) - 1) / sizeof(float); }

void ll_source_lay_out(const ll_net *net, const ll_stack *encoder, const ll_stack *decoder, const ll_forward_size *size,
                       float *base, size_t *used, ll_source_workspace *w) {
    /* Each segment may have a block that is not full. */
    const size_t n_blocks = size->n_rows / LL_KV_BLOCK + ll_min(size->n_rows, size->n_segments);
    ll_stack_lay_out(net, encoder, size, base, used, &w->stack);
    w->kv = ll_carve(base, used, size->n_rows * ll_stack_kv_width(&decoder->sizes));
    w->blocks = ll_carve(base, used, n_blocks * floats_of(ll_kv_block_bytes(encoder->kv)));
    void *segments = ll_carve(base, used, floats_of(size->n_segments * sizeof *w->segments));
    void *table = ll_carve(base, used, floats_of(n_blocks * sizeof *w->block_table));
    w->segments = segments;
    w->block_table = table;
}

/* Gives each segment its blocks. Called by one thread. */
static void place_segments(const ll_stack *encoder, const ll_batch *batch, ll_source_workspace *w) {
    const size_t block_floats = floats_of(ll_kv_block_bytes(encoder->kv));
    size_t n_blocks = 0;
    for (size_t i = 0; i < batch->n_segments; i++) {
        w->segments[i] = batch->segments[i];
        w->segments[i].kv_blocks = w->block_table + n_blocks;
        for (size_t end = n_blocks + blocks_of(batch->segments[i].n_rows); n_blocks < end; n_blocks++)
            w->block_table[n_blocks] = w->blocks + n_blocks * block_floats;
    }
}

/* Computes keys and values of the encoder's output w->stack.x for one decoder layer and stores them in the source's
 * blocks. */
static void store_layer(const ll_stack *decoder, const ll_exec *exec, const ll_batch *batch, size_t layer,
                        ll_source_workspace *w) {
    const size_t width = ll_stack_kv_width(&decoder->sizes);
    ll_linear_apply(exec, &decoder->layers[layer].cross_kv, w->stack.x, batch->n_rows, LL_ACT_NONE, NULL, w->kv);
    ll_team_wait(exec->team);
    const ll_attention attention = {.layout = decoder->kv,
                                    .layer = layer,
                                    .n_head = decoder->sizes.n_head,
                                    .k = w->kv,
                                    .v = w->kv + width / 2,
                                    .ldk = width,
                                    .ldv = width,
                                    .segments = w->segments,
                                    .n_segments = batch->n_segments};
    ll_attention_store(exec, &attention);
    ll_team_wait(exec->team);
}

/* Layers [begin, end) of the encoder; after the last one w->stack.x is its output. False: stopped. */
static bool encode_layers(const ll_stack *encoder, const ll_exec *exec, const ll_batch *batch, size_t begin, size_t end,
                          ll_source_workspace *w, atomic_bool *stopped) {
    const size_t n = (size_t)encoder->config->n_embd;
    ll_batch within = *batch;
    if (exec->team->index == 0) place_segments(encoder, batch, w);
    ll_team_wait(exec->team);
    within.segments = w->segments;
    if (begin == 0) ll_stack_embed(encoder, exec, &within, &w->stack);
    if (!ll_stack_layers(encoder, exec, &within, begin, end, &w->stack, stopped)) return false;
    if (end < encoder->n_layers) return true;
    ll_stack_outputs(encoder, exec, w->stack.x, batch->n_rows, w->stack.x);
    ll_team_wait(exec->team);
    if (batch->hidden && exec->team->index == 0)
        memcpy(batch->hidden, w->stack.x, batch->n_rows * n * sizeof *batch->hidden);
    return true;
}

void ll_source_forward(const ll_stack *encoder, const ll_stack *decoder, const ll_exec *exec, const ll_batch *batch,
                       ll_source_workspace *w, atomic_bool *stopped) {
    const size_t n_layers = encoder->n_layers, begin = batch->first_part;
    const size_t end = batch->end_part ? batch->end_part : n_layers + decoder->n_layers;
    if (batch->residual) w->stack.x = batch->residual;
    if (begin < n_layers && !encode_layers(encoder, exec, batch, begin, ll_min(end, n_layers), w, stopped)) return;
    if (end <= n_layers) return;
    if (exec->team->index == 0) {
        memcpy(w->segments, batch->segments, batch->n_segments * sizeof *w->segments);
        for (size_t i = 0; i < batch->n_segments; i++) w->segments[i].kv_blocks = batch->segments[i].source_blocks;
    }
    for (size_t i = ll_max(begin, n_layers) - n_layers; i < end - n_layers; i++) {
        if (ll_forward_stopped(exec, batch, stopped)) return;
        store_layer(decoder, exec, batch, i, w);
    }
}

void ll_source_attend(const ll_stack *s, const ll_exec *exec, const ll_batch *batch, size_t i, const ll_norm *norm,
                      ll_stack_workspace *w) {
    const ll_layer *layer = &s->layers[i];
    const bool in_place = s->spec->norm.place == LL_POST_NORM;
    const ll_attention attention = {.layout = s->kv,
                                    .layer = i,
                                    .n_head = s->sizes.n_head,
                                    .q = w->qkv,
                                    .ldq = s->sizes.n_head * s->sizes.head_dim,
                                    .segments = batch->segments,
                                    .n_segments = batch->n_segments,
                                    .scale = ll_stack_scale(s),
                                    .out = w->attended,
                                    .scratch = w->scratch + (size_t)exec->team->index * w->n_scratch};
    const ll_input in = ll_norm_input(exec, norm, &layer->cross_q, w->x, batch->n_rows, in_place ? w->x : w->h);
    ll_linear_apply_to(exec, &layer->cross_q, &in, LL_ACT_NONE, NULL, w->qkv);
    ll_team_wait(exec->team);
    ll_attention_cross(exec, &attention);
    ll_team_wait(exec->team);
    ll_linear_apply(exec, &layer->cross_out, w->attended, batch->n_rows, LL_ACT_NONE, w->x, w->x);
}
