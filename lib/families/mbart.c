/*
 * mBART-25 (Liu et al. 2020) and mBART-50 (Tang et al. 2020): BART whose norms stand before each sub-layer, with one
 * more after the last layer of each stack.
 *
 *     x = layernorm_embedding(embed_tokens[token] * sqrt(d_model) + embed_positions[p + 2])
 *     for each layer:   x = x + self_attn(self_attn_layer_norm(x))
 *                       x = x + encoder_attn(encoder_attn_layer_norm(x), ...)                      decoder only
 *                       x = x + fc2(gelu(fc1(final_layer_norm(x))))
 *     output = layer_norm(x)
 *
 * mBART-25's decoder starts with the target language's id; mBART-50's starts with eos_token_id and the first new token
 * is forced to that id (forced_bos_token_id). A classifier's decoder input is the source shifted by one, with its last
 * token, the language's id, at the front (shift_tokens_right of modeling_mbart.py).
 */
#include "families/bart.h"

static const ll_key keys[] = {LL_BART_SIZES, LL_BART_REST, LL_BOOL(shares_tokens, true, NULL), LL_NO_MORE_KEYS};

static const ll_class classes[] = {
    {"ForConditionalGeneration", &ll_bart_lm_head}, {"ForSequenceClassification", &ll_bart_classification}, {0}};

const ll_family ll_family_mbart = {
    .name = "mbart",
    .number = 62,
    .model_types = {{"mbart", "MBart", NULL}},
    .prefix = "model.",
    .decoder = true,
    .keys = keys,
    .must_be = ll_bart_must_be,
    .harmless = ll_bart_harmless,
    .classes = classes,
    .tokens = {.bos = 0, .eos = 2, .pad = 1, .start = -1, .forced_eos = 2, .starts_with_last = true},
    .stack = {{
                  .layers = "encoder.layers.%d.",
                  .embed = {.positions = LL_POSITIONS_FROM_TWO},
                  .norm = {.place = LL_PRE_NORM},
                  .names = {LL_BART_NAMES("encoder"),
                            LL_BART_EMBED_NORM("encoder"), [LL_FINAL_NORM] = {"encoder.layer_norm", NULL, NULL}},
              },
              {
                  .layers = "decoder.layers.%d.",
                  .causal = true,
                  .cross = true,
                  .embed = {.positions = LL_POSITIONS_FROM_TWO},
                  .norm = {.place = LL_PRE_NORM},
                  .names = {LL_BART_NAMES("decoder"), LL_BART_EMBED_NORM("decoder"),
                            LL_BART_CROSS, [LL_FINAL_NORM] = {"decoder.layer_norm", NULL, NULL}},
              }},
};
