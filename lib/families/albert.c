/*
 * ALBERT (Lan et al. 2020): BERT with narrow token tables and layers that share their weights in groups.
 *
 *     x       = embedding_hidden_mapping_in(norm(word[token] + type[t] + position[p]))
 *     layer i has the weights of group i * n_groups / n_layer
 *     pooled  = tanh(pooler(x of the first token));   classes = classifier(pooled)
 *     mlm     = word[] norm(act(dense(x))) + bias
 */
#include "families/bert.h"

static int group_of(const ll_config *c, int layer) { return (int)((int64_t)layer * c->n_groups / c->n_layer); }

static const ll_key keys[] = {LL_BERT_SIZES,
                              LL_COUNT(type_vocab_size, 2, 1, LL_MAX_WIDTH, "type_vocab_size"),
                              LL_ACTIVATION(LL_ACT_GELU_NEW, "hidden_act"),
                              LL_EPS(1e-12, "layer_norm_eps"),
                              LL_INT(n_embd_in, 128, 1, LL_MAX_WIDTH, "embedding_size"),
                              LL_INT(n_groups, 1, 1, INT32_MAX, "num_hidden_groups"),
                              LL_NO_MORE_KEYS};
static const ll_must_be must_be[] = {LL_ENCODER_MUST_BE, {"inner_group_num", NULL, 1}, {0}};
static const char *const harmless[] = {"gap_size", "net_structure_type", "num_memory_blocks", "down_scale_factor",
                                       NULL};

static const ll_head_spec classification = {LL_HEAD_CLASSIFICATION, LL_ROWS_FIRST, .pooler = true, .act = LL_ACT_TANH,
                                            .out = {"classifier", NULL, NULL}};
static const ll_head_spec tags = {LL_HEAD_TOKENS, LL_ROWS_EACH, .out = {"classifier", NULL, NULL}};
static const ll_head_spec spans = {LL_HEAD_SPAN, LL_ROWS_EACH, .out = {"qa_outputs", NULL, NULL}};
static const ll_head_spec masked_lm = {LL_HEAD_MASKED_LM,
                                       LL_ROWS_LOGITS,
                                       .dense = {"predictions.dense", NULL, NULL},
                                       .act_of_config = true,
                                       .norm = {"predictions.LayerNorm", NULL, NULL},
                                       .out = {"predictions.decoder", NULL, NULL},
                                       .out_biases = {"predictions.bias", "predictions.decoder.bias"}};

static const ll_class classes[] = {{"Model", NULL},
                                   {"ForSequenceClassification", &classification},
                                   {"ForTokenClassification", &tags},
                                   {"ForQuestionAnswering", &spans},
                                   {"ForMaskedLM", &masked_lm},
                                   {"ForPreTraining", &masked_lm},
                                   {0}};

const ll_family ll_family_albert = {
    .name = "albert",
    .number = 41,
    .model_types = {{"albert", "Albert", NULL}},
    .prefix = "albert.",
    .keys = keys,
    .must_be = must_be,
    .harmless = harmless,
    .classes = classes,
    .tokens = {.bos = 2, .eos = 3, .pad = 0},
    .stack = {{
        .layers = "encoder.albert_layer_groups.%d.albert_layers.0.",
        .layer_number = group_of,
        .embed = {.positions = LL_POSITIONS_TABLE},
        .names =
            {
                LL_BERT_EMBEDDINGS,
                [LL_EMBED_PROJECT] = {"encoder.embedding_hidden_mapping_in", "llmcs.embd_project", NULL},
                [LL_POOLER] = {"pooler", "cls", NULL},
                [LL_Q] = {"attention.query", "attn_q", NULL},
                [LL_K] = {"attention.key", "attn_k", NULL},
                [LL_V] = {"attention.value", "attn_v", NULL},
                [LL_ATTN_OUT] = {"attention.dense", "attn_output", NULL},
                [LL_ATTN_NORM] = {"attention.LayerNorm", "attn_output_norm", NULL},
                [LL_UP] = {"ffn", "ffn_up", NULL},
                [LL_DOWN] = {"ffn_output", "ffn_down", NULL},
                [LL_FFN_NORM] = {"full_layer_layer_norm", "layer_output_norm", NULL},
            },
    }},
};
