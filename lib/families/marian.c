/*
 * Marian (Junczys-Dowmunt et al. 2018), the networks of OPUS-MT: BART without a norm after the embeddings, with
 * sinusoidal positions in halves.
 *
 *     embed_positions[p] = sin(p / 10000^(2i / d)) for all i, then cos for all i,   i < d / 2
 *     x = embed_tokens[token] * sqrt(d_model) + embed_positions[p]
 *
 * Source and target may have vocabularies of their own (share_encoder_decoder_embeddings: false).
 */
#include "families/bart.h"

static const ll_key keys[] = {LL_BART_SIZES,
                              LL_SIZE(encoder.vocab_size, LL_MAX_VOCAB_SIZE, "vocab_size"),
                              LL_INT(vocab_size, 0, 1, LL_MAX_VOCAB_SIZE, "vocab_size", "decoder_vocab_size"),
                              LL_BART_REST,
                              LL_BOOL(shares_tokens, true, "share_encoder_decoder_embeddings"),
                              LL_NO_MORE_KEYS};

static const ll_class classes[] = {{"MTModel", &ll_bart_lm_head}, {0}};

const ll_family ll_family_marian = {
    .name = "marian",
    .number = 63,
    .model_types = {{"marian", "Marian", NULL}},
    .prefix = "model.",
    .decoder = true,
    .keys = keys,
    .must_be = ll_bart_must_be,
    .harmless = ll_bart_harmless,
    .classes = classes,
    .tokens = {.bos = -1, .eos = 0, .pad = 58100, .start = 58100, .forced_eos = 0},
    .stack = {{
                  .layers = "encoder.layers.%d.",
                  .embed = {.positions = LL_POSITIONS_SINES},
                  .names = {LL_BART_NAMES("encoder")},
              },
              {
                  .layers = "decoder.layers.%d.",
                  .causal = true,
                  .cross = true,
                  .embed = {.positions = LL_POSITIONS_SINES},
                  .names = {LL_BART_NAMES("decoder"), LL_BART_CROSS},
              }},
};
