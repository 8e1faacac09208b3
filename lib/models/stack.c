/*
 * A stack of layers (Vaswani et al. 2017 and after). With f one of the two sub-layers:
 *
 *     attend(x) = attn_out(attention(query | key | value of x))
 *     feed(x)   = down(act(up(x)))
 *
 *     x = embed_norm(tokens[token] + positions[p] + types[t])
 *     for each layer:   x = x + attend(attn_norm(x));  x = x + feed(ffn_norm(x))       LL_PRE_NORM
 *                       x = attn_norm(x + attend(x));  x = ffn_norm(x + feed(x))       LL_POST_NORM
 *     output = final_norm(x)
 *
 * The files of lib/families say which of these a network has, and how its tensors are called.
 */
#include "models/stack.h"

#include <math.h>
#include <string.h>

/* ------------------------------------------------------------------------------------------------ weights */

static const char *name_of(const ll_stack *s, const ll_loader *l, ll_role role) {
    const ll_name *n = &s->spec->names[role];
    char weight[128];
    if (!n->alternative) return n->checkpoint;
    ll_format(weight, sizeof weight, "%s.weight", n->alternative);
    return ll_loader_has(l, weight) ? n->alternative : n->checkpoint;
}

static ll_weight_layout layout_of(const ll_stack *s) { return s->spec->in_out ? LL_IN_OUT : LL_OUT_IN; }

static llmcs_status describe_norm(const ll_stack *s, ll_loader *l, ll_norm *norm, ll_role role, size_t n) {
    if (!s->spec->names[role].checkpoint) return LLMCS_OK;
    return ll_load_norm(l, norm, n, s->config->layer_norm_eps, name_of(s, l, role));
}

/* Query, key and value as the outputs of one linear. */
static llmcs_status describe_qkv(const ll_stack *s, ll_loader *l, ll_linear *qkv) {
    const ll_config *c = s->config;
    const size_t n = (size_t)c->n_embd, width = ll_stack_qkv_width(c);
    if (s->spec->attn.fused) return ll_load_linear(l, qkv, LL_LARGE, layout_of(s), n, width, name_of(s, l, LL_QKV));
    const char *const parts[3] = {name_of(s, l, LL_Q), name_of(s, l, LL_K), name_of(s, l, LL_V)};
    LL_TRY(ll_load_weights(l, qkv, LL_LARGE, layout_of(s), n, width, parts, 3, true));
    for (size_t i = 0; i < 3; i++) {
        char bias[128];
        ll_format(bias, sizeof bias, "%s.bias", parts[i]);
        LL_TRY(ll_load_bias(l, qkv, i * width / 3, width / 3, bias));
    }
    return LLMCS_OK;
}

/* In the order in which the forward pass applies them. */
static llmcs_status describe_layer(const ll_stack *s, ll_loader *l, ll_layer *layer) {
    const ll_config *c = s->config;
    const size_t n = (size_t)c->n_embd, n_heads = (size_t)c->n_head * (size_t)c->head_dim, inner = (size_t)c->n_inner;
    const bool post = s->spec->norm.place == LL_POST_NORM;
    if (!post) LL_TRY(describe_norm(s, l, &layer->attn_norm, LL_ATTN_NORM, n));
    LL_TRY(describe_qkv(s, l, &layer->qkv));
    LL_TRY(ll_load_linear(l, &layer->attn_out, LL_LARGE, layout_of(s), n_heads, n, name_of(s, l, LL_ATTN_OUT)));
    if (post) LL_TRY(describe_norm(s, l, &layer->attn_norm, LL_ATTN_NORM, n));
    if (!post) LL_TRY(describe_norm(s, l, &layer->ffn_norm, LL_FFN_NORM, n));
    LL_TRY(ll_load_linear(l, &layer->up, LL_LARGE, layout_of(s), n, inner, name_of(s, l, LL_UP)));
    LL_TRY(ll_load_linear(l, &layer->down, LL_LARGE, layout_of(s), inner, n, name_of(s, l, LL_DOWN)));
    return post ? describe_norm(s, l, &layer->ffn_norm, LL_FFN_NORM, n) : LLMCS_OK;
}

