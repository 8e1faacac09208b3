/*
 * BERT (Devlin et al. 2019).
 *
 *     x = norm(word[token] + position[p] + type[t])
 *     for each layer:   x = norm(x + output(attention(query | key | value of x)))
 *                       x = norm(x + down(act(up(x))))
 *     pooled  = tanh(pooler(x of the first token))
 *     classes = classifier(pooled)
 *     mlm     = decoder(norm(act(transform(x)))) + bias      decoder is word[] where tied
 *     tags    = classifier(x)                                of every token; answer spans: a start and an end
 */
#include "families/bert.h"

static const ll_key keys[] = {LL_BERT_KEYS, LL_NO_MORE_KEYS};
static const ll_must_be must_be[] = {LL_ENCODER_MUST_BE, {0}};

static const ll_head_spec classification = {LL_HEAD_CLASSIFICATION, LL_ROWS_FIRST, .pooler = true, .act = LL_ACT_TANH,
                                            .out = {"classifier", "cls.output", NULL}};
static const ll_head_spec tags = {LL_HEAD_TOKENS, LL_ROWS_EACH, .out = {"classifier", "cls.output", NULL}};
static const ll_head_spec spans = {LL_HEAD_SPAN, LL_ROWS_EACH, .out = {"qa_outputs", NULL, NULL}};
static const ll_head_spec masked_lm = {LL_HEAD_MASKED_LM,
                                       LL_ROWS_LOGITS,
                                       .dense = {"cls.predictions.transform.dense", NULL, NULL},
                                       .act_of_config = true,
                                       .norm = {"cls.predictions.transform.LayerNorm", NULL, NULL},
                                       .out = {"cls.predictions.decoder", NULL, NULL},
                                       .out_biases = {"cls.predictions.bias", "cls.predictions.decoder.bias"}};

const ll_class ll_bert_classes[] = {{"Model", NULL},
                                    {"ForSequenceClassification", &classification},
                                    {"ForTokenClassification", &tags},
                                    {"ForQuestionAnswering", &spans},
                                    {"ForMaskedLM", &masked_lm},
                                    {"ForPreTraining", &masked_lm},
                                    {0}};

static const ll_signature signatures[] = {
    {{"cls.predictions.transform.dense.weight"}, 0, "BertForMaskedLM"},
    {{"bert.embeddings.word_embeddings.weight", "classifier.weight", "pooler.dense.weight"},
     0,
     "BertForSequenceClassification"},
    {{"bert.embeddings.word_embeddings.weight"}, 0, "BertModel"},
    LL_NO_MORE_SIGNATURES};
/* RoBERTa has one token type, BERT two. A classifier without a pooler classifies tokens. */
static const ll_signature bare_signatures[] = {
    {{"embeddings.token_type_embeddings.weight", "encoder.layer.0.attention.self.query.weight", "classifier.weight",
      "pooler.dense.weight"},
     -1,
     "BertForSequenceClassification"},
    {{"embeddings.token_type_embeddings.weight", "encoder.layer.0.attention.self.query.weight"}, -1, "BertModel"},
    LL_NO_MORE_SIGNATURES};

const ll_family ll_family_bert = {
    .name = "bert",
    .number = 1,
    .gguf = "bert",
    .model_types = {{"bert", "Bert", NULL}},
    .prefix = "bert.",
    .keys = keys,
    .must_be = must_be,
    .classes = ll_bert_classes,
    .signatures = signatures,
    .bare_signatures = bare_signatures,
    .tokens = {.bos = -1, .eos = -1, .pad = 0},
    .stack = {{
        .layers = "encoder.layer.%d.",
        .embed = {.positions = LL_POSITIONS_TABLE},
        .names = {LL_BERT_EMBEDDINGS, [LL_POOLER] = {"pooler.dense", "cls", NULL}, LL_BERT_LAYER},
    }},
};
