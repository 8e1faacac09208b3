/*
 * ModernBERT (Warner et al. 2024).
 *
 *     x = norm(tok_embeddings[token])
 *     for each layer:   x = x + Wo(attention(Wqkv(attn_norm(x))));   the first layer has no attn_norm
 *                       x = x + Wo(gelu(gate) * up),   gate | up = Wi(mlp_norm(x))
 *     x       = final_norm(x)
 *     h       = norm(gelu(dense(x)))                 of the head
 *     classes = classifier(h of the first token, or the head of the mean)
 *     mlm     = decoder(h);   tags, spans = classifier(h)
 *
 * Every global_attn_every_n_layers-th layer, the first one included, attends to all tokens and rotates by
 * global_rope_theta; the others attend to the tokens at a distance of at most half of local_attention and rotate by
 * local_rope_theta.
 */
#include "families/family.h"

static const char *const poolings[] = {"cls", "mean", NULL};

static const ll_key keys[] = {LL_SIZE(n_positions, LL_MAX_POSITIONS, "max_position_embeddings"),
                              LL_SIZE(n_embd, LL_MAX_WIDTH, "hidden_size"),
                              LL_SIZE(n_layer, INT32_MAX, "num_hidden_layers"),
                              LL_SIZE(n_head, LL_MAX_WIDTH, "num_attention_heads"),
                              LL_SIZE(n_inner, LL_MAX_INNER, "intermediate_size"),
                              LL_ACTIVATION(LL_ACT_GELU, "hidden_activation"),
                              LL_EPS(1e-5, "norm_eps"),
                              LL_BOOL(attention_bias, false, "attention_bias"),
                              LL_BOOL(mlp_bias, false, "mlp_bias"),
                              LL_NUMBER(rope.theta, 160000, 1e-3, 1e12, "global_rope_theta"),
                              LL_NUMBER(rope.local_theta, 10000, 1e-3, 1e12, "local_rope_theta"),
                              LL_INT(layers.window, 128, 2, INT32_MAX, "local_attention"),
                              LL_INT(layers.global_every, 3, 1, INT32_MAX, "global_attn_every_n_layers"),
                              LL_BOOL(layers.global_first, true, NULL),
                              LL_CHOICE(classifier_pooling, 0, poolings, "classifier_pooling"),
                              LL_BOOL(classifier_bias, false, "classifier_bias"),
                              LL_BOOL(decoder_bias, true, "decoder_bias"),
                              LL_NO_MORE_KEYS};
static const ll_must_be must_be[] = {
    {"is_decoder", NULL, 0}, {"norm_bias", NULL, 0}, {"classifier_activation", "gelu", 0}, {0}};
static const char *const harmless[] = {"cls_token_id",
                                       "deterministic_flash_attn",
                                       "embedding_dropout",
                                       "initializer_cutoff_factor",
                                       "layer_norm_eps", /* norm_eps is read */
                                       "mlp_dropout",
                                       "reference_compile",
                                       "repad_logits_with_grad",
                                       "sparse_pred_ignore_index",
                                       "sparse_prediction",
                                       NULL};

#define HEAD                                                                                       \
    .dense = {"head.dense", "llmcs.head", NULL}, .dense_bias = LL_BIAS_BY_KEY, .act = LL_ACT_GELU, \
    .norm = {"head.norm", "llmcs.head_norm", NULL}

static const ll_head_spec classification = {LL_HEAD_CLASSIFICATION, LL_ROWS_BY_KEY, HEAD,
                                            .out = {"classifier", "cls.output", NULL}};
static const ll_head_spec tags = {LL_HEAD_TOKENS, LL_ROWS_EACH, HEAD, .out = {"classifier", "cls.output", NULL}};
static const ll_head_spec spans = {LL_HEAD_SPAN, LL_ROWS_EACH, HEAD, .out = {"classifier", "cls.output", NULL}};
static const ll_head_spec masked_lm = {LL_HEAD_MASKED_LM, LL_ROWS_LOGITS, HEAD,
                                       .out = {"decoder", "llmcs.decoder", NULL}, .out_bias = LL_BIAS_BY_KEY};

static const ll_class classes[] = {{"Model", NULL},
                                   {"ForSequenceClassification", &classification},
                                   {"ForTokenClassification", &tags},
                                   {"ForQuestionAnswering", &spans},
                                   {"ForMaskedLM", &masked_lm},
                                   {0}};

const ll_family ll_family_modernbert = {
    .name = "modernbert",
    .number = 44,
    .model_types = {{"modernbert", "ModernBert", NULL}},
    .prefix = "model.",
    .keys = keys,
    .must_be = must_be,
    .harmless = harmless,
    .classes = classes,
    .tokens = {.bos = 50281, .eos = 50282, .pad = 50283},
    .stack = {{
        .layers = "layers.%d.",
        .embed = {.positions = LL_NO_POSITIONS},
        .norm = {.place = LL_PRE_NORM, .no_bias = true, .first_identity = true},
        .attn = {.fused = true,
                 .qkv_bias = LL_BIAS_BY_KEY,
                 .out_bias = LL_BIAS_BY_KEY,
                 .rotary = true,
                 .window = LL_WINDOW_AROUND},
        .ffn = {.glu = LL_FUSED_FIRST, .bias = LL_BIAS_BY_KEY},
        .names =
            {
                [LL_TOKENS] = {"embeddings.tok_embeddings", "token_embd", NULL},
                [LL_EMBED_NORM] = {"embeddings.norm", "token_embd_norm", NULL},
                [LL_FINAL_NORM] = {"final_norm", "output_norm", NULL},
                [LL_ATTN_NORM] = {"attn_norm", "attn_norm", NULL},
                [LL_QKV] = {"attn.Wqkv", "attn_qkv", NULL},
                [LL_ATTN_OUT] = {"attn.Wo", "attn_output", NULL},
                [LL_FFN_NORM] = {"mlp_norm", "ffn_norm", NULL},
                [LL_GATE_UP] = {"mlp.Wi", "ffn_up", NULL},
                [LL_DOWN] = {"mlp.Wo", "ffn_down", NULL},
            },
    }},
};
