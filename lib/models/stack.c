/*
 * A stack of layers (Vaswani et al. 2017 and after):
 *
 *     attend(x) = attn_out(softmax(rope(q_norm(q)) rope(k_norm(k))^T * scale + distance) v),      q | k | v = qkv(x)
 *     feed(x)   = down(act(up(x)))   or with a gate   down(act(gate(x)) * up(x))
 *
 *     x = embed_norm(tokens[token] + positions[p] + types[t])
 *     for each layer:   x = x + attend(attn_norm(x));  x = x + feed(ffn_norm(x))       LL_PRE_NORM
 *                       x = attn_norm(x + attend(x));  x = ffn_norm(x + feed(x))       LL_POST_NORM
 *                       x = x + attn_post_norm(attend(attn_norm(x)));  the same of feed   LL_SANDWICH_NORM
 *     output = final_norm(x)
 *
 * A decoder with an encoder has x = x + cross(cross_norm(x)), or x = cross_norm(x + cross(x)), before feed:
 *
 *     cross(x)  = cross_out(softmax(cross_q(x) k^T * scale) v),    k | v = cross_kv(encoder's output)    (source.c)
 *
 * lib/families says which of these operations a network has, and the names of its tensors.
 */
#include "models/stack.h"

#include <math.h>
#include <string.h>

#include "models/distance.h"
#include "models/sines.h"
#include "models/source.h"

/* ------------------------------------------------------------------------------------------------ weights */

static const char *name_in(const ll_stack_spec *spec, const ll_loader *l, ll_role role) {
    const ll_name *n = &spec->names[role];
    char weight[128];
    if (!n->alternative) return n->checkpoint;
    ll_format(weight, sizeof weight, "%s.weight", n->alternative);
    return ll_loader_has(l, weight) ? n->alternative : n->checkpoint;
}

/* Where config.json says whether there is a gate, it says so of the name, too: T5's wi, or wi_0 and wi_1. */
static const char *name_of(const ll_stack *s, const ll_loader *l, ll_role role) {
    const bool by_key = role == LL_UP && s->spec->ffn.glu == LL_GATE_BY_KEY && s->spec->names[role].alternative;
    if (!by_key) return name_in(s->spec, l, role);
    return s->config->gated ? s->spec->names[role].checkpoint : s->spec->names[role].alternative;
}

const char *ll_stack_token_name(const ll_stack_spec *spec, const ll_config *c, const ll_loader *l) {
    const bool own = ll_family_has_source(c->family) && !c->shares_tokens;
    return own ? ll_role_name(spec, LL_TOKENS) : name_in(spec, l, LL_TOKENS);
}

static ll_weight_layout layout_of(const ll_stack *s) { return s->spec->in_out ? LL_IN_OUT : LL_OUT_IN; }

static llmcs_status describe_norm(const ll_stack *s, ll_loader *l, ll_norm *norm, ll_role role, size_t n) {
    const ll_norm_kind kind = s->spec->norm.rms ? LL_NORM_RMS : LL_NORM_LAYER;
    const bool add_one = s->spec->norm.plus_one && !ll_tensors_as_llama_cpp(l->tensors);
    if (!s->spec->names[role].checkpoint) return LLMCS_OK;
    return ll_load_norm_of(l, norm, kind, n, s->config->layer_norm_eps, name_of(s, l, role),
                           kind == LL_NORM_LAYER && !s->spec->norm.no_bias, add_one ? 1.0f : 0.0f);
}

/* Describes one tensor as part of a linear. A bias in the file that the network does not have is refused rather than
 * ignored. */
static llmcs_status part_of(const ll_stack *s, const ll_loader *l, ll_role role, size_t n_out, ll_bias_rule rule,
                            bool by_key, ll_load_part *part) {
    char bias[128];
    *part = (ll_load_part){.name = name_of(s, l, role), .n_out = n_out};
    part->has_bias = rule == LL_WITH_BIAS || (rule == LL_BIAS_BY_KEY && by_key);
    ll_format(bias, sizeof bias, "%s.bias", part->name);
    if (part->has_bias || !ll_loader_has(l, bias)) return LLMCS_OK;
    return ll_fail(LLMCS_CONFIG, "tensor \"%s%s\" is in the file, but %s", l->scope, bias,
                   rule == LL_BIAS_BY_KEY ? "config.json says that there are no such biases"
                                          : "a network of this model_type has no such bias");
}