static llmcs_status describe_table(const ll_stack *s, ll_loader *l, float **table, ll_role role, size_t n_rows) {
    char name[128];
    ll_format(name, sizeof name, "%s.weight", name_of(s, l, role));
    return ll_load_table(l, table, n_rows, (size_t)s->config->n_embd_in, name);
}

/* Encoders' tokens come first, decoders' last: the order of the tensors in GGUF files, which stays. */
llmcs_status ll_stack_describe_embeddings(ll_stack *s, ll_loader *l, const char *prefix) {
    const ll_config *c = s->config;
    const size_t n_in = (size_t)c->n_embd_in, vocab = (size_t)c->vocab_size;
    ll_format(l->scope, sizeof l->scope, "%s", prefix);
    if (!s->tied && !s->spec->causal) LL_TRY(describe_table(s, l, &s->tokens, LL_TOKENS, vocab));
    if (s->spec->embed.positions != LL_NO_POSITIONS)
        LL_TRY(describe_table(s, l, &s->positions, LL_POSITIONS, (size_t)c->n_positions));
    if (c->type_vocab_size) LL_TRY(describe_table(s, l, &s->types, LL_TYPES, (size_t)c->type_vocab_size));
    LL_TRY(describe_norm(s, l, &s->embed_norm, LL_EMBED_NORM, n_in));
    if (n_in != (size_t)c->n_embd)
        LL_TRY(ll_load_linear(l, &s->embed_project, LL_LARGE, LL_OUT_IN, n_in, (size_t)c->n_embd,
                              name_of(s, l, LL_EMBED_PROJECT)));
    LL_TRY(describe_norm(s, l, &s->final_norm, LL_FINAL_NORM, (size_t)c->n_embd));
    return !s->tied && s->spec->causal ? describe_table(s, l, &s->tokens, LL_TOKENS, vocab) : LLMCS_OK;
}

llmcs_status ll_stack_describe_layers(ll_stack *s, ll_loader *l, const char *prefix) {
    const ll_config *c = s->config;
    for (int i = 0; i < c->n_layer; i++) {
        ll_layer counted = {0}; /* while counting, nothing is stored in it */
        char layer[64];
        ll_format(layer, sizeof layer, s->spec->layers, s->spec->layer_number ? s->spec->layer_number(c, i) : i);
        ll_format(l->scope, sizeof l->scope, "%s%s", prefix, layer);
        LL_TRY(describe_layer(s, l, l->filling ? &s->layers[i] : &counted));
    }
    return LLMCS_OK;
}

void ll_stack_link(ll_stack *s, ll_linear *after) {
    for (size_t i = 0; i < s->n_layers; i++) {
        ll_layer *layer = &s->layers[i];
        layer->qkv.n_queries = (size_t)s->config->n_head * (size_t)s->config->head_dim;
        layer->qkv.next = &layer->attn_out;
        layer->attn_out.next = &layer->up;
        layer->up.next = &layer->down;
        layer->down.next = i + 1 < s->n_layers ? &s->layers[i + 1].qkv : after;
    }
}

/* ------------------------------------------------------------------------------------------- forward pass */

