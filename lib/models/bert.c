/*
 * BERT (Devlin et al. 2019), DistilBERT (Sanh et al. 2019) and RoBERTa (Liu et al. 2019): one encoder, whose
 * checkpoints differ in tensor names, in how positions are counted and in the heads. The table below holds the names.
 *
 *     x = norm(word[token] + position[p + offset] + type[t])
 *     for each layer:   x = norm(x + output(attention(query | key | value of x)))
 *                       x = norm(x + down(act(up(x))))
 *     pooled  = tanh(pooler(x of the first token))
 *     classes = out(act(dense(x of the first token)))       BERT: dense is the pooler; DistilBERT: act is ReLU
 *     mlm     = decoder(norm(act(transform(x)))) + bias      decoder is word[] where tied
 *     tags    = out(x)                                       of every token; answer spans: a start and an end
 */
#include <math.h>
#include <string.h>

#include "base/xxh64.h"
#include "models/registry.h"
#include "weights/fingerprint.h"

/* Tensor names of a family: those of a layer stand after `layer` and its number. */
typedef struct bert_names {
    const char *layer;
    const char *query, *key, *value, *attention_output, *attention_norm, *up, *down, *output_norm;
    /* Heads; what stands before the names of layers does not stand before theirs. */
    const char *class_dense; /* NULL: the pooler */
    const char *class_out;
    const char *tag_out;                    /* token classification; "qa_outputs" in question answering */
    const char *transform, *transform_norm; /* masked LM */
    const char *decoder, *decoder_bias[2];  /* the bias is stored by one or both of two names */
    ll_activation class_act;
} bert_names;

static const bert_names bert_names_bert = {
    .layer = "encoder.layer.",
    .query = "attention.self.query",
    .key = "attention.self.key",
    .value = "attention.self.value",
    .attention_output = "attention.output.dense",
    .attention_norm = "attention.output.LayerNorm",
    .up = "intermediate.dense",
    .down = "output.dense",
    .output_norm = "output.LayerNorm",
    .class_out = "classifier",
    .tag_out = "classifier",
    .class_act = LL_ACT_TANH,
    .transform = "cls.predictions.transform.dense",
    .transform_norm = "cls.predictions.transform.LayerNorm",
    .decoder = "cls.predictions.decoder",
    .decoder_bias = {"cls.predictions.bias", "cls.predictions.decoder.bias"},
};

static const bert_names bert_names_distilbert = {
    .layer = "transformer.layer.",
    .query = "attention.q_lin",
    .key = "attention.k_lin",
    .value = "attention.v_lin",
    .attention_output = "attention.out_lin",
    .attention_norm = "sa_layer_norm",
    .up = "ffn.lin1",
    .down = "ffn.lin2",
    .output_norm = "output_layer_norm",
    .class_dense = "pre_classifier",
    .class_out = "classifier",
    .tag_out = "classifier",
    .class_act = LL_ACT_RELU,
    .transform = "vocab_transform",
    .transform_norm = "vocab_layer_norm",
    .decoder = "vocab_projector",
    .decoder_bias = {"vocab_projector.bias", "vocab_projector.bias"},
};

static const bert_names bert_names_roberta = {
    .layer = "encoder.layer.",
    .query = "attention.self.query",
    .key = "attention.self.key",
    .value = "attention.self.value",
    .attention_output = "attention.output.dense",
    .attention_norm = "attention.output.LayerNorm",
    .up = "intermediate.dense",
    .down = "output.dense",
    .output_norm = "output.LayerNorm",
    .class_dense = "classifier.dense",
    .class_out = "classifier.out_proj",
    .tag_out = "classifier",
    .class_act = LL_ACT_TANH,
    .transform = "lm_head.dense",
    .transform_norm = "lm_head.layer_norm",
    .decoder = "lm_head.decoder",
    .decoder_bias = {"lm_head.bias", "lm_head.decoder.bias"},
};

typedef struct bert_layer {
    ll_linear qkv;              /* n_embd -> 3 n_embd */
    ll_linear attention_output; /* n_embd -> n_embd */
    ll_norm attention_norm;
    ll_linear up;   /* n_embd -> n_inner */
    ll_linear down; /* n_inner -> n_embd */
    ll_norm output_norm;
} bert_layer;

