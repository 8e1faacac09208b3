/* Shared by BERT and its relatives: keys of config.json, names of tensors. */
#ifndef LL_FAMILIES_BERT_H
#define LL_FAMILIES_BERT_H

#include "families/family.h"

#define LL_BERT_SIZES                                                                                                \
    LL_SIZE(n_positions, LL_MAX_POSITIONS, "max_position_embeddings"), LL_SIZE(n_embd, LL_MAX_WIDTH, "hidden_size"), \
        LL_SIZE(n_layer, INT32_MAX, "num_hidden_layers"), LL_SIZE(n_head, LL_MAX_WIDTH, "num_attention_heads"),      \
        LL_SIZE(n_inner, LL_MAX_INNER, "intermediate_size")

#define LL_BERT_KEYS                                                                 \
    LL_BERT_SIZES, LL_COUNT(type_vocab_size, 2, 1, LL_MAX_WIDTH, "type_vocab_size"), \
        LL_ACTIVATION(LL_ACT_GELU, "hidden_act"), LL_EPS(1e-12, "layer_norm_eps")

#define LL_BERT_EMBEDDINGS                                                      \
    [LL_TOKENS] = {"embeddings.word_embeddings", "token_embd", NULL},           \
    [LL_POSITIONS] = {"embeddings.position_embeddings", "position_embd", NULL}, \
    [LL_TYPES] = {"embeddings.token_type_embeddings", "token_types", NULL},     \
    [LL_EMBED_NORM] = {"embeddings.LayerNorm", "token_embd_norm", NULL}

#define LL_BERT_LAYER                                                                                   \
    [LL_Q] = {"attention.self.query", "attn_q", NULL}, [LL_K] = {"attention.self.key", "attn_k", NULL}, \
    [LL_V] = {"attention.self.value", "attn_v", NULL},                                                  \
    [LL_ATTN_OUT] = {"attention.output.dense", "attn_output", NULL},                                    \
    [LL_ATTN_NORM] = {"attention.output.LayerNorm", "attn_output_norm", NULL},                          \
    [LL_UP] = {"intermediate.dense", "ffn_up", NULL}, [LL_DOWN] = {"output.dense", "ffn_down", NULL},   \
    [LL_FFN_NORM] = {"output.LayerNorm", "layer_output_norm", NULL}

/* llama.cpp's ranking head is cls.output(tanh(cls(x))): BERT's pooler and classifier. It does not know the poolers of
 * the other families. */
#define LL_OWN_POOLER [LL_POOLER] = {"pooler.dense", "llmcs.pooler", NULL}

/* bert.c: the heads of BERT and ERNIE. roberta.c: those of RoBERTa and MPNet. */
extern const ll_class ll_bert_classes[];
extern const ll_class ll_roberta_classes[];

/* Encoders refuse is_decoder. */
#define LL_ENCODER_MUST_BE \
    { "is_decoder", NULL, 0 }

#endif
