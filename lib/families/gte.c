/*
 * GTE (Zhang et al. 2024, "mGTE"; Alibaba-NLP/new-impl, modeling.py): gte-multilingual, gte-*-en-v1.5 and their
 * rerankers.
 *
 *     x = norm(word[token] + type[t])
 *     for each layer:   x = attn_ln(x + o_proj(attention(qkv_proj(x))))            queries and keys are rotated
 *                       x = mlp_ln(x + down_proj(act(gate) * up)),   up | gate = up_gate_proj(x)
 *     pooled  = tanh(pooler(x of the first token));   classes = classifier(pooled)
 *     mlm     = decoder(norm(act(dense(x)))) + bias
 *
 * rope_scaling "ntk": theta times the factor, frequencies divided by factor^(2 / head_dim), at any length.
 */
#include "families/bert.h"

static const ll_key keys[] = {LL_BERT_SIZES,
                              LL_INT(type_vocab_size, 1, 0, LL_MAX_WIDTH, "type_vocab_size"),
                              LL_ACTIVATION(LL_ACT_GELU, "hidden_act"),
                              LL_EPS(1e-12, "layer_norm_eps"),
                              LL_NUMBER(rope.theta, 10000, 1e-3, 1e12, "rope_theta"),
                              LL_NO_MORE_KEYS};
/* Other checkpoints of this model_type have length-dependent attention scores or position tables. */
static const ll_must_be must_be[] = {{"position_embedding_type", "rope", 0},
                                     {"layer_norm_type", "layer_norm", 0},
                                     {"logn_attention_scale", NULL, 0},
                                     {"logn_attention_clip1", NULL, 0},
                                     {"pack_qkv", NULL, 1},
                                     {"is_decoder", NULL, 0},
                                     {0}};
static const char *const harmless[] = {"unpad_inputs", "use_memory_efficient_attention", NULL};

static const ll_head_spec classification = {LL_HEAD_CLASSIFICATION, LL_ROWS_FIRST, .pooler = true, .act = LL_ACT_TANH,
                                            .out = {"classifier", "cls.output", NULL}};
static const ll_head_spec tags = {LL_HEAD_TOKENS, LL_ROWS_EACH, .out = {"classifier", "cls.output", NULL}};
static const ll_head_spec spans = {LL_HEAD_SPAN, LL_ROWS_EACH, .out = {"qa_outputs", "llmcs.qa_outputs", NULL}};
static const ll_head_spec masked_lm = {LL_HEAD_MASKED_LM,
                                       LL_ROWS_LOGITS,
                                       .dense = {"lm_head.dense", "llmcs.lm_head.dense", NULL},
                                       .act_of_config = true,
                                       .norm = {"lm_head.norm", "llmcs.lm_head.norm", NULL},
                                       .out = {"lm_head.decoder", "llmcs.lm_head.decoder", NULL}};

static const ll_class classes[] = {{"Model", NULL},
                                   {"ForSequenceClassification", &classification},
                                   {"ForTokenClassification", &tags},
                                   {"ForQuestionAnswering", &spans},
                                   {"ForMaskedLM", &masked_lm},
                                   {0}};

const ll_family ll_family_gte = {
    .name = "gte",
    .number = 45,
    .model_types = {{"new", "New", NULL}},
    .prefix = "new.",
    .keys = keys,
    .must_be = must_be,
    .harmless = harmless,
    .classes = classes,
    .tokens = {.bos = -1, .eos = -1, .pad = 0},
    .stack = {{
        .layers = "encoder.layer.%d.",
        .embed = {.positions = LL_NO_POSITIONS},
        .attn = {.fused = true, .rotary = true},
        .ffn = {.glu = LL_FUSED_SECOND, .no_gate_up_bias = true},
        .names =
            {
                LL_BERT_EMBEDDINGS,
                [LL_POOLER] = {"pooler.dense", "cls", NULL},
                [LL_QKV] = {"attention.qkv_proj", "attn_qkv", NULL},
                [LL_ATTN_OUT] = {"attention.o_proj", "attn_output", NULL},
                [LL_ATTN_NORM] = {"attn_ln", "attn_output_norm", NULL},
                [LL_GATE_UP] = {"mlp.up_gate_proj", "ffn_up", NULL},
                [LL_DOWN] = {"mlp.down_proj", "ffn_down", NULL},
                [LL_FFN_NORM] = {"mlp_ln", "layer_output_norm", NULL},
            },
    }},
};
