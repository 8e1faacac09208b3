/*
 * GPT-2 (Radford et al. 2019, "Language Models are Unsupervised Multitask Learners"; layer norm moved before each
 * sub-block). Tensor names are the checkpoint's own, with or without the prefix "transformer.".
 *
 *     x = wte[token] + wpe[position]
 *     for each block h:   x = x + attn.c_proj(attention(attn.c_attn(ln_1(x))))
 *                         x = x + mlp.c_proj(gelu(mlp.c_fc(ln_2(x))))
 *     logits = lm_head(ln_f(x)),  lm_head = wte where tied
 */
#include <math.h>
#include <string.h>

#include "models/registry.h"
#include "weights/fingerprint.h"

typedef struct gpt2_block {
    ll_norm ln_1;
    ll_linear attn_c_attn; /* n_embd -> 3 n_embd: query, key, value */
    ll_linear attn_c_proj; /* n_embd -> n_embd */
    ll_norm ln_2;
    ll_linear mlp_c_fc;   /* n_embd -> n_inner */
    ll_linear mlp_c_proj; /* n_inner -> n_embd */
} gpt2_block;

typedef struct gpt2 {
    ll_net net;
    float *wte; /* [vocab_size, n_embd]; NULL where tied: then the rows of lm_head */
    float *wpe; /* [n_positions, n_embd] */
    ll_norm ln_f;
    ll_linear lm_head; /* n_embd -> vocab_size, no bias */
} gpt2;

/* ------------------------------------------------------------------------------------------------ weights */

static llmcs_status describe_block(gpt2 *m, ll_loader *l, gpt2_block *b) {
    const ll_config *c = m->net.config;
    size_t n = (size_t)c->n_embd, inner = (size_t)c->n_inner;
    LL_TRY(ll_load_norm(l, &b->ln_1, n, c->layer_norm_eps, "ln_1"));
    LL_TRY(ll_load_linear(l, &b->attn_c_attn, LL_LARGE, LL_IN_OUT, n, 3 * n, "attn.c_attn"));
    LL_TRY(ll_load_linear(l, &b->attn_c_proj, LL_LARGE, LL_IN_OUT, n, n, "attn.c_proj"));
    LL_TRY(ll_load_norm(l, &b->ln_2, n, c->layer_norm_eps, "ln_2"));
    LL_TRY(ll_load_linear(l, &b->mlp_c_fc, LL_LARGE, LL_IN_OUT, n, inner, "mlp.c_fc"));
    return ll_load_linear(l, &b->mlp_c_proj, LL_LARGE, LL_IN_OUT, inner, n, "mlp.c_proj");
}

/* Tied, one matrix is both the embedding and the head. A copy of the head in the checkpoint is ignored, as Transformers
 * overwrites it by tying. */
static llmcs_status describe_vocabulary(gpt2 *m, ll_loader *l) {
    const ll_config *c = m->net.config;
    size_t n = (size_t)c->n_embd, vocab = (size_t)c->vocab_size;
    const char *name = c->tie_word_embeddings ? "wte" : "lm_head";
    if (!c->tie_word_embeddings) {
        LL_TRY(ll_load_table(l, &m->wte, vocab, n, "wte.weight"));
        ll_format(l->scope, sizeof l->scope, "%s", ll_tensors_outer(l->tensors));
    }
    return ll_load_weights(l, &m->lm_head, LL_LARGE, LL_OUT_IN, n, vocab, &name, 1, false);
}

/* The order in which the forward pass applies them, for prefetching; after the head comes the next token. */
static void link_linears(gpt2 *m) {
    gpt2_block *h = m->net.layers;
    for (size_t i = 0; i < m->net.n_layers; i++) {
        h[i].attn_c_attn.n_parts = 3;
        h[i].attn_c_attn.next = &h[i].attn_c_proj;
        h[i].attn_c_proj.next = &h[i].mlp_c_fc;
        h[i].mlp_c_fc.next = &h[i].mlp_c_proj;
        h[i].mlp_c_proj.next = i + 1 < m->net.n_layers ? &h[i + 1].attn_c_attn : &m->lm_head;
    }
    if (m->net.n_layers) m->lm_head.next = &h[0].attn_c_attn;
}