static llmcs_status describe_linear(const ll_stack *s, ll_loader *l, ll_linear *linear, ll_role role, size_t n_in,
                                    size_t n_out, ll_bias_rule rule, bool by_key) {
    ll_load_part part;
    LL_TRY(part_of(s, l, role, n_out, rule, by_key, &part));
    return ll_load_parts(l, linear, LL_LARGE, layout_of(s), n_in, &part, 1);
}

/* Describes query, key and value as one linear. */
static llmcs_status describe_qkv(const ll_stack *s, ll_loader *l, ll_linear *qkv) {
    const ll_config *c = s->config;
    const size_t n = (size_t)c->n_embd, n_kv = s->sizes.n_kv_head * s->sizes.head_dim;
    const ll_bias_rule rule = s->spec->attn.qkv_bias;
    ll_load_part parts[3];
    if (s->spec->attn.fused)
        return describe_linear(s, l, qkv, LL_QKV, n, ll_stack_qkv_width(&s->sizes), rule, c->attention_bias);
    LL_TRY(part_of(s, l, LL_Q, s->sizes.n_head * s->sizes.head_dim, rule, c->attention_bias, &parts[0]));
    LL_TRY(part_of(s, l, LL_K, n_kv, rule, c->attention_bias, &parts[1]));
    LL_TRY(part_of(s, l, LL_V, n_kv, rule, c->attention_bias, &parts[2]));
    if (c->family->gguf_traits & LL_GGUF_PAIRED && ll_tensors_as_llama_cpp(l->tensors))
        parts[0].paired = parts[1].paired = (size_t)c->head_dim;
    return ll_load_parts(l, qkv, LL_LARGE, layout_of(s), n, parts, 3);
}

/* Cross-attention to the encoder's output: key and value are one linear. */
static llmcs_status describe_cross(const ll_stack *s, ll_loader *l, ll_layer *layer) {
    const ll_config *c = s->config;
    const size_t n = (size_t)c->n_embd, n_kv = s->sizes.n_kv_head * s->sizes.head_dim,
                 n_heads = s->sizes.n_head * s->sizes.head_dim;
    const ll_bias_rule rule = s->spec->attn.qkv_bias;
    ll_load_part parts[2];
    LL_TRY(describe_norm(s, l, &layer->cross_norm, LL_CROSS_NORM, n));
    LL_TRY(describe_linear(s, l, &layer->cross_q, LL_CROSS_Q, n, n_heads, rule, c->attention_bias));
    LL_TRY(part_of(s, l, LL_CROSS_K, n_kv, rule, c->attention_bias, &parts[0]));
    LL_TRY(part_of(s, l, LL_CROSS_V, n_kv, rule, c->attention_bias, &parts[1]));
    LL_TRY(ll_load_parts(l, &layer->cross_kv, LL_LARGE, layout_of(s), n, parts, 2));
    return describe_linear(s, l, &layer->cross_out, LL_CROSS_OUT, n_heads, n, s->spec->attn.out_bias,
                           c->attention_bias);
}

/* The kind of feed-forward gate. */
static ll_glu glu_of(const ll_stack *s) {
    if (s->spec->ffn.glu != LL_GATE_BY_KEY) return s->spec->ffn.glu;
    return s->config->gated ? LL_GATE_AND_UP : LL_NO_GATE;
}

