/* The keys of a GGUF file that describe the network. */
#include <string.h>

#include "families/family.h"
#include "formats/gguf_export.h"

static void put_text(ll_gguf_header *h, const char *key, const char *text) {
    ll_gguf_put_text(h, key, text, strlen(text));
}

/* llama.cpp's graphs have GELU's tanh form in both architectures, which is close to the exact one, and no other. */
const char *ll_gguf_foreign_to_llama_cpp(const ll_config *c) {
    if (ll_config_tags_tokens(c)) return "it has no heads for tokens";
    if (c->activation != LL_ACT_GELU && c->activation != LL_ACT_GELU_NEW) return "its activation is not GELU";
    if (!c->family->gguf) return "it does not know the family";
    if (c->family->decoder && !c->scale_attn_weights) return "its attention is not scaled";
    return NULL;
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

static void put_sizes(ll_gguf_header *h, const ll_config *c) {
    const char *architecture = c->family->gguf ? c->family->gguf : c->family->name;
    const struct {
        const char *key;
        int32_t value;
    } sizes[] = {{"context_length", c->n_positions - c->position_offset},
                 {"embedding_length", c->n_embd},
                 {"block_count", c->n_layer},
                 {"feed_forward_length", c->n_inner},
                 {"attention.head_count", c->n_head},
                 {"vocab_size", c->vocab_size}};
    char key[64];
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        ll_format(key, sizeof key, "%s.%s", architecture, sizes[i].key);
        ll_gguf_put_u32(h, key, (uint32_t)sizes[i].value);
    }
    ll_format(key, sizeof key, "%s.attention.layer_norm_epsilon", architecture);
    ll_gguf_put_f32(h, key, c->layer_norm_eps);
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

static void put_encoder(ll_gguf_header *h, const ll_config *c) {
    enum { NONE, MEAN, CLS, LAST }; /* llama.cpp, include/llama.h, enum llama_pooling_type */
    const uint32_t modes = c->sentence.pooling;
    const uint32_t pooling = modes == LL_POOL_MEAN         ? MEAN
                             : modes == LL_POOL_CLS        ? CLS
                             : modes == LL_POOL_LAST_TOKEN ? LAST
                                                           : NONE;
    ll_gguf_put_bool(h, "bert.attention.causal", false);
    if (pooling != NONE) ll_gguf_put_u32(h, "bert.pooling_type", pooling); /* others are in modules.json's files only */
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
    if (!c->family->decoder) put_encoder(h, c);
}