typedef struct bert {
    ll_net net;
    float *word;     /* [vocab_size, n_embd]; NULL where the rows of decoder are it */
    float *position; /* [n_positions, n_embd] */
    float *type;     /* [type_vocab_size, n_embd]; NULL: no token types */
    ll_norm embedding_norm;
    ll_linear pooler;      /* n_embd -> n_embd; packed is NULL without one */
    ll_linear class_dense; /* n_embd -> n_embd; packed is NULL where the pooler is it */
    ll_linear class_out;   /* n_embd -> n_labels; of every token in token classification and question answering */
    ll_linear transform;   /* n_embd -> n_embd */
    ll_norm transform_norm;
    ll_linear decoder; /* n_embd -> vocab_size */
} bert;

static const bert_names *names_of(const ll_config *config) {
    if (config->family == LL_FAMILY_DISTILBERT) return &bert_names_distilbert;
    return config->family == LL_FAMILY_ROBERTA ? &bert_names_roberta : &bert_names_bert;
}

/* ------------------------------------------------------------------------------------------------ weights */

/* Query, key and value as the outputs of one linear. */
static llmcs_status describe_qkv(ll_loader *l, const bert_names *names, size_t n, ll_linear *qkv) {
    const char *const parts[3] = {names->query, names->key, names->value};
    LL_TRY(ll_load_weights(l, qkv, LL_LARGE, LL_OUT_IN, n, 3 * n, parts, 3, true));
    for (size_t i = 0; i < 3; i++) {
        char bias[64];
        ll_format(bias, sizeof bias, "%s.bias", parts[i]);
        LL_TRY(ll_load_bias(l, qkv, i * n, n, bias));
    }
    return LLMCS_OK;
}

static llmcs_status describe_layer(const ll_config *c, ll_loader *l, const bert_names *names, bert_layer *layer) {
    size_t n = (size_t)c->n_embd, inner = (size_t)c->n_inner;
    float eps = c->layer_norm_eps;
    LL_TRY(describe_qkv(l, names, n, &layer->qkv));
    LL_TRY(ll_load_linear(l, &layer->attention_output, LL_LARGE, LL_OUT_IN, n, n, names->attention_output));
    LL_TRY(ll_load_norm(l, &layer->attention_norm, n, eps, names->attention_norm));
    LL_TRY(ll_load_linear(l, &layer->up, LL_LARGE, LL_OUT_IN, n, inner, names->up));
    LL_TRY(ll_load_linear(l, &layer->down, LL_LARGE, LL_OUT_IN, inner, n, names->down));
    return ll_load_norm(l, &layer->output_norm, n, eps, names->output_norm);
}

/* A tied masked-LM head: its decoder is the word embedding, and describe_mlm_head loads it. */
static bool decoder_is_tied(const ll_config *c) { return c->head == LL_HEAD_MASKED_LM && c->tie_word_embeddings; }

static llmcs_status describe_embeddings(bert *m, ll_loader *l) {
    const ll_config *c = m->net.config;
    size_t n = (size_t)c->n_embd, types = (size_t)c->type_vocab_size;
    if (!decoder_is_tied(c))
        LL_TRY(ll_load_table(l, &m->word, (size_t)c->vocab_size, n, "embeddings.word_embeddings.weight"));
    LL_TRY(ll_load_table(l, &m->position, (size_t)c->n_positions, n, "embeddings.position_embeddings.weight"));
    if (types) LL_TRY(ll_load_table(l, &m->type, types, n, "embeddings.token_type_embeddings.weight"));
    return ll_load_norm(l, &m->embedding_norm, n, c->layer_norm_eps, "embeddings.LayerNorm");
}

static llmcs_status describe_pooler(bert *m, ll_loader *l, const bert_names *names) {
    size_t n = (size_t)m->net.config->n_embd;
    bool classifies = m->net.config->head == LL_HEAD_CLASSIFICATION && !names->class_dense;
    m->net.has_pooler = classifies || ll_loader_has(l, "pooler.dense.weight");
    return m->net.has_pooler ? ll_load_linear(l, &m->pooler, LL_SMALL, LL_OUT_IN, n, n, "pooler.dense") : LLMCS_OK;
}

