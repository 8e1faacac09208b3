/* SmolLM3 (Hugging Face 2025): Llama in which every fourth layer does not rotate queries and keys. */
#include "families/llama.h"

static const ll_key keys[] = {LL_LLAMA_SIZES,
                              LL_LLAMA_HEADS,
                              LL_LLAMA_REST(2000000),
                              LL_BOOL(attention_bias, false, "attention_bias"),
                              LL_BOOL(mlp_bias, false, "mlp_bias"),
                              LL_INT(layers.window, 0, 1, INT32_MAX, "sliding_window"),
                              LL_INT(layers.unrotated_every, 4, 1, INT32_MAX, "no_rope_layer_interval"),
                              LL_NO_MORE_KEYS};

const ll_family ll_family_smollm3 = {
    .name = "smollm3",
    .number = 12,
    .gguf = "smollm3",
    .gguf_traits = LL_GGUF_PAIRED | LL_GGUF_HEAD_DIM,
    .model_types = {{"smollm3", "SmolLM3", NULL}},
    .prefix = "model.",
    .decoder = true,
    .keys = keys,
    .must_be = ll_llama_must_be,
    .harmless = ll_llama_harmless,
    .classes = ll_llama_classes,
    .tokens = {.bos = 128000, .eos = 128001, .pad = 128004},
    .stack = {{
        .layers = "layers.%d.",
        .causal = true,
        .norm = {.place = LL_PRE_NORM, .rms = true},
        .attn = {.rotary = true, .window = LL_WINDOW_IF_USED, .qkv_bias = LL_BIAS_BY_KEY, .out_bias = LL_BIAS_BY_KEY},
        .ffn = {.glu = LL_GATE_AND_UP, .bias = LL_BIAS_BY_KEY},
        .names = {LL_LLAMA_NAMES, LL_LLAMA_FFN_NORM},
    }},
};
