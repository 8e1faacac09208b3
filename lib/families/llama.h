/* Shared by Llama and its relatives: keys of config.json, names of tensors, heads. */
#ifndef LL_FAMILIES_LLAMA_H
#define LL_FAMILIES_LLAMA_H

#include "families/family.h"

#define LL_LLAMA_SIZES                                                                                               \
    LL_SIZE(n_positions, LL_MAX_POSITIONS, "max_position_embeddings"), LL_SIZE(n_embd, LL_MAX_WIDTH, "hidden_size"), \
        LL_SIZE(n_layer, INT32_MAX, "num_hidden_layers"), LL_SIZE(n_head, LL_MAX_WIDTH, "num_attention_heads"),      \
        LL_SIZE(n_inner, LL_MAX_INNER, "intermediate_size")

/* Absent or null: n_kv_head = n_head; head_dim = n_embd / n_head. */
#define LL_LLAMA_HEADS \
    LL_INT(n_kv_head, 0, 1, LL_MAX_WIDTH, "num_key_value_heads"), LL_INT(head_dim, 0, 1, LL_MAX_WIDTH, "head_dim")

#define LL_LLAMA_REST(default_theta)                                        \
    LL_ACTIVATION(LL_ACT_SILU, "hidden_act"), LL_EPS(1e-6, "rms_norm_eps"), \
        LL_NUMBER(rope.theta, default_theta, 1e-3, 1e12, "rope_theta")

#define LL_LLAMA_NAMES                                                                                          \
    [LL_TOKENS] = {"embed_tokens", "token_embd", NULL}, [LL_FINAL_NORM] = {"norm", "output_norm", NULL},        \
    [LL_ATTN_NORM] = {"input_layernorm", "attn_norm", NULL}, [LL_Q] = {"self_attn.q_proj", "attn_q", NULL},     \
    [LL_K] = {"self_attn.k_proj", "attn_k", NULL}, [LL_V] = {"self_attn.v_proj", "attn_v", NULL},               \
    [LL_ATTN_OUT] = {"self_attn.o_proj", "attn_output", NULL}, [LL_GATE] = {"mlp.gate_proj", "ffn_gate", NULL}, \
    [LL_UP] = {"mlp.up_proj", "ffn_up", NULL}, [LL_DOWN] = {"mlp.down_proj", "ffn_down", NULL}
#define LL_LLAMA_FACTORS [LL_ROTARY_FACTORS] = {"rope_freqs", "rope_freqs", NULL}
#define LL_LLAMA_FFN_NORM [LL_FFN_NORM] = {"post_attention_layernorm", "ffn_norm", NULL}
#define LL_LLAMA_QK_NORM \
    [LL_Q_NORM] = {"self_attn.q_norm", "attn_q_norm", NULL}, [LL_K_NORM] = {"self_attn.k_norm", "attn_k_norm", NULL}

/* llama.c: language model, classifier of the last token, classifier of each token, no head. */
extern const ll_class ll_llama_classes[];
/* Keys without effect on results. */
extern const char *const ll_llama_harmless[];
/* Keys of unsupported variants. */
extern const ll_must_be ll_llama_must_be[];

#endif