static llmcs_status gpt2_describe(ll_net *net, ll_loader *l) {
    gpt2 *m = (gpt2 *)net;
    gpt2_block *h = net->layers;
    const ll_config *c = m->net.config;
    size_t n = (size_t)c->n_embd;
    const char *prefix = ll_tensors_prefix(l->tensors);
    for (int i = 0; i < c->n_layer; i++) {
        gpt2_block counted = {0}; /* while counting, nothing is stored in it */
        ll_format(l->scope, sizeof l->scope, "%sh.%d.", prefix, i);
        LL_TRY(describe_block(m, l, l->filling ? &h[i] : &counted));
    }
    ll_format(l->scope, sizeof l->scope, "%s", prefix);
    LL_TRY(ll_load_table(l, &m->wpe, (size_t)c->n_positions, n, "wpe.weight"));
    LL_TRY(ll_load_norm(l, &m->ln_f, n, c->layer_norm_eps, "ln_f"));
    LL_TRY(describe_vocabulary(m, l));
    if (l->filling) link_linears(m);
    return LLMCS_OK;
}

static uint64_t gpt2_fingerprint(const ll_net *net) {
    const gpt2 *m = (const gpt2 *)net;
    const ll_config *c = net->config;
    const size_t n = (size_t)c->n_embd;
    uint64_t hash = ll_fingerprint_config(0, c);
    for (size_t i = 0; i < net->n_layers; i++) {
        const gpt2_block *b = (const gpt2_block *)net->layers + i;
        hash = ll_fingerprint_norm(hash, &b->ln_1);
        hash = ll_fingerprint_linear(hash, &b->attn_c_attn);
        hash = ll_fingerprint_linear(hash, &b->attn_c_proj);
        hash = ll_fingerprint_norm(hash, &b->ln_2);
        hash = ll_fingerprint_linear(hash, &b->mlp_c_fc);
        hash = ll_fingerprint_linear(hash, &b->mlp_c_proj);
    }
    if (m->wte) hash = ll_fingerprint_table(hash, m->wte, (size_t)c->vocab_size, n);
    hash = ll_fingerprint_floats(hash, m->wpe, (size_t)c->n_positions * n);
    return ll_fingerprint_linear(ll_fingerprint_norm(hash, &m->ln_f), &m->lm_head);
}

/* ------------------------------------------------------------------------------------------- forward pass */

typedef struct gpt2_workspace {
    float *x;        /* [n_rows, n_embd] the residual stream */
    float *h;        /* [ll_normed_rows, n_embd] ln_1 or ln_2 of x */
    float *qkv;      /* [n_rows, 3 n_embd] */
    float *attended; /* [n_rows, n_embd] output of attention, before c_proj */
    float *inner;    /* [n_rows, n_inner] */
    float *last;     /* [n_logit_rows, n_embd] ln_f of the logit rows */
    float *scratch;  /* [n_threads, n_scratch] of attention */
    size_t n_scratch;
    float *quantized; /* activations in 8 bits, for integer weights */
} gpt2_workspace;

static size_t lay_out(const ll_net *net, const ll_forward_size *s, float *base, gpt2_workspace *w) {
    size_t n = (size_t)net->config->n_embd, used = 0;
    w->x = ll_carve(base, &used, s->n_rows * n);
    w->h = ll_carve(base, &used, ll_normed_rows(s->n_rows, s->n_threads) * n);
    w->qkv = ll_carve(base, &used, s->n_rows * 3 * n);
    w->attended = ll_carve(base, &used, s->n_rows * n);
    w->inner = ll_carve(base, &used, s->n_rows * (size_t)net->config->n_inner);
    w->last = ll_carve(base, &used, s->n_logit_rows * n);
    w->n_scratch = ll_round_up(ll_attention_scratch_floats(&net->kv, s->max_positions), 16);
    w->scratch = ll_carve(base, &used, s->n_threads * w->n_scratch);
    w->quantized = ll_carve(base, &used, ll_quantized_floats(net, s));
    return used;
}

static size_t gpt2_workspace_floats(const ll_net *net, const ll_forward_size *size) {
    gpt2_workspace unused;
    return lay_out(net, size, NULL, &unused);
}

