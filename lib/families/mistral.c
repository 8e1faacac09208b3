/* Mistral 7B (Jiang et al. 2023): Llama without biases, whose layers may all attend to a window. */
#include "families/llama.h"

static const ll_key keys[] = {LL_LLAMA_SIZES, LL_LLAMA_HEADS, LL_LLAMA_REST(10000),
                              LL_INT(layers.window, 4096, 1, INT32_MAX, "sliding_window"), LL_NO_MORE_KEYS};

const ll_family ll_family_mistral = {
    .name = "mistral",
    .number = 11,
    .gguf = "llama",
    .gguf_traits = LL_GGUF_PAIRED | LL_GGUF_HEAD_DIM,
    .model_types = {{"mistral", "Mistral", NULL}},
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
        .attn = {.rotary = true, .window = LL_WINDOW, .qkv_bias = LL_NO_BIAS, .out_bias = LL_NO_BIAS},
        .ffn = {.glu = LL_GATE_AND_UP, .bias = LL_NO_BIAS},
        .names = {LL_LLAMA_NAMES, LL_LLAMA_FFN_NORM, LL_LLAMA_FACTORS},
    }},
};
