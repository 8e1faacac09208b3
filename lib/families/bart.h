/* Shared by BART and its relatives: keys of config.json, names of tensors, the head. */
#ifndef LL_FAMILIES_BART_H
#define LL_FAMILIES_BART_H

#include "families/family.h"

/* The class decides the placement of norms. The older files' normalize_before, add_final_layer_norm, ... describe
 * fairseq's network, and Transformers does not read them. */
#define LL_BART_SIZES                                                                                                \
    LL_SIZE(n_positions, LL_MAX_POSITIONS, "max_position_embeddings"),                                               \
        LL_SIZE(n_embd, LL_MAX_WIDTH, "d_model", "hidden_size"), LL_SIZE(n_layer, INT32_MAX, "decoder_layers"),      \
        LL_SIZE(n_head, LL_MAX_WIDTH, "decoder_attention_heads"), LL_SIZE(n_inner, LL_MAX_INNER, "decoder_ffn_dim"), \
        LL_SIZE(encoder.n_layer, INT32_MAX, "encoder_layers", "num_hidden_layers"),                                  \
        LL_SIZE(encoder.n_head, LL_MAX_WIDTH, "encoder_attention_heads", "num_attention_heads"),                     \
        LL_SIZE(encoder.n_inner, LL_MAX_INNER, "encoder_ffn_dim")

#define LL_BART_REST                                                       \
    LL_ACTIVATION(LL_ACT_GELU, "activation_function"), LL_EPS(1e-5, NULL), \
        LL_BOOL(scale_embedding, false, "scale_embedding")

#define LL_BART_MUST_BE \
    { "is_encoder_decoder", NULL, 1 }

/* Tensor names of a stack. side: "encoder" or "decoder". */
#define LL_BART_NAMES(side)                                                                                       \
    [LL_TOKENS] = {side ".embed_tokens", NULL, "shared"}, [LL_POSITIONS] = {side ".embed_positions", NULL, NULL}, \
    [LL_Q] = {"self_attn.q_proj", NULL, NULL}, [LL_K] = {"self_attn.k_proj", NULL, NULL},                         \
    [LL_V] = {"self_attn.v_proj", NULL, NULL}, [LL_ATTN_OUT] = {"self_attn.out_proj", NULL, NULL},                \
    [LL_ATTN_NORM] = {"self_attn_layer_norm", NULL, NULL}, [LL_UP] = {"fc1", NULL, NULL},                         \
    [LL_DOWN] = {"fc2", NULL, NULL}, [LL_FFN_NORM] = {"final_layer_norm", NULL, NULL}
#define LL_BART_EMBED_NORM(side) [LL_EMBED_NORM] = {side ".layernorm_embedding", NULL, NULL}
#define LL_BART_CROSS                                                                                              \
    [LL_CROSS_NORM] = {"encoder_attn_layer_norm", NULL, NULL}, [LL_CROSS_Q] = {"encoder_attn.q_proj", NULL, NULL}, \
    [LL_CROSS_K] = {"encoder_attn.k_proj", NULL, NULL}, [LL_CROSS_V] = {"encoder_attn.v_proj", NULL, NULL},        \
    [LL_CROSS_OUT] = {"encoder_attn.out_proj", NULL, NULL}

/* bart.c */
extern const ll_head_spec ll_bart_lm_head;
extern const ll_head_spec ll_bart_classification;
extern const ll_must_be ll_bart_must_be[];
/* Keys without effect on results. */
extern const char *const ll_bart_harmless[];

#endif