/* x[row] = wte[token] + wpe[position], this thread's rows. */
static void embed_tokens(const gpt2 *m, const ll_exec *exec, const ll_batch *batch, float *x) {
    size_t n = (size_t)m->net.config->n_embd, begin, end;
    ll_team_share(exec->team, batch->n_rows, 1, &begin, &end);
    for (size_t s = 0; s < batch->n_segments; s++) {
        const ll_segment *segment = &batch->segments[s];
        size_t last = ll_min(end, segment->first_row + segment->n_rows);
        for (size_t row = ll_max(begin, segment->first_row); row < last; row++) {
            size_t token = (size_t)batch->ids[row], position = segment->first_position + row - segment->first_row;
            float *out = x + row * n;
            if (m->wte)
                memcpy(out, m->wte + token * n, n * sizeof *out);
            else
                ll_linear_row(&m->lm_head, token, out);
            exec->kernels->add(out, m->wpe + position * n, out, n);
        }
    }
}

static void forward_block(const gpt2 *m, const ll_exec *exec, const ll_batch *batch, size_t layer, gpt2_workspace *w) {
    const ll_config *c = m->net.config;
    const gpt2_block *b = (const gpt2_block *)m->net.layers + layer;
    const ll_attention attention = {
        .layout = &m->net.kv,
        .layer = layer,
        .qkv = w->qkv,
        .segments = batch->segments,
        .n_segments = batch->n_segments,
        .causal = true,
        .scale = c->scale_attn_weights ? 1.0f / sqrtf((float)m->net.kv.head_dim) : 1.0f,
        .out = w->attended,
        .scratch = w->scratch + (size_t)exec->team->index * w->n_scratch,
    };

    ll_input in = ll_norm_input(exec, &b->ln_1, &b->attn_c_attn, w->x, batch->n_rows, w->h);
    ll_attention_project(exec, &b->attn_c_attn, &in, w->qkv, &attention);
    ll_team_wait(exec->team);
    ll_linear_apply(exec, &b->attn_c_proj, w->attended, batch->n_rows, LL_ACT_NONE, w->x, w->x);
    ll_team_wait(exec->team);

    in = ll_norm_input(exec, &b->ln_2, &b->mlp_c_fc, w->x, batch->n_rows, w->h);
    ll_linear_apply_to(exec, &b->mlp_c_fc, &in, (int)c->activation, NULL, w->inner);
    ll_team_wait(exec->team);
    ll_linear_apply(exec, &b->mlp_c_proj, w->inner, batch->n_rows, LL_ACT_NONE, w->x, w->x);
}

/* ln_f and the head, which is a third of the weights, for the logit rows only. */
static void forward_head(const gpt2 *m, const ll_exec *exec, const ll_batch *batch, gpt2_workspace *w) {
    size_t n = (size_t)m->net.config->n_embd, begin, end;
    if (batch->hidden) ll_norm_apply(exec, &m->ln_f, w->x, batch->n_rows, batch->hidden);
    if (!batch->n_logit_rows) return;
    ll_team_share(exec->team, batch->n_logit_rows, 1, &begin, &end);
    for (size_t i = begin; i < end; i++)
        exec->kernels->layer_norm(w->x + batch->logit_rows[i] * n, m->ln_f.weight, m->ln_f.bias, m->ln_f.eps,
                                  w->last + i * n, n);
    ll_team_wait(exec->team);
    ll_linear_apply_with_max(exec, &m->lm_head, w->last, batch->n_logit_rows, batch->logits, batch->block_max);
}

static void gpt2_forward(const ll_net *net, const ll_exec *team_exec, const ll_batch *batch, float *workspace,
                         atomic_bool *stopped) {
    const gpt2 *m = (const gpt2 *)net;
    gpt2_workspace w;
    ll_forward_size size = ll_batch_size(batch, (size_t)team_exec->team->size);
    lay_out(net, &size, workspace, &w);
    ll_exec with_workspace = *team_exec;
    with_workspace.quantized = w.quantized;
    with_workspace.acc = w.qkv; /* free once attention has read it */
    const ll_exec *exec = &with_workspace;
    embed_tokens(m, exec, batch, w.x);
    for (size_t layer = 0; layer < net->n_layers; layer++) {
        if (ll_forward_stopped(exec, batch, stopped)) return;
        forward_block(m, exec, batch, layer, &w);
    }
    ll_team_wait(exec->team);
    forward_head(m, exec, batch, &w);
}

const ll_net_ops ll_gpt2_ops = {.net_bytes = sizeof(gpt2),
                                .causal = true,
                                .layer_bytes = sizeof(gpt2_block),
                                .describe = gpt2_describe,
                                .workspace_floats = gpt2_workspace_floats,
                                .forward = gpt2_forward,
                                .fingerprint = gpt2_fingerprint};