static llmcs_status describe_classifier(bert *m, ll_loader *l, const bert_names *names) {
    size_t n = (size_t)m->net.config->n_embd, n_labels = (size_t)m->net.config->n_labels;
    if (names->class_dense) LL_TRY(ll_load_linear(l, &m->class_dense, LL_SMALL, LL_OUT_IN, n, n, names->class_dense));
    return ll_load_linear(l, &m->class_out, LL_SMALL, LL_OUT_IN, n, n_labels, names->class_out);
}

/* One linear over every token. */
static llmcs_status describe_tagger(bert *m, ll_loader *l, const bert_names *names) {
    const ll_config *c = m->net.config;
    const char *name = c->head == LL_HEAD_SPAN ? "qa_outputs" : names->tag_out;
    return ll_load_linear(l, &m->class_out, LL_SMALL, LL_OUT_IN, (size_t)c->n_embd, ll_config_n_logits(c), name);
}

/* Tied, a copy of the decoder in the checkpoint is ignored. */
static llmcs_status describe_mlm_head(bert *m, ll_loader *l, const bert_names *names, const char *prefix) {
    const ll_config *c = m->net.config;
    size_t n = (size_t)c->n_embd, vocab = (size_t)c->vocab_size;
    const char *bias = names->decoder_bias[ll_loader_has(l, names->decoder_bias[0]) ? 0 : 1];
    LL_TRY(ll_load_linear(l, &m->transform, LL_SMALL, LL_OUT_IN, n, n, names->transform));
    LL_TRY(ll_load_norm(l, &m->transform_norm, n, c->layer_norm_eps, names->transform_norm));
    const char *decoder = c->tie_word_embeddings ? "embeddings.word_embeddings" : names->decoder;
    if (c->tie_word_embeddings) ll_format(l->scope, sizeof l->scope, "%s", prefix);
    LL_TRY(ll_load_weights(l, &m->decoder, LL_LARGE, LL_OUT_IN, n, vocab, &decoder, 1, true));
    ll_format(l->scope, sizeof l->scope, "%s", ll_tensors_outer(l->tensors));
    return ll_load_bias(l, &m->decoder, 0, vocab, bias);
}

/* The order in which the forward pass applies them, for prefetching; after the last comes the next text. */
static void link_linears(bert *m) {
    bert_layer *layers = m->net.layers;
    for (size_t i = 0; i < m->net.n_layers; i++) {
        layers[i].qkv.n_parts = 3;
        layers[i].qkv.next = &layers[i].attention_output;
        layers[i].attention_output.next = &layers[i].up;
        layers[i].up.next = &layers[i].down;
        layers[i].down.next = &layers[i + 1 < m->net.n_layers ? i + 1 : 0].qkv;
    }
}

static llmcs_status bert_describe(ll_net *net, ll_loader *l) {
    bert *m = (bert *)net;
    bert_layer *layers = net->layers;
    const ll_config *c = m->net.config;
    const bert_names *names = names_of(c);
    const char *prefix = ll_tensors_prefix(l->tensors);
    ll_format(l->scope, sizeof l->scope, "%s", prefix);
    LL_TRY(describe_embeddings(m, l));
    LL_TRY(describe_pooler(m, l, names));
    for (int i = 0; i < c->n_layer; i++) {
        bert_layer counted = {0}; /* while counting, nothing is stored in it */
        ll_format(l->scope, sizeof l->scope, "%s%s%d.", prefix, names->layer, i);
        LL_TRY(describe_layer(c, l, names, l->filling ? &layers[i] : &counted));
    }
    if (l->filling) link_linears(m);
    ll_format(l->scope, sizeof l->scope, "%s", ll_tensors_outer(l->tensors));
    if (c->head == LL_HEAD_CLASSIFICATION) return describe_classifier(m, l, names);
    if (ll_config_tags_tokens(c)) return describe_tagger(m, l, names);
    return c->head == LL_HEAD_MASKED_LM ? describe_mlm_head(m, l, names, prefix) : LLMCS_OK;
}

