/*
 * GPT-2 (Radford et al. 2019, "Language Models are Unsupervised Multitask Learners"; layer norm moved before each
 * sub-block). Tensor names are the checkpoint's own, with or without the prefix "transformer.".
 *
 *     x = wte[token] + wpe[position]
 *     for each block h:   x = x + attn.c_proj(attention(attn.c_attn(ln_1(x))))
 *                         x = x + mlp.c_proj(gelu(mlp.c_fc(ln_2(x))))
 *     logits = lm_head(ln_f(x)),  lm_head = wte where tied
 */
#include "families/family.h"

static const ll_key keys[] = {
    LL_SIZE(n_positions, LL_MAX_POSITIONS, "n_positions", "max_position_embeddings", "n_ctx"),
    LL_SIZE(n_embd, LL_MAX_WIDTH, "n_embd", "hidden_size"),
    LL_SIZE(n_layer, INT32_MAX, "n_layer", "num_hidden_layers"),
    LL_SIZE(n_head, LL_MAX_WIDTH, "n_head", "num_attention_heads"),
    LL_INT(n_inner, 0, 1, LL_MAX_INNER, "n_inner"), /* null: 4 n_embd */
    LL_BOOL(scale_attn_weights, true, "scale_attn_weights"),
    LL_ACTIVATION(LL_ACT_GELU_NEW, "activation_function"),
    LL_EPS(1e-5, "layer_norm_epsilon"),
    LL_NO_MORE_KEYS,
};

static const ll_head_spec lm_head = {LL_HEAD_CAUSAL_LM, LL_ROWS_LOGITS, .out = {"lm_head", "output", NULL},
                                     .out_bias = LL_NO_BIAS};

/* GPT2Model files have no head, but GPT-2's head is tied to the embedding. */
static const ll_class classes[] = {{"LMHeadModel", &lm_head}, {"Model", &lm_head}, {"DoubleHeadsModel", &lm_head}, {0}};

static const ll_signature signatures[] = {{{"wpe.weight"}, 0, "GPT2LMHeadModel"}, LL_NO_MORE_SIGNATURES};

const ll_family ll_family_gpt2 = {
    .name = "gpt2",
    .number = 0,
    .gguf = "gpt2",
    .gguf_pre = "gpt-2",
    .model_types = {{"gpt2", "GPT2", NULL}},
    .prefix = "transformer.",
    .decoder = true,
    .keys = keys,
    .classes = classes,
    .signatures = signatures,
    .tokens = {.bos = 50256, .eos = 50256, .pad = -1},
    .stack = {{
        .layers = "h.%d.",
        .in_out = true,
        .causal = true,
        .embed = {.positions = LL_POSITIONS_TABLE},
        .norm = {.place = LL_PRE_NORM},
        .attn = {.fused = true},
        .names =
            {
                [LL_TOKENS] = {"wte", "token_embd", NULL},
                [LL_POSITIONS] = {"wpe", "position_embd", NULL},
                [LL_FINAL_NORM] = {"ln_f", "output_norm", NULL},
                [LL_ATTN_NORM] = {"ln_1", "attn_norm", NULL},
                [LL_QKV] = {"attn.c_attn", "attn_qkv", NULL},
                [LL_ATTN_OUT] = {"attn.c_proj", "attn_output", NULL},
                [LL_FFN_NORM] = {"ln_2", "ffn_norm", NULL},
                [LL_UP] = {"mlp.c_fc", "ffn_up", NULL},
                [LL_DOWN] = {"mlp.c_proj", "ffn_down", NULL},
            },
    }},
};