/* The linear before the activation: up, or gate and up. */
static llmcs_status describe_up(const ll_stack *s, ll_loader *l, ll_linear *up) {
    const ll_config *c = s->config;
    const size_t n = (size_t)c->n_embd, inner = s->sizes.n_inner;
    const ll_glu glu = glu_of(s);
    const bool fused = glu == LL_FUSED_FIRST || glu == LL_FUSED_SECOND;
    const ll_bias_rule rule = s->spec->ffn.no_gate_up_bias ? LL_NO_BIAS : s->spec->ffn.bias;
    ll_load_part parts[2];
    if (glu == LL_NO_GATE) return describe_linear(s, l, up, LL_UP, n, inner, s->spec->ffn.bias, c->mlp_bias);
    LL_TRY(part_of(s, l, fused ? LL_GATE_UP : LL_GATE, inner, rule, c->mlp_bias, &parts[0]));
    LL_TRY(part_of(s, l, fused ? LL_GATE_UP : LL_UP, inner, rule, c->mlp_bias, &parts[1]));
    if (fused) parts[0].n_stored = parts[1].n_stored = 2 * inner;
    if (fused) parts[glu == LL_FUSED_FIRST].skipped = inner;
    return ll_load_gate_up(l, up, layout_of(s), n, &parts[0], &parts[1]);
}

/* Describes the weights in the order in which the forward pass applies them. */
static llmcs_status describe_layer(const ll_stack *s, ll_loader *l, ll_layer *layer, int i) {
    const ll_config *c = s->config;
    const size_t n = (size_t)c->n_embd, head_dim = s->sizes.head_dim, n_heads = s->sizes.n_head * head_dim;
    const bool post = s->spec->norm.place == LL_POST_NORM, identity = s->spec->norm.first_identity && i == 0;
    if (!post && !identity) LL_TRY(describe_norm(s, l, &layer->attn_norm, LL_ATTN_NORM, n));
    if (identity) layer->attn_norm.n = n; /* without weights: see ll_norm */
    LL_TRY(describe_qkv(s, l, &layer->qkv));
    LL_TRY(describe_norm(s, l, &layer->q_norm, LL_Q_NORM, head_dim));
    LL_TRY(describe_norm(s, l, &layer->k_norm, LL_K_NORM, head_dim));
    LL_TRY(describe_linear(s, l, &layer->attn_out, LL_ATTN_OUT, n_heads, n, s->spec->attn.out_bias, c->attention_bias));
    LL_TRY(describe_norm(s, l, &layer->attn_post_norm, LL_ATTN_POST_NORM, n));
    if (post) LL_TRY(describe_norm(s, l, &layer->attn_norm, LL_ATTN_NORM, n));
    if (s->spec->cross) LL_TRY(describe_cross(s, l, layer));
    if (!post) LL_TRY(describe_norm(s, l, &layer->ffn_norm, LL_FFN_NORM, n));
    LL_TRY(describe_up(s, l, &layer->up));
    LL_TRY(describe_linear(s, l, &layer->down, LL_DOWN, s->sizes.n_inner, n, s->spec->ffn.bias, c->mlp_bias));
    LL_TRY(describe_norm(s, l, &layer->ffn_post_norm, LL_FFN_POST_NORM, n));
    return post ? describe_norm(s, l, &layer->ffn_norm, LL_FFN_NORM, n) : LLMCS_OK;
}

ll_rope_spec ll_stack_rope_spec(const ll_config *c) {
    const ll_rope_config *r = &c->rope;
    return (ll_rope_spec){.n_dims = (size_t)c->head_dim,
                          .theta = r->theta,
                          .scaling = r->scaling,
                          .factor = r->factor,
                          .low_factor = r->low_freq_factor,
                          .high_factor = r->high_freq_factor,
                          .original_positions = r->original_positions,
                          .beta_fast = r->beta_fast,
                          .beta_slow = r->beta_slow,
                          .attention_factor = r->attention_factor,
                          .keep_fractions = r->keep_fractions};
}

/* The RoPE factors that a GGUF file stores as a tensor. */
static llmcs_status load_rotary_factors(const ll_stack *s, ll_loader *l, size_t n, float **factors) {
    char name[128];
    ll_format(name, sizeof name, "%s.weight", name_of(s, l, LL_ROTARY_FACTORS));
    *factors = NULL;
    LL_TRY(ll_load_vector(l, factors, n, name));
    for (size_t i = 0; *factors && i < n; i++)
        if (!((*factors)[i] >= 1e-3f && (*factors)[i] <= 1e6f))
            return ll_fail(LLMCS_FORMAT, "tensor \"%s%s\": element %zu is %g; expected a number from 0.001 to 1000000",
                           l->scope, name, i, (double)(*factors)[i]);
    return LLMCS_OK;
}

