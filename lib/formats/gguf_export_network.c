/* The keys of a GGUF file that describe the network. */
#include <math.h>
#include <string.h>

#include "families/family.h"
#include "formats/config_parts.h"
#include "formats/gguf_export.h"

static void put_text(ll_gguf_header *h, const char *key, const char *text) {
    ll_gguf_put_text(h, key, text, strlen(text));
}

/* llama.cpp's graphs use GELU's tanh form for the exact GELU as well, which is close; a gate's activation is the
 * family's own. */
static bool has_its_activation(const ll_config *c) {
    if (c->family->stack[0].ffn.glu == LL_NO_GATE)
        return c->activation == LL_ACT_GELU || c->activation == LL_ACT_GELU_NEW;
    for (const ll_key *k = c->family->keys; k->kind; k++)
        if (k->kind == LL_KEY_ACTIVATION) return c->activation == (ll_activation)k->by_default;
    return false;
}

/* True if llama.cpp treats a layer differently: its window is shorter than the longest sequence, or llama.cpp rotates
 * other layers. */
static bool has_other_layers(const ll_config *c) {
    const bool windows = (c->family->gguf_traits & LL_GGUF_WINDOWS) || c->layers.window >= c->n_positions;
    const bool unrotated = c->layers.unrotated_every > 0;
    for (size_t i = 0; i < (size_t)c->n_layer; i++) {
        if (ll_config_is_local(c, i) && !windows) return true;
        if (ll_config_rotates(c, i) == (unrotated && (i + 1) % LL_GGUF_UNROTATED_EVERY == 0)) return true;
    }
    return false;
}

/* Rotary scalings that llama.cpp lacks: yarn with other ramps than the default, and any scaling in layers with a
 * window. */
static const char *foreign_rope(const ll_config *c) {
    const ll_rope_config *r = &c->rope;
    const bool usual = (r->beta_fast <= 0 || r->beta_fast == 32) && (r->beta_slow <= 0 || r->beta_slow == 1);
    switch (r->scaling) {
        case LL_ROPE_PLAIN:
        case LL_ROPE_LINEAR:
            return NULL;
        case LL_ROPE_YARN:
            return usual && !r->keep_fractions && r->local_theta <= 0 ? NULL : "its graph has another form of yarn";
        case LL_ROPE_LLAMA3:
        case LL_ROPE_FACTORS:
            if (c->family->stack[0].names[LL_ROTARY_FACTORS].gguf) return NULL;
            break;
        case LL_ROPE_NTK:
            break;
    }
    return "its graph scales rotary frequencies differently";
}

static const char *foreign_decoder(const ll_config *c) {
    const unsigned traits = c->family->gguf_traits;
    if (c->head == LL_HEAD_CLASSIFICATION) return "it has no classifiers of this family";
    if (!c->scale_attn_weights) return "its attention is not scaled";
    if (!c->family->stack[0].attn.rotary) return NULL;
    if ((c->attention_bias || c->mlp_bias) && !(traits & LL_GGUF_BIASES)) return "its graph lacks the biases";
    if (c->n_head * c->head_dim != c->n_embd && !(traits & LL_GGUF_HEAD_DIM)) return "its heads have another width";
    if (c->query_scalar > 0 && c->query_scalar != (double)ll_gguf_query_scalar(c))
        return "its scores have another scale";
    if (has_other_layers(c)) return "its layers attend to other windows, or rotate other layers";
    return foreign_rope(c);
}

const char *ll_gguf_foreign_to_llama_cpp(const ll_config *c) {
    if (ll_config_tags_tokens(c)) return "it has no heads for tokens";
    if (!c->family->gguf) return "it does not know the family";
    if (!has_its_activation(c)) return "its activation is another one";
    return c->family->decoder ? foreign_decoder(c) : NULL;
}

uint32_t ll_gguf_type_number(ll_dtype dtype) {
    static const uint32_t numbers[] = {
        [LL_DTYPE_F32] = 0, [LL_DTYPE_F16] = 1, [LL_DTYPE_BF16] = 30, [LL_DTYPE_Q8_0] = 8, [LL_DTYPE_Q4_0] = 2};
    return numbers[dtype];
}

/* llama.cpp, include/llama.h, enum llama_ftype. */
static uint32_t file_type(ll_dtype dtype) {
    static const uint32_t numbers[] = {
        [LL_DTYPE_F32] = 0, [LL_DTYPE_F16] = 1, [LL_DTYPE_BF16] = 32, [LL_DTYPE_Q8_0] = 7, [LL_DTYPE_Q4_0] = 2};
    return numbers[dtype];
}

/* A key of the architecture. */
static const char *key_of(char out[LL_GGUF_KEY_TEXT], const ll_config *c, const char *rest) {
    ll_format(out, LL_GGUF_KEY_TEXT, "%s.%s", c->family->gguf ? c->family->gguf : c->family->name, rest);
    return out;
}

static void put_sizes(ll_gguf_header *h, const ll_config *c) {
    const struct {
        const char *key;
        int32_t value;
    } sizes[] = {{"context_length", c->n_positions - c->position_offset},
                 {"embedding_length", c->n_embd},
                 {"block_count", c->n_layer},
                 {"feed_forward_length", c->n_inner},
                 {"attention.head_count", c->n_head},
                 {"vocab_size", c->vocab_size}};
    char key[LL_GGUF_KEY_TEXT];
    const bool rms = c->family->stack[0].norm.rms;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        ll_gguf_put_u32(h, key_of(key, c, sizes[i].key), (uint32_t)sizes[i].value);
    key_of(key, c, rms ? "attention.layer_norm_rms_epsilon" : "attention.layer_norm_epsilon");
    ll_gguf_put_f32(h, key, c->layer_norm_eps);
}