/* ------------------------------------------------------------------------------------------- forward pass */

typedef struct bert_workspace {
    float *x;        /* [n_rows, n_embd] */
    float *attended; /* [n_rows, n_embd] output of attention, before its dense layer */
    float *qkv;      /* [n_rows, 3 n_embd] */
    float *inner;    /* [n_rows, n_inner] */
    float *first;    /* [n_segments, n_embd] x of the first tokens */
    float *dense;    /* [n_segments, n_embd] the classifier's dense layer */
    float *mlm;      /* [n_logit_rows, n_embd] x of the logit rows */
    float *mapped;   /* [n_logit_rows, n_embd] the same, transformed */
    float *scratch;  /* [n_threads, n_scratch] attention's */
    size_t n_scratch;
    float *quantized; /* activations in 8 bits, for integer weights */
} bert_workspace;

static size_t lay_out(const ll_net *net, const ll_forward_size *s, float *base, bert_workspace *w) {
    size_t n = (size_t)net->config->n_embd, used = 0;
    w->x = ll_carve(base, &used, s->n_rows * n);
    w->attended = ll_carve(base, &used, s->n_rows * n);
    w->qkv = ll_carve(base, &used, s->n_rows * 3 * n);
    w->inner = ll_carve(base, &used, s->n_rows * (size_t)net->config->n_inner);
    w->first = ll_carve(base, &used, s->n_segments * n);
    w->dense = ll_carve(base, &used, s->n_segments * n);
    w->mlm = ll_carve(base, &used, s->n_logit_rows * n);
    w->mapped = ll_carve(base, &used, s->n_logit_rows * n);
    w->n_scratch = ll_round_up(ll_attention_scratch_floats(&net->kv, s->max_positions), 16);
    w->scratch = ll_carve(base, &used, s->n_threads * w->n_scratch);
    w->quantized = ll_carve(base, &used, ll_quantized_floats(net, s));
    return used;
}

static size_t bert_workspace_floats(const ll_net *net, const ll_forward_size *size) {
    bert_workspace unused;
    return lay_out(net, size, NULL, &unused);
}

/* The row of the position table for a token, or NULL. RoBERTa counts the tokens that are not padding, and padding has
 * the position before the first one (create_position_ids_from_input_ids); GGUF files leave that row out, it is 0. */
static const float *position_of(const bert *m, size_t position, bool is_padding) {
    const size_t n = (size_t)m->net.config->n_embd, offset = (size_t)m->net.config->position_offset;
    if (!is_padding) return m->position + (position + offset) * n;
    return offset ? m->position + (offset - 1) * n : NULL;
}

/* x[row] = norm(word + position + type), this thread's rows. */
static void embed_tokens(const bert *m, const ll_exec *exec, const ll_batch *batch, float *x) {
    const ll_kernels *k = exec->kernels;
    const int32_t padding = m->net.config->family == LL_FAMILY_ROBERTA ? m->net.config->pad_token_id : -1;
    size_t n = (size_t)m->net.config->n_embd, begin, end;
    ll_team_share(exec->team, batch->n_rows, 1, &begin, &end);
    for (size_t s = 0; s < batch->n_segments; s++) {
        const ll_segment *segment = &batch->segments[s];
        size_t first = ll_max(begin, segment->first_row), last = ll_min(end, segment->first_row + segment->n_rows),
               n_padding = 0;
        for (size_t row = segment->first_row; first < last && row < first; row++)
            n_padding += batch->ids[row] == padding;
        for (size_t row = first; row < last; row++) {
            const bool is_padding = batch->ids[row] == padding;
            const float *position =
                position_of(m, segment->first_position + row - segment->first_row - n_padding, is_padding);
            n_padding += is_padding;
            size_t token = (size_t)batch->ids[row];
            size_t type = batch->type_ids ? (size_t)batch->type_ids[row] : 0;
            float *out = x + row * n;
            if (m->word)
                memcpy(out, m->word + token * n, n * sizeof *out);
            else
                ll_linear_row(&m->decoder, token, out);
            if (m->type) k->add(out, m->type + type * n, out, n);
            if (position) k->add(out, position, out, n);
            k->layer_norm(out, m->embedding_norm.weight, m->embedding_norm.bias, m->embedding_norm.eps, out, n);
        }
    }
}