/* Layers with a window may have their own theta; it is not scaled. */
static llmcs_status describe_rope(ll_stack *s, ll_loader *l) {
    const ll_rope_config *r = &s->config->rope;
    ll_rope_spec spec = ll_stack_rope_spec(s->config);
    for (size_t i = 0; i < 2 && s->spec->attn.rotary; i++) {
        if (i == 1 && r->local_theta <= 0) break;
        if (i == 1) spec = (ll_rope_spec){.n_dims = spec.n_dims, .theta = r->local_theta};
        s->rope[i].n_dims = spec.n_dims;
        if (spec.scaling == LL_ROPE_FACTORS)
            LL_TRY(load_rotary_factors(s, l, spec.n_dims / 2, &s->rope[i].inverse));
        else
            LL_TRY(ll_load_space(l, &s->rope[i].inverse, spec.n_dims / 2, "rotary frequencies"));
        spec.factors = s->rope[i].inverse; /* divided in place */
        if (s->rope[i].inverse) s->rope[i].scale = ll_rope_frequencies(&spec, s->rope[i].inverse);
    }
    return LLMCS_OK;
}

static llmcs_status describe_distance(ll_stack *s, ll_loader *l) {
    const ll_config *c = s->config;
    const ll_buckets b = {(size_t)c->n_buckets, (size_t)c->max_distance, s->spec->causal};
    const size_t n_head = s->sizes.n_head;
    char name[128];
    if (s->spec->attn.distance != LL_DISTANCE_BUCKETS) return LLMCS_OK;
    ll_format(name, sizeof name, "%s.weight", name_of(s, l, LL_DISTANCE));
    LL_TRY(ll_load_table(l, &s->buckets, b.n_buckets, n_head, name));
    s->n_distance = ll_buckets_n_distance(&b);
    LL_TRY(ll_load_space(l, &s->distance, n_head * (2 * s->n_distance - 1), "biases by distance"));
    if (s->distance) ll_buckets_expand(&b, s->buckets, n_head, s->distance);
    return LLMCS_OK;
}

static llmcs_status describe_tokens(ll_stack *s, ll_loader *l) {
    char name[128];
    if (s->shared) s->tokens = s->shared->tokens;
    if (s->shared) return LLMCS_OK;
    ll_format(name, sizeof name, "%s.weight", ll_stack_token_name(s->spec, s->config, l));
    return ll_load_rows(l, &s->tokens, s->sizes.vocab, (size_t)s->config->n_embd_in, name);
}

static llmcs_status describe_sines(ll_stack *s, ll_loader *l) {
    const size_t n_positions = (size_t)s->config->n_positions, n = (size_t)s->config->n_embd_in;
    size_t n_floats;
    if (!ll_mul(n_positions, n, &n_floats)) return ll_fail(LLMCS_LIMIT, "%zu positions are too many", n_positions);
    LL_TRY(ll_load_space(l, &s->positions, n_floats, "positions"));
    if (s->positions) ll_fill_sines(s->positions, n_positions, n);
    return LLMCS_OK;
}

static llmcs_status describe_table(const ll_stack *s, ll_loader *l, float **table, ll_role role, size_t n_rows) {
    char name[128];
    ll_format(name, sizeof name, "%s.weight", name_of(s, l, role));
    return ll_load_table(l, table, n_rows, (size_t)s->config->n_embd_in, name);
}

/* Sinusoidal positions may be missing in the file; they are then computed. */
static llmcs_status describe_positions(ll_stack *s, ll_loader *l) {
    const ll_positions_kind kind = s->spec->embed.positions;
    char name[128];
    if (kind == LL_NO_POSITIONS) return LLMCS_OK;
    ll_format(name, sizeof name, "%s.weight", name_of(s, l, LL_POSITIONS));
    if (kind == LL_POSITIONS_SINES && !ll_loader_has(l, name)) return describe_sines(s, l);
    return describe_table(s, l, &s->positions, LL_POSITIONS, (size_t)s->config->n_positions);
}

