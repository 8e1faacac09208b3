/*
 * ELECTRA (Clark et al. 2020): BERT whose token tables may be narrower than its layers, without a pooler.
 *
 *     x       = embeddings_project(norm(word[token] + type[t] + position[p]))
 *     classes = out_proj(gelu(dense(x of the first token)))
 *     mlm     = word[] norm(gelu(dense(x))) + bias
 */
#include "families/bert.h"

static const ll_key keys[] = {LL_BERT_KEYS, LL_INT(n_embd_in, 128, 1, LL_MAX_WIDTH, "embedding_size"), LL_NO_MORE_KEYS};
static const ll_must_be must_be[] = {LL_ENCODER_MUST_BE, {0}};
static const char *const harmless[] = {"summary_last_dropout", "generator_hidden_size", NULL};

static const ll_head_spec classification = {LL_HEAD_CLASSIFICATION, LL_ROWS_FIRST,
                                            .dense = {"classifier.dense", "cls", NULL}, .act = LL_ACT_GELU,
                                            .out = {"classifier.out_proj", "cls.output", NULL}};
static const ll_head_spec tags = {LL_HEAD_TOKENS, LL_ROWS_EACH, .out = {"classifier", NULL, NULL}};
static const ll_head_spec spans = {LL_HEAD_SPAN, LL_ROWS_EACH, .out = {"qa_outputs", NULL, NULL}};
static const ll_head_spec masked_lm = {LL_HEAD_MASKED_LM,
                                       LL_ROWS_LOGITS,
                                       .dense = {"generator_predictions.dense", NULL, NULL},
                                       .act = LL_ACT_GELU,
                                       .norm = {"generator_predictions.LayerNorm", NULL, NULL},
                                       .out = {"generator_lm_head", NULL, NULL}};

/* ForPreTraining detects replaced tokens; only its encoder is used here. */
static const ll_class classes[] = {{"Model", NULL},
                                   {"ForPreTraining", NULL},
                                   {"ForSequenceClassification", &classification},
                                   {"ForTokenClassification", &tags},
                                   {"ForQuestionAnswering", &spans},
                                   {"ForMaskedLM", &masked_lm},
                                   {0}};

const ll_family ll_family_electra = {
    .name = "electra",
    .number = 40,
    .model_types = {{"electra", "Electra", NULL}},
    .prefix = "electra.",
    .keys = keys,
    .must_be = must_be,
    .harmless = harmless,
    .classes = classes,
    .tokens = {.bos = -1, .eos = -1, .pad = 0},
    .stack = {{
        .layers = "encoder.layer.%d.",
        .embed = {.positions = LL_POSITIONS_TABLE},
        .names = {LL_BERT_EMBEDDINGS, [LL_EMBED_PROJECT] = {"embeddings_project", "llmcs.embd_project", NULL},
                  LL_BERT_LAYER},
    }},
};
