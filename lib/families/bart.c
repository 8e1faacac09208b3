/*
 * BART (Lewis et al. 2020), an encoder and a decoder. Norms follow each sub-layer (post-norm).
 *
 *     encoder:  x = layernorm_embedding(embed_tokens[token] + embed_positions[p + 2])
 *               for each layer:   x = self_attn_layer_norm(x + self_attn(x))
 *                                 x = final_layer_norm(x + fc2(gelu(fc1(x))))
 *     decoder:  the same, causal, and between the two lines
 *                                 x = encoder_attn_layer_norm(x + encoder_attn(x, keys and values of the encoder's x))
 *     logits = lm_head(x) + final_logits_bias,  lm_head = shared where tied
 *
 * A classifier's decoder reads the source shifted by one token, starting with decoder_start_token_id
 * (BartForSequenceClassification):
 *
 *     logits = out_proj(tanh(dense(x of the source's last eos_token_id)))
 */
#include "families/bart.h"

static const ll_key keys[] = {LL_BART_SIZES, LL_BART_REST, LL_BOOL(shares_tokens, true, NULL), LL_NO_MORE_KEYS};

const ll_must_be ll_bart_must_be[] = {LL_BART_MUST_BE, {0}};

const char *const ll_bart_harmless[] = {"activation_dropout",
                                        "add_bias_logits",
                                        "add_final_layer_norm",
                                        "classif_dropout",
                                        "decoder_layerdrop",
                                        "encoder_layerdrop",
                                        "extra_pos_embeddings",
                                        "force_bos_token_to_be_generated",
                                        "init_std",
                                        "normalize_before",
                                        "normalize_embedding",
                                        "num_hidden_layers",
                                        "static_position_embeddings",
                                        NULL};

const ll_head_spec ll_bart_lm_head = {LL_HEAD_CAUSAL_LM, LL_ROWS_LOGITS, .out = {"lm_head", NULL, NULL},
                                      .out_bias = LL_BIAS_IF_STORED, .out_biases = {"final_logits_bias", NULL}};

const ll_head_spec ll_bart_classification = {LL_HEAD_CLASSIFICATION, LL_ROWS_EOS,
                                             .dense = {"classification_head.dense", NULL, NULL}, .act = LL_ACT_TANH,
                                             .out = {"classification_head.out_proj", NULL, NULL}};

static const ll_class classes[] = {
    {"ForConditionalGeneration", &ll_bart_lm_head}, {"ForSequenceClassification", &ll_bart_classification}, {0}};

const ll_family ll_family_bart = {
    .name = "bart",
    .number = 61,
    .model_types = {{"bart", "Bart", NULL}},
    .prefix = "model.",
    .decoder = true,
    .keys = keys,
    .must_be = ll_bart_must_be,
    .harmless = ll_bart_harmless,
    .classes = classes,
    .tokens = {.bos = 0, .eos = 2, .pad = 1, .start = 2, .forced_eos = 2},
    .stack = {{
                  .layers = "encoder.layers.%d.",
                  .embed = {.positions = LL_POSITIONS_FROM_TWO},
                  .names = {LL_BART_NAMES("encoder"), LL_BART_EMBED_NORM("encoder")},
              },
              {
                  .layers = "decoder.layers.%d.",
                  .causal = true,
                  .cross = true,
                  .embed = {.positions = LL_POSITIONS_FROM_TWO},
                  .names = {LL_BART_NAMES("decoder"), LL_BART_EMBED_NORM("decoder"), LL_BART_CROSS},
              }},
};
