/*
 * Heads over the rows of a stack's output:
 *
 *     pooled = tanh(pooler(first row))
 *     logits = out(norm(act(dense(rows))))
 *
 * rows are the first, the last or each row, the mean of all, or the rows that a call requests.
 */
#include "models/heads.h"

#include <math.h>
#include <string.h>

bool ll_heads_tied(const ll_config *c) {
    return (c->head == LL_HEAD_CAUSAL_LM || c->head == LL_HEAD_MASKED_LM) && c->tie_word_embeddings;
}

static bool is_language_model(const ll_head_spec *spec) {
    return spec->head == LL_HEAD_CAUSAL_LM || spec->head == LL_HEAD_MASKED_LM;
}

static ll_head_rows rows_of(const ll_head_spec *spec, const ll_config *c) {
    if (spec->rows == LL_ROWS_EOS) return LL_ROWS_LOGITS;
    if (spec->rows != LL_ROWS_BY_KEY) return spec->rows;
    return c->classifier_pooling ? LL_ROWS_MEAN : LL_ROWS_FIRST;
}

/* Inputs of `out`: a language model's are as wide as the token table. */
static size_t width_of(const ll_head_spec *spec, const ll_config *c) {
    return (size_t)(is_language_model(spec) ? c->n_embd_in : c->n_embd);
}

/* ------------------------------------------------------------------------------------------------ weights */

llmcs_status ll_heads_describe_pooler(ll_heads *h, const ll_config *c, ll_loader *l, const char *prefix) {
    const char *name = ll_role_name(&c->family->stack[0], LL_POOLER);
    const size_t n = (size_t)c->n_embd;
    char weight[128];
    h->spec = c->head_spec;
    if (!name) return LLMCS_OK;
    ll_format(l->scope, sizeof l->scope, "%s", prefix);
    ll_format(weight, sizeof weight, "%s.weight", name);
    if (!(h->spec && h->spec->pooler) && !ll_loader_has(l, weight)) return LLMCS_OK;
    return ll_load_linear(l, &h->pooler, LL_SMALL, LL_OUT_IN, n, n, name);
}

/* The vocabulary matrix of a language model. If it is tied, a copy in the checkpoint is ignored, as in Transformers. */
static llmcs_status describe_vocabulary(ll_heads *h, const ll_config *c, ll_loader *l, const char *prefix,
                                        const char *outer) {
    const ll_bias_rule rule = h->spec->out_bias;
    const bool tied = ll_heads_tied(c);
    const size_t vocab = (size_t)c->vocab_size;
    const char *bias = h->spec->out_biases[0];
    char own[128];
    ll_format(l->scope, sizeof l->scope, "%s", outer);
    const bool with_bias = rule == LL_WITH_BIAS || (rule == LL_BIAS_BY_KEY && c->decoder_bias) ||
                           (rule == LL_BIAS_IF_STORED && ll_loader_has(l, bias));
    ll_format(l->scope, sizeof l->scope, "%s", tied ? prefix : outer);
    const char *name = tied ? ll_stack_token_name(ll_family_last_stack(c->family), c, l) : h->spec->out.checkpoint;
    LL_TRY(ll_load_weights(l, &h->out, LL_LARGE, LL_OUT_IN, width_of(h->spec, c), vocab, &name, 1, with_bias));
    ll_format(l->scope, sizeof l->scope, "%s", outer);
    if (!with_bias) return LLMCS_OK;
    ll_format(own, sizeof own, "%s.bias", h->spec->out.checkpoint);
    if (!bias) bias = own;
    if (!ll_loader_has(l, bias) && h->spec->out_biases[1]) bias = h->spec->out_biases[1];
    return ll_load_bias(l, &h->out, 0, vocab, bias);
}

static llmcs_status describe_linear(ll_loader *l, const ll_config *c, ll_linear *linear, size_t n_in, size_t n_out,
                                    const char *name, ll_bias_rule rule) {
    if (rule == LL_WITH_BIAS || (rule == LL_BIAS_BY_KEY && c->classifier_bias))
        return ll_load_linear(l, linear, LL_SMALL, LL_OUT_IN, n_in, n_out, name);
    return ll_load_weights(l, linear, LL_SMALL, LL_OUT_IN, n_in, n_out, &name, 1, false);
}

llmcs_status ll_heads_describe(ll_heads *h, const ll_config *c, ll_loader *l, const char *prefix, const char *outer) {
    const ll_head_spec *spec = h->spec = c->head_spec;
    const size_t n = (size_t)c->n_embd;
    if (!spec) return LLMCS_OK;
    const size_t width = width_of(spec, c);
    ll_format(l->scope, sizeof l->scope, "%s", outer);
    if (spec->dense.checkpoint)
        LL_TRY(describe_linear(l, c, &h->dense, n, width, spec->dense.checkpoint, spec->dense_bias));
    if (spec->norm.checkpoint)
        LL_TRY(ll_load_norm_of(l, &h->norm, LL_NORM_LAYER, width, c->layer_norm_eps, spec->norm.checkpoint,
                               !c->family->stack[0].norm.no_bias, 0.0f));
    if (is_language_model(spec)) return describe_vocabulary(h, c, l, prefix, outer);
    return describe_linear(l, c, &h->out, width, ll_config_n_logits(c), spec->out.checkpoint, spec->out_bias);
}

/* ------------------------------------------------------------------------------------------- forward pass */

