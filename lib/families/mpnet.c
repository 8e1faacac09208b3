/*
 * MPNet (Song et al. 2020): RoBERTa without token types, whose attention scores get a bias by head and distance, the
 * same in all layers.
 *
 *     scores  = q k^T / sqrt(head_dim) + relative_attention_bias[bucket(key - query)]
 *     pooled  = tanh(pooler(x of the first token))
 *     classes = out_proj(tanh(dense(x of the first token)))
 *     mlm     = decoder(norm(gelu(dense(x)))) + bias
 */
#include "families/bert.h"

static const ll_key keys[] = {LL_BERT_SIZES,
                              LL_ACTIVATION(LL_ACT_GELU, "hidden_act"),
                              LL_EPS(1e-12, "layer_norm_eps"),
                              LL_INT(n_buckets, 32, 4, 256, "relative_attention_num_buckets"),
                              LL_INT(max_distance, 128, 128, 128, NULL), /* a constant in modeling_mpnet.py */
                              LL_NO_MORE_KEYS};
static const ll_must_be must_be[] = {LL_ENCODER_MUST_BE, {0}};

const ll_family ll_family_mpnet = {
    .name = "mpnet",
    .number = 43,
    .model_types = {{"mpnet", "MPNet", NULL}},
    .prefix = "mpnet.",
    .keys = keys,
    .must_be = must_be,
    .classes = ll_roberta_classes,
    .tokens = {.bos = 0, .eos = 2, .pad = 1},
    .stack = {{
        .layers = "encoder.layer.%d.",
        .embed = {.positions = LL_POSITIONS_AFTER_PADDING},
        .attn = {.distance = LL_DISTANCE_BUCKETS},
        .names =
            {
                LL_BERT_EMBEDDINGS,
                LL_OWN_POOLER,
                [LL_DISTANCE] = {"encoder.relative_attention_bias", "llmcs.relative_attention_bias", NULL},
                [LL_Q] = {"attention.attn.q", "attn_q", NULL},
                [LL_K] = {"attention.attn.k", "attn_k", NULL},
                [LL_V] = {"attention.attn.v", "attn_v", NULL},
                [LL_ATTN_OUT] = {"attention.attn.o", "attn_output", NULL},
                [LL_ATTN_NORM] = {"attention.LayerNorm", "attn_output_norm", NULL},
                [LL_UP] = {"intermediate.dense", "ffn_up", NULL},
                [LL_DOWN] = {"output.dense", "ffn_down", NULL},
                [LL_FFN_NORM] = {"output.LayerNorm", "layer_output_norm", NULL},
            },
    }},
};