/* The projection n_embd_in -> n_embd. ELECTRA's files have it only if the widths differ, ALBERT's always. */
static llmcs_status describe_projection(ll_stack *s, ll_loader *l) {
    const size_t n_in = (size_t)s->config->n_embd_in, n = (size_t)s->config->n_embd;
    const char *name = ll_role_name(s->spec, LL_EMBED_PROJECT);
    char weight[128];
    if (!name) return LLMCS_OK;
    ll_format(weight, sizeof weight, "%s.weight", name);
    if (n_in == n && !ll_loader_has(l, weight)) return LLMCS_OK;
    return ll_load_linear(l, &s->embed_project, LL_LARGE, LL_OUT_IN, n_in, n, name);
}

/* The token table of encoders is described first, that of decoders last: GGUF files have tensors in this order, and it
 * must not change. */
llmcs_status ll_stack_describe_embeddings(ll_stack *s, ll_loader *l, const char *prefix) {
    const ll_config *c = s->config;
    const size_t n_in = (size_t)c->n_embd_in;
    ll_format(l->scope, sizeof l->scope, "%s", prefix);
    if (!s->tied && !s->spec->causal) LL_TRY(describe_tokens(s, l));
    LL_TRY(describe_positions(s, l));
    if (c->type_vocab_size) LL_TRY(describe_table(s, l, &s->types, LL_TYPES, (size_t)c->type_vocab_size));
    if (c->use_task_id) LL_TRY(describe_table(s, l, &s->tasks, LL_TASKS, (size_t)c->task_vocab_size));
    LL_TRY(describe_norm(s, l, &s->embed_norm, LL_EMBED_NORM, n_in));
    LL_TRY(describe_projection(s, l));
    LL_TRY(describe_rope(s, l));
    LL_TRY(describe_distance(s, l));
    LL_TRY(describe_norm(s, l, &s->final_norm, LL_FINAL_NORM, (size_t)c->n_embd));
    return !s->tied && s->spec->causal ? describe_tokens(s, l) : LLMCS_OK;
}

/* Neighbouring layers with the same layer_number share weights (ALBERT). */
llmcs_status ll_stack_describe_layers(ll_stack *s, ll_loader *l, const char *prefix) {
    const ll_config *c = s->config;
    for (int i = 0, before = -1, number; i < (int)s->sizes.n_layer; i++, before = number) {
        ll_layer counted = {0}; /* while counting, nothing is stored in it */
        char layer[64];
        number = s->spec->layer_number ? s->spec->layer_number(c, i) : i;
        if (number == before) {
            if (l->filling) s->layers[i] = s->layers[i - 1];
            continue;
        }
        ll_format(layer, sizeof layer, s->spec->layers, number);
        ll_format(l->scope, sizeof l->scope, "%s%s", prefix, layer);
        LL_TRY(describe_layer(s, l, l->filling ? &s->layers[i] : &counted, i));
    }
    return LLMCS_OK;
}