void ll_heads_lay_out(const ll_heads *h, const ll_config *c, const ll_forward_size *size, float *base, size_t *used,
                      ll_heads_workspace *w) {
    const size_t n = (size_t)c->n_embd, per_row = h->spec && h->spec->rows == LL_ROWS_EACH ? size->n_rows : 0;
    const bool of_segments = !h->spec || h->spec->rows != LL_ROWS_LOGITS || h->pooler.nr; /* or the pooler's */
    const size_t n_rows = ll_max(per_row, ll_max(of_segments ? size->n_segments : 0, size->n_logit_rows));
    const bool has_dense = h->spec && (h->spec->dense.checkpoint || h->spec->pooler);
    w->rows = ll_carve(base, used, n_rows * n);
    w->dense = ll_carve(base, used, has_dense ? n_rows * ll_max(n, (size_t)c->n_embd_in) : 0);
}

/* The mean of a segment's rows. x: the stack's outputs, after the last norm. */
static void mean_of(const ll_exec *exec, const ll_segment *segment, const float *x, size_t n, float *out) {
    memset(out, 0, n * sizeof *out);
    for (size_t r = 0; r < segment->n_rows; r++) exec->kernels->add(out, x + (segment->first_row + r) * n, out, n);
    for (size_t i = 0; i < n; i++) out[i] /= (float)segment->n_rows;
}

/* rows[i] = the stack's output that result i is computed from. Divided over the threads. */
static void gather(const ll_stack *s, const ll_exec *exec, const ll_batch *batch, ll_head_rows which, float *x,
                   size_t n_rows, float *rows) {
    const size_t n = (size_t)s->config->n_embd;
    size_t begin, end;
    if (which == LL_ROWS_MEAN) {
        ll_stack_outputs(s, exec, x, batch->n_rows, x);
        ll_team_wait(exec->team);
    }
    ll_team_share(exec->team, n_rows, 1, &begin, &end);
    for (size_t i = begin; i < end; i++) {
        float *out = rows + i * n;
        const ll_segment *segment = which == LL_ROWS_LOGITS ? NULL : &batch->segments[i];
        if (!segment)
            ll_stack_output(s, exec, x, batch->logit_rows[i], out);
        else if (which == LL_ROWS_MEAN)
            mean_of(exec, segment, x, n, out);
        else
            ll_stack_output(s, exec, x, segment->first_row + (which == LL_ROWS_LAST ? segment->n_rows - 1 : 0), out);
    }
    ll_team_wait(exec->team);
}

/* rows = rows / sqrt(n_embd). Divided over the threads. */
static void scale_rows(const ll_stack *s, const ll_exec *exec, size_t n_rows, float *rows) {
    const size_t n = (size_t)s->config->n_embd;
    const float scale = (float)(1.0 / sqrt((double)n));
    size_t begin, end;
    ll_team_share(exec->team, n_rows, 1, &begin, &end);
    for (size_t i = begin * n; i < end * n; i++) rows[i] *= scale;
    ll_team_wait(exec->team);
}

/* logits = out(norm(act(dense(rows)))) */
static void apply(const ll_heads *h, const ll_config *c, const ll_exec *exec, const ll_batch *batch, const float *rows,
                  size_t n_rows, float *dense) {
    const ll_linear *first = h->spec->pooler ? &h->pooler : &h->dense;
    if (first->packed) {
        const ll_activation act = h->spec->act_of_config ? c->activation : h->spec->act;
        ll_linear_apply(exec, first, rows, n_rows, (int)act, NULL, dense);
        ll_team_wait(exec->team);
        if (h->norm.n) {
            ll_norm_apply(exec, &h->norm, dense, n_rows, dense);
            ll_team_wait(exec->team);
        }
        rows = dense;
    }
    if (h->spec->head == LL_HEAD_CAUSAL_LM)
        ll_linear_apply_with_max(exec, &h->out, rows, n_rows, batch->logits, batch->block_max);
    else
        ll_linear_apply(exec, &h->out, rows, n_rows, LL_ACT_NONE, NULL, batch->logits);
}

void ll_heads_forward(const ll_heads *h, const ll_stack *s, const ll_exec *exec, const ll_batch *batch, float *x,
                      ll_heads_workspace *w) {
    if (batch->hidden) ll_stack_outputs(s, exec, x, batch->n_rows, batch->hidden);
    if (batch->pooled) {
        gather(s, exec, batch, LL_ROWS_FIRST, x, batch->n_segments, w->rows);
        ll_linear_apply(exec, &h->pooler, w->rows, batch->n_segments, LL_ACT_TANH, NULL, batch->pooled);
        ll_team_wait(exec->team);
    }
    if (!h->spec || !batch->logits) return;
    const ll_head_rows rows = rows_of(h->spec, s->config);
    if (rows == LL_ROWS_EACH) {
        ll_stack_outputs(s, exec, x, batch->n_rows, x);
        ll_team_wait(exec->team);
        apply(h, s->config, exec, batch, x, batch->n_rows, w->dense);
        return;
    }
    const size_t n_rows = rows == LL_ROWS_LOGITS ? batch->n_logit_rows : batch->n_segments;
    if (!n_rows) return;
    gather(s, exec, batch, rows, x, n_rows, w->rows);
    if (h->spec->scaled_if_tied && ll_heads_tied(s->config)) scale_rows(s, exec, n_rows, w->rows);
    apply(h, s->config, exec, batch, w->rows, n_rows, w->dense);
}
