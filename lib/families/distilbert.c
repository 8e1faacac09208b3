/*
 * DistilBERT (Sanh et al. 2019): BERT without token types and pooler, with its own names.
 *
 *     classes = classifier(relu(pre_classifier(x of the first token)))
 */
#include "families/bert.h"

/* The epsilon is a constant in modeling_distilbert.py. */
static const ll_key keys[] = {LL_SIZE(n_positions, LL_MAX_POSITIONS, "max_position_embeddings"),
                              LL_SIZE(n_embd, LL_MAX_WIDTH, "dim", "hidden_size"),
                              LL_SIZE(n_layer, INT32_MAX, "n_layers", "num_hidden_layers"),
                              LL_SIZE(n_head, LL_MAX_WIDTH, "n_heads", "num_attention_heads"),
                              LL_SIZE(n_inner, LL_MAX_INNER, "hidden_dim"),
                              LL_ACTIVATION(LL_ACT_GELU, "activation"),
                              LL_EPS(1e-12, NULL),
                              LL_NO_MORE_KEYS};
static const ll_must_be must_be[] = {LL_ENCODER_MUST_BE, {0}};
/* sinusoidal_pos_embds only says how the position table was initialised: the table is among the weights. */
static const char *const harmless[] = {"sinusoidal_pos_embds", NULL};

static const ll_head_spec classification = {LL_HEAD_CLASSIFICATION, LL_ROWS_FIRST,
                                            .dense = {"pre_classifier", "cls", NULL}, .act = LL_ACT_RELU,
                                            .out = {"classifier", "cls.output", NULL}};
static const ll_head_spec tags = {LL_HEAD_TOKENS, LL_ROWS_EACH, .out = {"classifier", "cls.output", NULL}};
static const ll_head_spec spans = {LL_HEAD_SPAN, LL_ROWS_EACH, .out = {"qa_outputs", NULL, NULL}};
static const ll_head_spec masked_lm = {LL_HEAD_MASKED_LM,
                                       LL_ROWS_LOGITS,
                                       .dense = {"vocab_transform", NULL, NULL},
                                       .act_of_config = true,
                                       .norm = {"vocab_layer_norm", NULL, NULL},
                                       .out = {"vocab_projector", NULL, NULL}};

static const ll_class classes[] = {{"Model", NULL},
                                   {"ForSequenceClassification", &classification},
                                   {"ForTokenClassification", &tags},
                                   {"ForQuestionAnswering", &spans},
                                   {"ForMaskedLM", &masked_lm},
                                   {0}};

static const ll_signature signatures[] = {{{"pre_classifier.weight"}, 0, "DistilBertForSequenceClassification"},
                                          {{"vocab_transform.weight"}, 0, "DistilBertForMaskedLM"},
                                          {{"transformer.layer.0.attention.q_lin.weight"}, 0, "DistilBertModel"},
                                          LL_NO_MORE_SIGNATURES};

const ll_family ll_family_distilbert = {
    .name = "distilbert",
    .number = 2,
    .gguf = "bert",
    .model_types = {{"distilbert", "DistilBert", NULL}},
    .prefix = "distilbert.",
    .keys = keys,
    .must_be = must_be,
    .harmless = harmless,
    .classes = classes,
    .signatures = signatures,
    .tokens = {.bos = -1, .eos = -1, .pad = 0},
    .stack = {{
        .layers = "transformer.layer.%d.",
        .embed = {.positions = LL_POSITIONS_TABLE},
        .names =
            {
                LL_BERT_EMBEDDINGS,
                LL_OWN_POOLER,
                [LL_Q] = {"attention.q_lin", "attn_q", NULL},
                [LL_K] = {"attention.k_lin", "attn_k", NULL},
                [LL_V] = {"attention.v_lin", "attn_v", NULL},
                [LL_ATTN_OUT] = {"attention.out_lin", "attn_output", NULL},
                [LL_ATTN_NORM] = {"sa_layer_norm", "attn_output_norm", NULL},
                [LL_UP] = {"ffn.lin1", "ffn_up", NULL},
                [LL_DOWN] = {"ffn.lin2", "ffn_down", NULL},
                [LL_FFN_NORM] = {"output_layer_norm", "layer_output_norm", NULL},
            },
    }},
};
