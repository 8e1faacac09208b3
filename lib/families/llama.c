/*
 * Llama 2 and 3 (Touvron et al. 2023; Grattafiori et al. 2024), SmolLM and SmolLM2.
 *
 *     x = embed_tokens[token]
 *     for each layer:   x = x + o_proj(attention(rope(q_proj(n)), rope(k_proj(n)), v_proj(n))),  n = input_layernorm(x)
 *                       x = x + down_proj(silu(gate_proj(n)) * up_proj(n)),     n = post_attention_layernorm(x)
 *     logits = lm_head(norm(x)),  lm_head = embed_tokens where tied
 *
 * Norms are RMS norms. Attention is grouped-query: several query heads share one KV head (Ainslie et al. 2023).
 */
#include "families/llama.h"

static const ll_key keys[] = {LL_LLAMA_SIZES,
                              LL_LLAMA_HEADS,
                              LL_LLAMA_REST(10000),
                              LL_BOOL(attention_bias, false, "attention_bias"),
                              LL_BOOL(mlp_bias, false, "mlp_bias"),
                              LL_NO_MORE_KEYS};

const ll_must_be ll_llama_must_be[] = {
    {"partial_rotary_factor", NULL, 1}, {"rope_interleaved", NULL, 0}, {"logit_softcapping", NULL, 0}, {0}};

/* pretraining_tp: tensor parallelism of the training code; Transformers no longer reads it. */
const char *const ll_llama_harmless[] = {"pretraining_tp",
                                         "is_llama_config",
                                         "cache_implementation",
                                         "transformers.js_config",
                                         "max_window_layers",
                                         "sliding_window",
                                         "use_sliding_window",
                                         "bos_token",
                                         "eos_token",
                                         NULL};

static const ll_head_spec lm_head = {LL_HEAD_CAUSAL_LM, LL_ROWS_LOGITS, .out = {"lm_head", "output", NULL},
                                     .out_bias = LL_NO_BIAS};
static const ll_head_spec classification = {LL_HEAD_CLASSIFICATION, LL_ROWS_LAST, .out = {"score", "cls.output", NULL},
                                            .out_bias = LL_NO_BIAS};
static const ll_head_spec tags = {LL_HEAD_TOKENS, LL_ROWS_EACH, .out = {"score", NULL, NULL}};

const ll_class ll_llama_classes[] = {{"ForCausalLM", &lm_head},
                                     {"Model", NULL},
                                     {"ForSequenceClassification", &classification},
                                     {"ForTokenClassification", &tags},
                                     {0}};

const ll_family ll_family_llama = {
    .name = "llama",
    .number = 10,
    .gguf = "llama",
    .gguf_traits = LL_GGUF_PAIRED | LL_GGUF_BIASES | LL_GGUF_HEAD_DIM,
    .model_types = {{"llama", "Llama", NULL}},
    .untied = true,
    .prefix = "model.",
    .decoder = true,
    .keys = keys,
    .must_be = ll_llama_must_be,
    .harmless = ll_llama_harmless,
    .classes = ll_llama_classes,
    .tokens = {.bos = 1, .eos = 2, .pad = -1},
    .stack = {{
        .layers = "layers.%d.",
        .causal = true,
        .norm = {.place = LL_PRE_NORM, .rms = true},
        .attn = {.rotary = true, .qkv_bias = LL_BIAS_BY_KEY, .out_bias = LL_BIAS_BY_KEY},
        .ffn = {.glu = LL_GATE_AND_UP, .bias = LL_BIAS_BY_KEY},
        .names = {LL_LLAMA_NAMES, LL_LLAMA_FFN_NORM, LL_LLAMA_FACTORS},
    }},
};