void ll_stack_link(ll_stack *s, ll_linear *after) {
    for (size_t i = 0; i < s->n_layers; i++) {
        ll_layer *layer = &s->layers[i];
        layer->qkv.n_queries = s->sizes.n_head * s->sizes.head_dim;
        layer->qkv.next = &layer->attn_out;
        layer->attn_out.next = s->spec->cross ? &layer->cross_q : &layer->up;
        layer->cross_q.next = &layer->cross_out;
        layer->cross_out.next = &layer->up;
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
    w->qkv = ll_carve(base, used, n_rows * ll_max(ll_stack_qkv_width(&s->sizes), n));
    w->attended = ll_carve(base, used, n_rows * s->sizes.n_head * s->sizes.head_dim);
    w->inner = ll_carve(base, used, n_rows * s->sizes.n_inner);
    for (size_t i = 0; i < 2; i++) w->rotations[i] = ll_carve(base, used, n_rows * s->rope[i].n_dims);
    w->gated = ll_carve(base, used, glu_of(s) == LL_NO_GATE ? 0 : size->n_threads * LL_GATED_FLOATS);
    w->embedded = ll_carve(base, used, s->embed_project.nr ? n_rows * (size_t)c->n_embd_in : 0);
    w->n_scratch = ll_round_up(ll_attention_scratch_floats(s->kv, size->max_positions), 16);
    w->scratch = ll_carve(base, used, size->n_threads * w->n_scratch);
    const size_t heads = s->sizes.n_head * s->sizes.head_dim;
    const size_t widest = ll_max(ll_max(n, s->sizes.n_inner), ll_max(heads, (size_t)c->n_embd_in));
    w->quantized = ll_carve(base, used, ll_quantized_floats(net, widest, size));
}

/* RoBERTa counts only tokens that are not padding, and gives padding the position before the first one
 * (create_position_ids_from_input_ids). GGUF files leave that row out: it is 0. */
const float *ll_stack_position(const ll_stack *s, size_t position, bool is_padding) {
    const size_t n = (size_t)s->config->n_embd_in, offset = (size_t)s->config->position_offset;
    if (!s->positions) return NULL;
    if (!is_padding) return s->positions + (position + offset) * n;
    return offset ? s->positions + (offset - 1) * n : NULL;
}

/* out = embed_norm(tokens[token] * scale + types[t] + positions[p] + tasks[0]) */
static void embed_token(const ll_stack *s, const ll_kernels *k, int32_t token, int32_t type, const float *position,
                        float *out) {
    const size_t n = (size_t)s->config->n_embd_in;
    if (s->tokens.rows)
        ll_table_row(&s->tokens, (size_t)token, out);
    else
        ll_linear_row(s->tied, (size_t)token, out);
    const bool scaled = s->spec->embed.sqrt_scale || s->config->scale_embedding;
    const float scale = scaled ? (float)sqrt((double)s->config->n_embd) : 1.0f;
    for (size_t i = 0; i < n && scale != 1.0f; i++) out[i] *= scale;
    if (s->types) k->add(out, s->types + (size_t)type * n, out, n);
    if (position) k->add(out, position, out, n);
    if (s->tasks) k->add(out, s->tasks, out, n);
    if (s->embed_norm.n) ll_norm_row(k, &s->embed_norm, out, out);
}

/* Embeds this thread's rows. */
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

void ll_stack_embed(const ll_stack *s, const ll_exec *exec, const ll_batch *batch, ll_stack_workspace *w) {
    const bool project = s->embed_project.packed != NULL;
    embed_tokens(s, exec, batch, project ? w->embedded : w->x);
    if (!project) return;
    ll_team_wait(exec->team);
    ll_linear_apply(exec, &s->embed_project, w->embedded, batch->n_rows, LL_ACT_NONE, NULL, w->x);
}

float ll_stack_scale(const ll_stack *s) {
    if (s->config->query_scalar > 0) return (float)(1.0 / sqrt(s->config->query_scalar));
    return s->config->scale_attn_weights ? 1.0f / sqrtf((float)s->sizes.head_dim) : 1.0f;
}

/* The rotations of layer i, or NULL. */
static const float *rotations_of(const ll_stack *s, const ll_stack_workspace *w, size_t i) {
    if (!s->rope[0].n_dims || !ll_config_rotates(s->config, i)) return NULL;
    return w->rotations[s->rope[1].n_dims && ll_config_is_local(s->config, i)];
}

/* x = x + post_norm(linear(y)); without post_norm x = x + linear(y). */
static void add_product(const ll_exec *exec, const ll_linear *linear, const ll_norm *post_norm, const float *y,
                        size_t n_rows, ll_stack_workspace *w) {
    if (!post_norm->n) {
        ll_linear_apply(exec, linear, y, n_rows, LL_ACT_NONE, w->x, w->x);
        return;
    }
    ll_linear_apply(exec, linear, y, n_rows, LL_ACT_NONE, NULL, w->h);
    ll_team_wait(exec->team);
    ll_norm_add(exec, post_norm, w->h, n_rows, w->x);
}

/* x = x + attend(norm(x)). With LL_POST_NORM, norm is applied to x in place. */
static void forward_attention(const ll_stack *s, const ll_exec *exec, const ll_batch *batch, size_t i,
                              const ll_norm *norm, ll_stack_workspace *w) {
    const ll_layer *layer = &s->layers[i];
    ll_attention attention = {
        .layout = s->kv,
        .layer = i % s->kv->n_layer,
        .n_head = s->sizes.n_head,
        .segments = batch->segments,
        .n_segments = batch->n_segments,
        .causal = s->spec->causal,
        .window = ll_config_is_local(s->config, i) ? (size_t)s->config->layers.window : 0,
        .q_norm = layer->q_norm.n ? &layer->q_norm : NULL,
        .k_norm = layer->k_norm.n ? &layer->k_norm : NULL,
        .rope = rotations_of(s, w, i),
        .n_rotated = s->rope[0].n_dims,
        .distance = s->distance,
        .n_distance = s->n_distance,
        .scale = ll_stack_scale(s),
        .out = w->attended,
        .scratch = w->scratch + (size_t)exec->team->index * w->n_scratch,
    };
    ll_attention_set_qkv(&attention, w->qkv);
    const bool in_place = s->spec->norm.place == LL_POST_NORM;
    const ll_input in = norm ? ll_norm_input(exec, norm, &layer->qkv, w->x, batch->n_rows, in_place ? w->x : w->h)
                             : ll_linear_input(exec, &layer->qkv, w->x, batch->n_rows);
    ll_attention_project(exec, &layer->qkv, &in, w->qkv, &attention);
    ll_team_wait(exec->team);
    add_product(exec, &layer->attn_out, &layer->attn_post_norm, w->attended, batch->n_rows, w);
}

/* x = x + feed(norm(x)) */
static void forward_ffn(const ll_stack *s, const ll_exec *exec, const ll_batch *batch, const ll_layer *layer,
                        const ll_norm *norm, ll_stack_workspace *w) {
    const bool in_place = s->spec->norm.place == LL_POST_NORM;
    const int act = (int)s->config->activation;
    const ll_input in = ll_norm_input(exec, norm, &layer->up, w->x, batch->n_rows, in_place ? w->x : w->h);
    if (glu_of(s) == LL_NO_GATE)
        ll_linear_apply_to(exec, &layer->up, &in, act, NULL, w->inner);
    else
        ll_linear_apply_gated(exec, &layer->up, &in, act, w->inner);
    ll_team_wait(exec->team);
    add_product(exec, &layer->down, &layer->ffn_post_norm, w->inner, batch->n_rows, w);
}

/* With LL_POST_NORM the norm of a sub-layer is applied when the next one reads x: ll_norm_input norms and prepares the
 * input in one pass. */
bool ll_stack_layers(const ll_stack *s, const ll_exec *exec, const ll_batch *batch, size_t begin, size_t end,
                     ll_stack_workspace *w, atomic_bool *stopped) {
    const bool post = s->spec->norm.place == LL_POST_NORM;
    for (size_t i = 0; i < 2 && s->rope[i].n_dims; i++)
        ll_rope_rows(exec, &s->rope[i], batch->segments, batch->n_segments, w->rotations[i]);
    for (size_t i = begin; i < end; i++) {
        const ll_layer *layer = &s->layers[i];
        if (ll_forward_stopped(exec, batch, stopped)) return false;
        forward_attention(s, exec, batch, i, !post ? &layer->attn_norm : i ? &s->layers[i - 1].ffn_norm : NULL, w);
        ll_team_wait(exec->team);
        const ll_norm *before = &layer->attn_norm; /* the norm of the sub-layer before */
        if (s->spec->cross) {
            ll_source_attend(s, exec, batch, i, post ? before : &layer->cross_norm, w);
            ll_team_wait(exec->team);
            before = &layer->cross_norm;
        }
        forward_ffn(s, exec, batch, layer, post ? before : &layer->ffn_norm, w);
    }
    ll_team_wait(exec->team);
    return true;
}

bool ll_stack_forward(const ll_stack *s, const ll_exec *exec, const ll_batch *batch, ll_stack_workspace *w,
                      atomic_bool *stopped) {
    ll_stack_embed(s, exec, batch, w);
    return ll_stack_layers(s, exec, batch, 0, s->n_layers, w, stopped);
}

/* The norm to apply to x after the last layer, or NULL. */
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
