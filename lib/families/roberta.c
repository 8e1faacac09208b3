/*
 * RoBERTa (Liu et al. 2019), XLM-RoBERTa and CamemBERT: BERT whose positions begin after the padding id, with its own
 * heads.
 *
 *     classes = out_proj(tanh(dense(x of the first token)))
 *     mlm     = decoder(norm(gelu(dense(x)))) + bias
 */
#include "families/bert.h"

static const ll_key keys[] = {LL_BERT_KEYS, LL_NO_MORE_KEYS};
static const ll_must_be must_be[] = {LL_ENCODER_MUST_BE, {0}};

static const ll_head_spec classification = {LL_HEAD_CLASSIFICATION, LL_ROWS_FIRST,
                                            .dense = {"classifier.dense", "cls", NULL}, .act = LL_ACT_TANH,
                                            .out = {"classifier.out_proj", "cls.output", NULL}};
static const ll_head_spec tags = {LL_HEAD_TOKENS, LL_ROWS_EACH, .out = {"classifier", NULL, NULL}};
static const ll_head_spec spans = {LL_HEAD_SPAN, LL_ROWS_EACH, .out = {"qa_outputs", NULL, NULL}};
/* Always GELU, independent of the encoder's activation (RobertaLMHead). */
static const ll_head_spec masked_lm = {LL_HEAD_MASKED_LM,
                                       LL_ROWS_LOGITS,
                                       .dense = {"lm_head.dense", NULL, NULL},
                                       .act = LL_ACT_GELU,
                                       .norm = {"lm_head.layer_norm", NULL, NULL},
                                       .out = {"lm_head.decoder", NULL, NULL},
                                       .out_biases = {"lm_head.bias", "lm_head.decoder.bias"}};

const ll_class ll_roberta_classes[] = {{"Model", NULL},
                                       {"ForSequenceClassification", &classification},
                                       {"ForTokenClassification", &tags},
                                       {"ForQuestionAnswering", &spans},
                                       {"ForMaskedLM", &masked_lm},
                                       {0}};

static const ll_signature signatures[] = {{{"classifier.out_proj.weight"}, 0, "RobertaForSequenceClassification"},
                                          {{"lm_head.layer_norm.weight"}, 0, "RobertaForMaskedLM"},
                                          {{"roberta.embeddings.word_embeddings.weight"}, 0, "RobertaModel"},
                                          LL_NO_MORE_SIGNATURES};
static const ll_signature bare_signatures[] = {
    {{"embeddings.token_type_embeddings.weight", "encoder.layer.0.attention.self.query.weight"}, 1, "RobertaModel"},
    LL_NO_MORE_SIGNATURES};

const ll_family ll_family_roberta = {
    .name = "roberta",
    .number = 3,
    .gguf = "bert",
    .gguf_tokenizer = "gpt2",
    .gguf_pre = "roberta-bpe",
    .model_types = {{"roberta", "Roberta", NULL},
                    {"xlm-roberta", "XLMRoberta", NULL},
                    {"camembert", "Camembert", NULL}},
    .prefix = "roberta.",
    .keys = keys,
    .must_be = must_be,
    .classes = ll_roberta_classes,
    .signatures = signatures,
    .bare_signatures = bare_signatures,
    .tokens = {.bos = 0, .eos = 2, .pad = 1},
    .stack = {{
        .layers = "encoder.layer.%d.",
        .embed = {.positions = LL_POSITIONS_AFTER_PADDING},
        .names = {LL_BERT_EMBEDDINGS, LL_OWN_POOLER, LL_BERT_LAYER},
    }},
};
