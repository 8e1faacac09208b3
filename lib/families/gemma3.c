/*
 * The text model of Gemma 3 (Gemma Team 2025).
 *
 *     x = embed_tokens[token] * sqrt(n_embd)
 *     for each layer:   x = x + post_attention_layernorm(o_proj(attention(q, k, v of input_layernorm(x))))
 *                       x = x + post_feedforward_layernorm(down(gelu(gate(n)) * up(n)))
 *                                                                                 where n =
 * pre_feedforward_layernorm(x) logits = lm_head(norm(x))
 *
 * Norms are RMS norms whose weights are stored minus one. Queries and keys are normed, then rotated: by rope_theta,
 * scaled, in every sixth layer, which attends to all tokens; by rope_local_base_freq in the others, which attend to a
 * window. Scores are divided by the root of query_pre_attn_scalar.
 */
#include <math.h>

#include "families/llama.h"

/* Defaults as in Gemma3TextConfig: the larger models' files omit some sizes. */
static const ll_key keys[] = {LL_SIZE_OR(vocab_size, 262208, LL_MAX_VOCAB_SIZE, "vocab_size"),
                              LL_SIZE_OR(n_positions, 131072, LL_MAX_POSITIONS, "max_position_embeddings"),
                              LL_SIZE(n_embd, LL_MAX_WIDTH, "hidden_size"),
                              LL_SIZE(n_layer, INT32_MAX, "num_hidden_layers"),
                              LL_SIZE_OR(n_head, 8, LL_MAX_WIDTH, "num_attention_heads"),
                              LL_SIZE(n_inner, LL_MAX_INNER, "intermediate_size"),
                              LL_SIZE_OR(n_kv_head, 4, LL_MAX_WIDTH, "num_key_value_heads"),
                              LL_INT(head_dim, 256, 1, LL_MAX_WIDTH, "head_dim"),
                              LL_ACTIVATION(LL_ACT_GELU_NEW, "hidden_activation"),
                              LL_EPS(1e-6, "rms_norm_eps"),
                              LL_NUMBER(rope.theta, 1000000, 1e-3, 1e12, "rope_theta"),
                              LL_NUMBER(rope.local_theta, 10000, 1e-3, 1e12, "rope_local_base_freq"),
                              LL_NUMBER(query_scalar, 256, 1e-6, 1e9, "query_pre_attn_scalar"),
                              LL_BOOL(attention_bias, false, "attention_bias"),
                              LL_INT(layers.window, 4096, 1, INT32_MAX, "sliding_window"),
                              LL_INT(layers.global_every, 6, 1, INT32_MAX, "sliding_window_pattern"),
                              LL_NO_MORE_KEYS};

/* Softcaps are Gemma 2's; EmbeddingGemma's attention is bidirectional. */
static const ll_must_be must_be[] = {{"attn_logit_softcapping", NULL, NAN},
                                     {"final_logit_softcapping", NULL, NAN},
                                     {"use_bidirectional_attention", NULL, 0},
                                     {"partial_rotary_factor", NULL, 1},
                                     {0}};

static const char *const harmless[] = {
    "cache_implementation", "text_config",         "vision_config", "boi_token_index",         "eoi_token_index",
    "image_token_index",    "mm_tokens_per_image", "hidden_act",    "_sliding_window_pattern", NULL};

static const ll_head_spec lm_head = {LL_HEAD_CAUSAL_LM, LL_ROWS_LOGITS, .out = {"lm_head", "output", NULL},
                                     .out_bias = LL_NO_BIAS};
static const ll_head_spec classification = {LL_HEAD_CLASSIFICATION, LL_ROWS_LAST, .out = {"score", "cls.output", NULL},
                                            .out_bias = LL_NO_BIAS};

/* ForConditionalGeneration is the text model here: its vision tower is not read. */
static const ll_class classes[] = {{"ForCausalLM", &lm_head},
                                   {"ForConditionalGeneration", &lm_head},
                                   {"TextModel", NULL},
                                   {"ForSequenceClassification", &classification},
                                   {"TextForSequenceClassification", &classification},
                                   {0}};

const ll_family ll_family_gemma3 = {
    .name = "gemma3",
    .number = 15,
    .gguf = "gemma3",
    .gguf_traits = LL_GGUF_HEAD_DIM | LL_GGUF_WINDOWS,
    .model_types = {{"gemma3_text", "Gemma3", NULL}, {"gemma3", "Gemma3", "text_config"}},
    .prefix = "model.",
    .decoder = true,
    .keys = keys,
    .must_be = must_be,
    .harmless = harmless,
    .classes = classes,
    .tokens = {.bos = 2, .eos = 1, .pad = 0},
    .stack = {{
        .layers = "layers.%d.",
        .causal = true,
        .embed = {.sqrt_scale = true},
        .norm = {.place = LL_SANDWICH_NORM, .rms = true, .plus_one = true},
        .attn = {.rotary = true,
                 .qk_norm = true,
                 .window = LL_WINDOW,
                 .qkv_bias = LL_BIAS_BY_KEY,
                 .out_bias = LL_BIAS_BY_KEY},
        .ffn = {.glu = LL_GATE_AND_UP, .bias = LL_NO_BIAS},
        .names = {LL_LLAMA_NAMES,
                  LL_LLAMA_QK_NORM, [LL_ATTN_POST_NORM] = {"post_attention_layernorm", "post_attention_norm", NULL},
                  [LL_FFN_NORM] = {"pre_feedforward_layernorm", "ffn_norm", NULL},
                  [LL_FFN_POST_NORM] = {"post_feedforward_layernorm", "post_ffw_norm", NULL}},
    }},
};