/* A layer without its last norm, which the next layer applies: `norm` is that of the layer before, or NULL. */
static void forward_layer(const bert *m, const ll_exec *exec, const ll_batch *batch, const bert_layer *layer,
                          const ll_norm *norm, bert_workspace *w) {
    const ll_attention attention = {
        .layout = &m->net.kv,
        .qkv = w->qkv,
        .segments = batch->segments,
        .n_segments = batch->n_segments,
        .scale = 1.0f / sqrtf((float)m->net.kv.head_dim),
        .out = w->attended,
        .scratch = w->scratch + (size_t)exec->team->index * w->n_scratch,
    };

    ll_input in = norm ? ll_norm_input(exec, norm, &layer->qkv, w->x, batch->n_rows, w->x)
                       : ll_linear_input(exec, &layer->qkv, w->x, batch->n_rows);
    ll_attention_project(exec, &layer->qkv, &in, w->qkv, &attention);
    ll_team_wait(exec->team);
    ll_linear_apply(exec, &layer->attention_output, w->attended, batch->n_rows, LL_ACT_NONE, w->x, w->x);
    ll_team_wait(exec->team);

    in = ll_norm_input(exec, &layer->attention_norm, &layer->up, w->x, batch->n_rows, w->x);
    ll_linear_apply_to(exec, &layer->up, &in, (int)m->net.config->activation, NULL, w->inner);
    ll_team_wait(exec->team);
    ll_linear_apply(exec, &layer->down, w->inner, batch->n_rows, LL_ACT_NONE, w->x, w->x);
}

/* Pooler and classifier, for the first token of every sequence. */
static void forward_first_token(const bert *m, const ll_exec *exec, const ll_batch *batch, bert_workspace *w) {
    const ll_config *c = m->net.config;
    bool classify = batch->logits && c->head == LL_HEAD_CLASSIFICATION, own_dense = m->class_dense.packed != NULL;
    if (!batch->pooled && !classify) return;
    size_t n = (size_t)c->n_embd, begin, end;
    ll_team_share(exec->team, batch->n_segments, 1, &begin, &end);
    for (size_t i = begin; i < end; i++)
        memcpy(w->first + i * n, w->x + batch->segments[i].first_row * n, n * sizeof(float));
    ll_team_wait(exec->team);
    if (batch->pooled) ll_linear_apply(exec, &m->pooler, w->first, batch->n_segments, LL_ACT_TANH, NULL, batch->pooled);
    if (!classify) return;
    ll_linear_apply(exec, own_dense ? &m->class_dense : &m->pooler, w->first, batch->n_segments,
                    (int)names_of(c)->class_act, NULL, w->dense);
    ll_team_wait(exec->team);
    ll_linear_apply(exec, &m->class_out, w->dense, batch->n_segments, LL_ACT_NONE, NULL, batch->logits);
}

/* The masked-LM head, for the logit rows. RoBERTa's head always has GELU, BERT's and DistilBERT's the encoder's
 * activation (Transformers: RobertaLMHead, BertPredictionHeadTransform, DistilBertForMaskedLM). */
static void forward_mlm_head(const bert *m, const ll_exec *exec, const ll_batch *batch, bert_workspace *w) {
    const ll_config *c = m->net.config;
    if (c->head != LL_HEAD_MASKED_LM || !batch->n_logit_rows) return;
    ll_activation act = c->family == LL_FAMILY_ROBERTA ? LL_ACT_GELU : c->activation;
    size_t n = (size_t)c->n_embd, n_rows = batch->n_logit_rows, begin, end;
    ll_team_share(exec->team, n_rows, 1, &begin, &end);
    for (size_t i = begin; i < end; i++) memcpy(w->mlm + i * n, w->x + batch->logit_rows[i] * n, n * sizeof(float));
    ll_team_wait(exec->team);
    ll_linear_apply(exec, &m->transform, w->mlm, n_rows, (int)act, NULL, w->mapped);
    ll_team_wait(exec->team);
    ll_norm_apply(exec, &m->transform_norm, w->mapped, n_rows, w->mapped);
    ll_team_wait(exec->team);
    ll_linear_apply(exec, &m->decoder, w->mapped, n_rows, LL_ACT_NONE, NULL, batch->logits);
}