void ll_stack_lay_out(const ll_net *net, const ll_stack *s, const ll_forward_size *size, float *base, size_t *used,
                      ll_stack_workspace *w) {
    const ll_config *c = s->config;
    const size_t n = (size_t)c->n_embd, n_rows = size->n_rows;
    const bool in_place = s->spec->norm.place == LL_POST_NORM;
    w->x = ll_carve(base, used, n_rows * n);
    w->h = ll_carve(base, used, in_place ? 0 : ll_normed_rows(n_rows, size->n_threads) * n);
    w->qkv = ll_carve(base, used, n_rows * ll_max(ll_stack_qkv_width(c), n));
    w->attended = ll_carve(base, used, n_rows * (size_t)c->n_head * (size_t)c->head_dim);
    w->inner = ll_carve(base, used, n_rows * (size_t)c->n_inner);
    w->embedded = ll_carve(base, used, c->n_embd_in == c->n_embd ? 0 : n_rows * (size_t)c->n_embd_in);
    w->n_scratch = ll_round_up(ll_attention_scratch_floats(&net->kv, size->max_positions), 16);
    w->scratch = ll_carve(base, used, size->n_threads * w->n_scratch);
    w->quantized = ll_carve(base, used, ll_quantized_floats(net, size));
}

/* RoBERTa counts the tokens that are not padding, and padding has the position before the first one
 * (create_position_ids_from_input_ids); GGUF files leave that row out, it is 0. */
const float *ll_stack_position(const ll_stack *s, size_t position, bool is_padding) {
    const size_t n = (size_t)s->config->n_embd_in, offset = (size_t)s->config->position_offset;
    if (!s->positions) return NULL;
    if (!is_padding) return s->positions + (position + offset) * n;
    return offset ? s->positions + (offset - 1) * n : NULL;
}

/* out = embed_norm(tokens[token] + types[t] + positions[p]) */
static void embed_token(const ll_stack *s, const ll_kernels *k, int32_t token, int32_t type, const float *position,
                        float *out) {
    const size_t n = (size_t)s->config->n_embd_in;
    if (s->tokens)
        memcpy(out, s->tokens + (size_t)token * n, n * sizeof *out);
    else
        ll_linear_row(s->tied, (size_t)token, out);
    if (s->types) k->add(out, s->types + (size_t)type * n, out, n);
    if (position) k->add(out, position, out, n);
    if (s->embed_norm.n) ll_norm_row(k, &s->embed_norm, out, out);
}

/* This thread's rows. */
static void embed_tokens(const ll_stack *s, const ll_exec *exec, const ll_batch *batch, float *x) {
    const bool skips = s->spec->embed.positions == LL_POSITIONS_AFTER_PADDING;
    const int32_t padding = skips ? s->config->pad_token_id : -1;
    size_t begin, end;
    ll_team_share(exec->team, batch->n_rows, 1, &begin, &end);
    for (size_t i = 0; i < batch->n_segments; i++) {
        const ll_segment *segment = &batch->segments[i];
        size_t first = ll_max(begin, segment->first_row), last = ll_min(end, segment->first_row + segment->n_rows),
               n_padding = 0;
        for (size_t row = segment->first_row; skips && first < last && row < first; row++)
            n_padding += batch->ids[row] == padding;
        for (size_t row = first; row < last; row++) {
            const bool is_padding = batch->ids[row] == padding;
            const size_t position = segment->first_position + row - segment->first_row - n_padding;
            n_padding += is_padding;
            embed_token(s, exec->kernels, batch->ids[row], batch->type_ids ? batch->type_ids[row] : 0,
                        ll_stack_position(s, position, is_padding), x + row * (size_t)s->config->n_embd_in);
        }
    }
}

static void embed(const ll_stack *s, const ll_exec *exec, const ll_batch *batch, ll_stack_workspace *w) {
    const bool project = s->embed_project.packed != NULL;
    embed_tokens(s, exec, batch, project ? w->embedded : w->x);
    if (!project) return;
    ll_team_wait(exec->team);
    ll_linear_apply(exec, &s->embed_project, w->embedded, batch->n_rows, LL_ACT_NONE, NULL, w->x);
}

static float scale_of(const ll_config *c) { return c->scale_attn_weights ? 1.0f / sqrtf((float)c->head_dim) : 1.0f; }

