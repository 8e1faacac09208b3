/*
 * T5 (Raffel et al. 2020), T5 1.1 and Flan-T5 (Chung et al. 2022), mT5 (Xue et al. 2021): RMS norms before each
 * sub-layer, no biases, and instead of positions a bias of attention scores by distance, the same in all layers of a
 * stack. Scores are not scaled.
 *
 *     encoder:  x = shared[token]
 *               for each block:   x = x + o(attention(q(n), k(n), v(n)) with relative_attention_bias)
 *                                 x = x + wo(relu(wi(n)))     or   wo(gelu(wi_0(n)) * wi_1(n))
 *     decoder:  the same, causal, and between the two lines
 *                                 x = x + o(attention(q(n), keys and values of the encoder's output))
 *     where n = layer_norm(x), separate for each sub-layer
 *     output = final_layer_norm(x)
 *     logits = shared(output / sqrt(d_model)) where tied,  else lm_head(output)
 *
 * A classifier's decoder reads the source shifted by one token, starting with decoder_start_token_id
 * (T5ForSequenceClassification):
 *
 *     logits = out_proj(tanh(dense(output of the source's last eos_token_id)))
 *
 * Old files also have an unused EncDecAttention.relative_attention_bias. Only memory limits the length: Transformers
 * does not read n_positions of old files.
 */
#include "families/family.h"

#define MOST_POSITIONS 16384

static const ll_key keys[] = {
    LL_SIZE_OR(n_positions, MOST_POSITIONS, LL_MAX_POSITIONS, NULL),
    LL_SIZE(n_embd, LL_MAX_WIDTH, "d_model", "hidden_size"),
    LL_SIZE(n_layer, INT32_MAX, "num_decoder_layers", "num_layers", "num_hidden_layers"),
    LL_SIZE(n_head, LL_MAX_WIDTH, "num_heads", "num_attention_heads"),
    LL_SIZE(n_inner, LL_MAX_INNER, "d_ff"),
    LL_SIZE(head_dim, LL_MAX_WIDTH, "d_kv"),
    LL_SIZE(encoder.n_layer, INT32_MAX, "num_layers", "num_hidden_layers"),
    LL_NUMBER(query_scalar, 1, 1, 1, NULL),
    LL_GATED_ACTIVATION(LL_ACT_RELU, "feed_forward_proj", "dense_act_fn"),
    LL_EPS(1e-6, "layer_norm_epsilon"),
    LL_INT(n_buckets, 32, 4, 4096, "relative_attention_num_buckets"),
    LL_INT(max_distance, 128, 4, 1 << 20, "relative_attention_max_distance"),
    LL_BOOL(shares_tokens, true, NULL),
    LL_NO_MORE_KEYS,
};

static const ll_must_be must_be[] = {{"is_encoder_decoder", NULL, 1}, {0}};

static const char *const harmless[] = {"dropout_rate", "initializer_factor", "is_gated_act",
                                       "n_positions",  "classifier_dropout", NULL};

static const ll_head_spec lm_head = {LL_HEAD_CAUSAL_LM, LL_ROWS_LOGITS, .out = {"lm_head", NULL, NULL},
                                     .out_bias = LL_NO_BIAS, .scaled_if_tied = true};

static const ll_head_spec classification = {LL_HEAD_CLASSIFICATION,
                                            LL_ROWS_EOS,
                                            .dense = {"classification_head.dense", NULL, NULL},
                                            .act = LL_ACT_TANH,
                                            .out = {"classification_head.out_proj", NULL, NULL},
                                            .prefix = "transformer."};

/* WithLMHeadModel: files of 2019 and 2020. */
static const ll_class classes[] = {{"ForConditionalGeneration", &lm_head},
                                   {"WithLMHeadModel", &lm_head},
                                   {"ForSequenceClassification", &classification},
                                   {0}};

#define NAMES(side, ffn)                                                                                               \
    [LL_TOKENS] = {side ".embed_tokens", NULL, "shared"}, [LL_FINAL_NORM] = {side ".final_layer_norm", NULL, NULL},    \
    [LL_DISTANCE] = {side ".block.0.layer.0.SelfAttention.relative_attention_bias", NULL, NULL},                       \
    [LL_ATTN_NORM] = {"layer.0.layer_norm", NULL, NULL}, [LL_Q] = {"layer.0.SelfAttention.q", NULL, NULL},             \
    [LL_K] = {"layer.0.SelfAttention.k", NULL, NULL}, [LL_V] = {"layer.0.SelfAttention.v", NULL, NULL},                \
    [LL_ATTN_OUT] = {"layer.0.SelfAttention.o", NULL, NULL}, [LL_FFN_NORM] = {"layer." ffn ".layer_norm", NULL, NULL}, \
    [LL_GATE] = {"layer." ffn ".DenseReluDense.wi_0", NULL, NULL},                                                     \
    [LL_UP] = {"layer." ffn ".DenseReluDense.wi_1", NULL, "layer." ffn ".DenseReluDense.wi"},                          \
    [LL_DOWN] = {"layer." ffn ".DenseReluDense.wo", NULL, NULL}

#define ATTENTION \
    { .qkv_bias = LL_NO_BIAS, .out_bias = LL_NO_BIAS, .distance = LL_DISTANCE_BUCKETS }
#define FEED_FORWARD \
    { .glu = LL_GATE_BY_KEY, .bias = LL_NO_BIAS }

const ll_family ll_family_t5 = {
    .name = "t5",
    .number = 64,
    .model_types = {{"t5", "T5", NULL}, {"mt5", "MT5", NULL}},
    .prefix = "",
    .decoder = true,
    .keys = keys,
    .must_be = must_be,
    .harmless = harmless,
    .classes = classes,
    .tokens = {.bos = -1, .eos = 1, .pad = 0, .start = -1, .forced_eos = -1},
    .stack = {{
                  .layers = "encoder.block.%d.",
                  .norm = {.place = LL_PRE_NORM, .rms = true},
                  .attn = ATTENTION,
                  .ffn = FEED_FORWARD,
                  .names = {NAMES("encoder", "1")},
              },
              {
                  .layers = "decoder.block.%d.",
                  .causal = true,
                  .cross = true,
                  .norm = {.place = LL_PRE_NORM, .rms = true},
                  .attn = ATTENTION,
                  .ffn = FEED_FORWARD,
                  .names = {NAMES("decoder", "2"), [LL_CROSS_NORM] = {"layer.1.layer_norm", NULL, NULL},
                            [LL_CROSS_Q] = {"layer.1.EncDecAttention.q", NULL, NULL},
                            [LL_CROSS_K] = {"layer.1.EncDecAttention.k", NULL, NULL},
                            [LL_CROSS_V] = {"layer.1.EncDecAttention.v", NULL, NULL},
                            [LL_CROSS_OUT] = {"layer.1.EncDecAttention.o", NULL, NULL}},
              }},
};
