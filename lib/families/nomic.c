/*
 * nomic-embed-text v1 and v1.5 (Nussbaum et al. 2024; nomic-ai/nomic-bert-2048, modeling_hf_nomic_bert.py): BERT with
 * rotations instead of positions, a gated feed-forward block, and layers without biases.
 *
 *     x = norm(word[token] + type[t])
 *     for each layer:   x = norm1(x + out_proj(attention(Wqkv(x))))
 *                       x = norm2(x + fc2(fc11(x) * silu(fc12(x))))
 *
 * Beyond max_trained_positions the model's own code scales the rotations by the length of the text; longer texts are
 * refused.
 */
#include "families/bert.h"

static const ll_key keys[] = {LL_SIZE(n_positions, LL_MAX_POSITIONS, "max_trained_positions", "n_positions"),
                              LL_SIZE(n_embd, LL_MAX_WIDTH, "n_embd"),
                              LL_SIZE(n_layer, INT32_MAX, "n_layer"),
                              LL_SIZE(n_head, LL_MAX_WIDTH, "n_head"),
                              LL_SIZE(n_inner, LL_MAX_INNER, "n_inner"),
                              LL_COUNT(type_vocab_size, 2, 1, LL_MAX_WIDTH, "type_vocab_size"),
                              LL_ACTIVATION(LL_ACT_SILU, NULL), /* of "swiglu" */
                              LL_EPS(1e-12, "layer_norm_epsilon"),
                              LL_NUMBER(rope.theta, 10000, 1e-3, 1e12, "rotary_emb_base"),
                              LL_NO_MORE_KEYS};
static const ll_must_be must_be[] = {{"activation_function", "swiglu", 0},
                                     {"rotary_emb_fraction", NULL, 1},
                                     {"rotary_emb_interleaved", NULL, 0},
                                     {"rotary_emb_scale_base", NULL, 0},
                                     {"prenorm", NULL, 0},
                                     {"parallel_block", NULL, 0},
                                     {"qkv_proj_bias", NULL, 0},
                                     {"mlp_fc1_bias", NULL, 0},
                                     {"mlp_fc2_bias", NULL, 0},
                                     {"use_rms_norm", NULL, 0},
                                     {"causal", NULL, 0},
                                     {"moe_every_n_layers", NULL, 0},
                                     {0}};
/* n_positions: see above. The others select equivalent implementations. */
static const char *const harmless[] = {"dense_seq_output",
                                       "fused_bias_fc",
                                       "fused_dropout_add_ln",
                                       "n_positions",
                                       "pad_vocab_size_multiple",
                                       "rotary_scaling_factor",
                                       "scale_attn_weights",
                                       "scale_attn_by_inverse_layer_idx",
                                       "use_flash_attn",
                                       "use_xentropy",
                                       NULL};

static const ll_class classes[] = {{"Model", NULL}, {0}};

const ll_family ll_family_nomic = {
    .name = "nomic-bert",
    .number = 46,
    .model_types = {{"nomic_bert", "NomicBert", NULL}},
    .prefix = "",
    .keys = keys,
    .must_be = must_be,
    .harmless = harmless,
    .classes = classes,
    .tokens = {.bos = -1, .eos = -1, .pad = 0},
    .stack = {{
        .layers = "encoder.layers.%d.",
        .embed = {.positions = LL_NO_POSITIONS},
        .attn = {.fused = true, .qkv_bias = LL_NO_BIAS, .out_bias = LL_NO_BIAS, .rotary = true},
        .ffn = {.glu = LL_GATE_AND_UP, .bias = LL_NO_BIAS},
        .names =
            {
                [LL_TOKENS] = {"embeddings.word_embeddings", "token_embd", NULL},
                [LL_TYPES] = {"embeddings.token_type_embeddings", "token_types", NULL},
                [LL_EMBED_NORM] = {"emb_ln", "token_embd_norm", NULL},
                [LL_QKV] = {"attn.Wqkv", "attn_qkv", NULL},
                [LL_ATTN_OUT] = {"attn.out_proj", "attn_output", NULL},
                [LL_ATTN_NORM] = {"norm1", "attn_output_norm", NULL},
                [LL_GATE] = {"mlp.fc12", "ffn_gate", NULL},
                [LL_UP] = {"mlp.fc11", "ffn_up", NULL},
                [LL_DOWN] = {"mlp.fc2", "ffn_down", NULL},
                [LL_FFN_NORM] = {"norm2", "layer_output_norm", NULL},
            },
    }},
};