/* Token classification and question answering: the logits of every row. */
static void forward_tagger(const bert *m, const ll_exec *exec, const ll_batch *batch, const bert_workspace *w) {
    if (!batch->logits || !ll_config_tags_tokens(m->net.config)) return;
    ll_linear_apply(exec, &m->class_out, w->x, batch->n_rows, LL_ACT_NONE, NULL, batch->logits);
}

static void bert_forward(const ll_net *net, const ll_exec *team_exec, const ll_batch *batch, float *workspace,
                         atomic_bool *stopped) {
    const bert *m = (const bert *)net;
    size_t n = (size_t)net->config->n_embd, begin, end;
    bert_workspace w;
    ll_forward_size size = ll_batch_size(batch, (size_t)team_exec->team->size);
    lay_out(net, &size, workspace, &w);
    ll_exec with_workspace = *team_exec;
    with_workspace.quantized = w.quantized;
    with_workspace.acc = w.qkv; /* free once attention has read it */
    const ll_exec *exec = &with_workspace;
    embed_tokens(m, exec, batch, w.x);
    const bert_layer *layers = net->layers;
    const ll_norm *norm = NULL; /* not applied yet */
    for (size_t i = 0; i < net->n_layers; norm = &layers[i++].output_norm) {
        if (ll_forward_stopped(exec, batch, stopped)) return;
        forward_layer(m, exec, batch, &layers[i], norm, &w);
    }
    ll_team_wait(exec->team);
    if (norm) ll_norm_apply(exec, norm, w.x, batch->n_rows, w.x);
    if (batch->hidden) { /* the rows that this thread has just normed */
        ll_team_share(exec->team, batch->n_rows, 1, &begin, &end);
        memcpy(batch->hidden + begin * n, w.x + begin * n, (end - begin) * n * sizeof(float));
    }
    ll_team_wait(exec->team);
    forward_first_token(m, exec, batch, &w);
    forward_mlm_head(m, exec, batch, &w);
    forward_tagger(m, exec, batch, &w);
}

/* ------------------------------------------------------------------------------------------- fingerprint */

static uint64_t hash_bias(uint64_t hash, const ll_linear *linear) {
    return linear->bias ? ll_fingerprint_floats(hash, linear->bias, linear->n_out) : hash;
}

/* Of what is float32 however the matrices are stored, so that an index made with a model serves its quantised copy:
 * norms, biases and the positions of a short text. Training changes them all. */
static uint64_t bert_fingerprint(const ll_net *net) {
    const bert *m = (const bert *)net;
    const ll_config *c = net->config;
    const uint32_t sizes[] = {(uint32_t)c->n_embd, (uint32_t)c->n_layer, (uint32_t)c->n_head, (uint32_t)c->n_inner};
    const size_t n_positions = ll_min((size_t)(c->n_positions - c->position_offset), 16);
    uint64_t hash = ll_fingerprint_norm(ll_xxh64(sizes, sizeof sizes, 0), &m->embedding_norm);
    hash = ll_fingerprint_floats(hash, position_of(m, 0, false), n_positions * (size_t)c->n_embd);
    for (size_t i = 0; i < net->n_layers; i++) {
        const bert_layer *layer = (const bert_layer *)net->layers + i;
        hash = hash_bias(hash_bias(hash, &layer->qkv), &layer->attention_output);
        hash = hash_bias(hash_bias(hash, &layer->up), &layer->down);
        hash = ll_fingerprint_norm(ll_fingerprint_norm(hash, &layer->attention_norm), &layer->output_norm);
    }
    return hash;
}

const ll_net_ops ll_bert_ops = {.net_bytes = sizeof(bert),
                                .causal = false,
                                .layer_bytes = sizeof(bert_layer),
                                .describe = bert_describe,
                                .workspace_floats = bert_workspace_floats,
                                .forward = bert_forward,
                                .fingerprint = bert_fingerprint};