/* rope.scaling. For llama3 the tensor rope_freqs has the frequencies. */
static void put_scaling(ll_gguf_header *h, const ll_config *c) {
    const ll_rope_config *r = &c->rope;
    char key[LL_GGUF_KEY_TEXT];
    if (r->scaling != LL_ROPE_LINEAR && r->scaling != LL_ROPE_YARN) return;
    put_text(h, key_of(key, c, "rope.scaling.type"), r->scaling == LL_ROPE_YARN ? "yarn" : "linear");
    ll_gguf_put_f32(h, key_of(key, c, "rope.scaling.factor"), (float)r->factor);
    if (r->scaling != LL_ROPE_YARN) return;
    ll_gguf_put_u32(h, key_of(key, c, "rope.scaling.original_context_length"), (uint32_t)r->original_positions);
    if (r->attention_factor <= 0) return;
    ll_gguf_put_f32(h, key_of(key, c, "rope.scaling.yarn_attn_factor"), (float)r->attention_factor);
    ll_gguf_put_f32(h, key_of(key, c, "rope.scaling.attn_factor"),
                    (float)(r->attention_factor / (0.1 * log(r->factor) + 1)));
}

static void put_windows(ll_gguf_header *h, const ll_config *c) {
    char key[LL_GGUF_KEY_TEXT];
    if (!c->layers.window || !(c->family->gguf_traits & LL_GGUF_WINDOWS)) return;
    ll_gguf_put_u32(h, key_of(key, c, "attention.sliding_window"), (uint32_t)c->layers.window);
    ll_gguf_put_f32(h, key_of(key, c, "rope.freq_base_swa"),
                    (float)(c->rope.local_theta > 0 ? c->rope.local_theta : c->rope.theta));
    key_of(key, c, "attention.sliding_window_pattern");
    if (!c->layers.local) {
        ll_gguf_put_u32(h, key, (uint32_t)c->layers.global_every);
        return;
    }
    ll_gguf_begin_array(h, key, LL_GGUF_BOOL, (size_t)c->n_layer);
    for (int32_t i = 0; i < c->n_layer; i++) ll_gguf_add_bytes(h, &c->layers.local[i], 1);
}

static void put_rotary(ll_gguf_header *h, const ll_config *c) {
    const struct {
        const char *key;
        int32_t value;
    } sizes[] = {{"attention.head_count_kv", c->n_kv_head},
                 {"attention.key_length", c->head_dim},
                 {"attention.value_length", c->head_dim},
                 {"rope.dimension_count", c->head_dim}};
    char key[LL_GGUF_KEY_TEXT];
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        ll_gguf_put_u32(h, key_of(key, c, sizes[i].key), (uint32_t)sizes[i].value);
    ll_gguf_put_f32(h, key_of(key, c, "rope.freq_base"), (float)c->rope.theta);
    put_scaling(h, c);
    put_windows(h, c);
}

static void put_labels(ll_gguf_header *h, const ll_config *c) {
    ll_gguf_begin_array(h, "bert.classifier.output_labels", LL_GGUF_STRING, (size_t)c->n_labels);
    for (int32_t i = 0; i < c->n_labels; i++) {
        char name[24];
        const char *label = c->id2label ? c->id2label[i] : NULL;
        if (!label) ll_format(name, sizeof name, "LABEL_%d", (int)i);
        ll_gguf_add_text(h, label ? label : name, strlen(label ? label : name));
    }
}

/* Pooling modes that llama.cpp lacks are only in the embedded files of modules.json. */
static void put_pooling(ll_gguf_header *h, const ll_config *c) {
    enum { NONE, MEAN, CLS, LAST }; /* llama.cpp, include/llama.h, enum llama_pooling_type */
    char key[LL_GGUF_KEY_TEXT];
    const uint32_t modes = c->sentence.pooling;
    const uint32_t pooling = modes == LL_POOL_MEAN         ? MEAN
                             : modes == LL_POOL_CLS        ? CLS
                             : modes == LL_POOL_LAST_TOKEN ? LAST
                                                           : NONE;
    if (pooling != NONE) ll_gguf_put_u32(h, key_of(key, c, "pooling_type"), pooling);
}

static void put_encoder(ll_gguf_header *h, const ll_config *c) {
    ll_gguf_put_bool(h, "bert.attention.causal", false);
    put_pooling(h, c);
    if (c->head == LL_HEAD_CLASSIFICATION) put_labels(h, c);
    ll_gguf_put_u32(h, "tokenizer.ggml.token_type_count", c->type_vocab_size ? (uint32_t)c->type_vocab_size : 1);
}

void ll_gguf_export_network(ll_gguf_header *h, const ll_config *c, ll_dtype dtype, bool foreign) {
    put_text(h, "general.architecture", foreign ? "llmcs" : c->family->gguf);
    put_text(h, "general.type", "model");
    ll_gguf_put_u32(h, "general.file_type", file_type(dtype));
    ll_gguf_put_u32(h, "general.quantization_version", 2); /* ggml.h, GGML_QNT_VERSION */
    put_text(h, "llmcs.model_family", c->family->name);
    put_sizes(h, c);
    if (c->family->stack[0].attn.rotary) put_rotary(h, c);
    if (c->family->decoder)
        put_pooling(h, c);
    else
        put_encoder(h, c);
}