/* x = x + attend(norm(x)), where `norm` may be applied in place. */
static void forward_attention(const ll_stack *s, const ll_exec *exec, const ll_batch *batch, size_t i,
                              const ll_norm *norm, ll_stack_workspace *w) {
    const ll_layer *layer = &s->layers[i];
    ll_attention attention = {
        .layout = s->kv,
        .layer = i % s->kv->n_layer,
        .n_head = (size_t)s->config->n_head,
        .segments = batch->segments,
        .n_segments = batch->n_segments,
        .causal = s->spec->causal,
        .scale = scale_of(s->config),
        .out = w->attended,
        .scratch = w->scratch + (size_t)exec->team->index * w->n_scratch,
    };
    ll_attention_set_qkv(&attention, w->qkv);
    const bool in_place = s->spec->norm.place == LL_POST_NORM;
    const ll_input in = norm ? ll_norm_input(exec, norm, &layer->qkv, w->x, batch->n_rows, in_place ? w->x : w->h)
                             : ll_linear_input(exec, &layer->qkv, w->x, batch->n_rows);
    ll_attention_project(exec, &layer->qkv, &in, w->qkv, &attention);
    ll_team_wait(exec->team);
    ll_linear_apply(exec, &layer->attn_out, w->attended, batch->n_rows, LL_ACT_NONE, w->x, w->x);
}

/* x = x + feed(norm(x)) */
static void forward_ffn(const ll_stack *s, const ll_exec *exec, const ll_batch *batch, const ll_layer *layer,
                        const ll_norm *norm, ll_stack_workspace *w) {
    const bool in_place = s->spec->norm.place == LL_POST_NORM;
    const ll_input in = ll_norm_input(exec, norm, &layer->up, w->x, batch->n_rows, in_place ? w->x : w->h);
    ll_linear_apply_to(exec, &layer->up, &in, (int)s->config->activation, NULL, w->inner);
    ll_team_wait(exec->team);
    ll_linear_apply(exec, &layer->down, w->inner, batch->n_rows, LL_ACT_NONE, w->x, w->x);
}

/* A norm after a sub-layer is applied when the next one reads x: ll_norm_input does both in one pass. */
bool ll_stack_forward(const ll_stack *s, const ll_exec *exec, const ll_batch *batch, ll_stack_workspace *w,
                      atomic_bool *stopped) {
    const bool post = s->spec->norm.place == LL_POST_NORM;
    embed(s, exec, batch, w);
    for (size_t i = 0; i < s->n_layers; i++) {
        const ll_layer *layer = &s->layers[i];
        if (ll_forward_stopped(exec, batch, stopped)) return false;
        forward_attention(s, exec, batch, i, !post ? &layer->attn_norm : i ? &s->layers[i - 1].ffn_norm : NULL, w);
        ll_team_wait(exec->team);
        forward_ffn(s, exec, batch, layer, post ? &layer->attn_norm : &layer->ffn_norm, w);
    }
    ll_team_wait(exec->team);
    return true;
}

/* The norm that x lacks after the last layer, or NULL. */
static const ll_norm *last_norm(const ll_stack *s) {
    if (s->final_norm.n) return &s->final_norm;
    return s->spec->norm.place == LL_POST_NORM && s->n_layers ? &s->layers[s->n_layers - 1].ffn_norm : NULL;
}

void ll_stack_output(const ll_stack *s, const ll_exec *exec, const float *x, size_t row, float *out) {
    const ll_norm *norm = last_norm(s);
    const size_t n = (size_t)s->config->n_embd;
    if (norm)
        ll_norm_row(exec->kernels, norm, x + row * n, out);
    else
        memcpy(out, x + row * n, n * sizeof *out);
}

void ll_stack_outputs(const ll_stack *s, const ll_exec *exec, const float *x, size_t n_rows, float *y) {
    const size_t n = (size_t)s->config->n_embd;
    size_t begin, end;
    ll_team_share(exec->team, n_rows, 1, &begin, &end);
    for (size_t row = begin; row < end; row++)
        if (y != x || last_norm(s)) ll_stack_output(s, exec, x, row, y + row * n);
}
