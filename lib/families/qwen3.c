/* Qwen3 (Yang et al. 2025): Llama whose queries and keys are normed before they are rotated, with heads that may be
 * wider than n_embd / n_head. */
#include "families/llama.h"

static const ll_key keys[] = {LL_LLAMA_SIZES,
                              LL_INT(n_kv_head, 0, 1, LL_MAX_WIDTH, "num_key_value_heads"),
                              LL_INT(head_dim, 128, 1, LL_MAX_WIDTH, "head_dim"),
                              LL_LLAMA_REST(10000),
                              LL_BOOL(attention_bias, false, "attention_bias"),
                              LL_INT(layers.window, 4096, 1, INT32_MAX, "sliding_window"),
                              LL_INT(layers.first_local, 28, 0, INT32_MAX, "max_window_layers"),
                              LL_NO_MORE_KEYS};

const ll_family ll_family_qwen3 = {
    .name = "qwen3",
    .number = 14,
    .gguf = "qwen3",
    .gguf_traits = LL_GGUF_HEAD_DIM,
    .model_types = {{"qwen3", "Qwen3", NULL}},
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
        .attn = {.rotary = true,
                 .qk_norm = true,
                 .window = LL_WINDOW_IF_USED,
                 .qkv_bias = LL_BIAS_BY_KEY,
                 .out_bias = LL_BIAS_BY_KEY},
        .ffn = {.glu = LL_GATE_AND_UP, .bias = LL_NO_BIAS},
        .names = {LL_LLAMA_NAMES, LL_LLAMA_FFN_NORM, LL_LLAMA_QK_NORM},
    }},
};
