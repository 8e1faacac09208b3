/* Qwen2 and Qwen2.5 (Yang et al. 2024): Llama with biases on query, key and value, regardless of config.json. */
#include "families/llama.h"

static const ll_key keys[] = {LL_LLAMA_SIZES,
                              LL_LLAMA_HEADS,
                              LL_LLAMA_REST(10000),
                              LL_INT(layers.window, 4096, 1, INT32_MAX, "sliding_window"),
                              LL_INT(layers.first_local, 28, 0, INT32_MAX, "max_window_layers"),
                              LL_NO_MORE_KEYS};

const ll_family ll_family_qwen2 = {
    .name = "qwen2",
    .number = 13,
    .gguf = "qwen2",
    .model_types = {{"qwen2", "Qwen2", NULL}},
    .untied = true,
    .prefix = "model.",
    .decoder = true,
    .keys = keys,
    .must_be = ll_llama_must_be,
    .harmless = ll_llama_harmless,
    .classes = ll_llama_classes,
    .tokens = {.bos = -1, .eos = -1, .pad = -1},
    .stack = {{
        .layers = "layers.%d.",
        .causal = true,
        .norm = {.place = LL_PRE_NORM, .rms = true},
        .attn = {.rotary = true, .window = LL_WINDOW_IF_USED, .qkv_bias = LL_WITH_BIAS, .out_bias = LL_NO_BIAS},
        .ffn = {.glu = LL_GATE_AND_UP, .bias = LL_NO_BIAS},
        .names = {LL_LLAMA_NAMES, LL_LLAMA_FFN_NORM},
    }},
};
