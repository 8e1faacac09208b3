/* The network of a GGUF file as llama.cpp's converter writes it: keys by architecture (ggml, docs/gguf.md), and facts
 * that only its tensors give. What the format leaves open is as in the family's original: BERT's exact GELU, GPT-2's
 * tanh form. */
#include <float.h>
#include <string.h>

#include "families/family.h"
#include "formats/config_parts.h"
#include "formats/gguf_names.h"
#include "formats/gguf_tokens.h"

const char *ll_config_gguf_key(char out[LL_GGUF_KEY_TEXT], const ll_config *c, const char *rest) {
    ll_format(out, LL_GGUF_KEY_TEXT, "%s.%s", c->family->gguf, rest);
    return out;
}

/* A required size; LIMIT above `max`. */
static llmcs_status read_size(const ll_config *c, const ll_gguf *g, const char *rest, int64_t max, int32_t *out) {
    char key[LL_GGUF_KEY_TEXT];
    int64_t n = 0;
    LL_TRY(ll_gguf_int(g, ll_config_gguf_key(key, c, rest), 1, INT32_MAX, &n));
    if (n == 0) return ll_gguf_missing(g, key);
    if (n > max)
        return ll_fail(LLMCS_LIMIT, "%s: key \"%s\": %lld, at most %lld are read", g->name, key, (long long)n,
                       (long long)max);
    *out = (int32_t)n;
    return LLMCS_OK;
}

/* Rows of a required matrix: the outer one of two dimensions. */
static llmcs_status read_rows(const ll_gguf *g, const char *tensor, int64_t max, int32_t *out) {
    const ll_tensor *t = ll_gguf_find_tensor(g, tensor);
    char shape[LL_SHAPE_TEXT_BYTES];
    if (!t) return ll_fail(LLMCS_FORMAT, "%s: tensor \"%s\" is missing", g->name, tensor);
    if (t->rank != 2 || t->shape[0] < 1)
        return ll_fail(LLMCS_CONFIG, "%s: tensor \"%s\" is %s, expected a matrix", g->name, tensor,
                       ll_shape_text(t->shape, t->rank, shape));
    if (t->shape[0] > (uint64_t)max)
        return ll_fail(LLMCS_LIMIT, "%s: tensor \"%s\" has %llu rows, at most %lld are read", g->name, tensor,
                       (unsigned long long)t->shape[0], (long long)max);
    *out = (int32_t)t->shape[0];
    return LLMCS_OK;
}

static llmcs_status read_sizes(ll_config *c, const ll_gguf *g) {
    LL_TRY(read_size(c, g, "context_length", LL_MAX_POSITIONS, &c->n_positions));
    LL_TRY(read_size(c, g, "embedding_length", LL_MAX_WIDTH, &c->n_embd));
    LL_TRY(read_size(c, g, "block_count", INT32_MAX, &c->n_layer));
    LL_TRY(read_size(c, g, "attention.head_count", LL_MAX_WIDTH, &c->n_head));
    LL_TRY(read_size(c, g, "feed_forward_length", LL_MAX_INNER, &c->n_inner));
    LL_TRY(read_rows(g, "token_embd.weight", LL_MAX_VOCAB_SIZE, &c->vocab_size));
    if (c->family->stack[0].attn.rotary) LL_TRY(ll_config_gguf_heads(c, g));
    static const char *const keys[3] = {"embedding_length", "attention.head_count", "attention.head_count_kv"};
    return ll_config_complete(c, g->name, keys);
}

static llmcs_status read_epsilon(ll_config *c, const ll_gguf *g) {
    const bool rms = c->family->stack[0].norm.rms;
    char key[LL_GGUF_KEY_TEXT];
    double d = 0;
    ll_config_gguf_key(key, c, rms ? "attention.layer_norm_rms_epsilon" : "attention.layer_norm_epsilon");
    LL_TRY(ll_gguf_double(g, key, 1e-37, 1, &d));
    if (d <= 0) return ll_gguf_missing(g, key);
    c->layer_norm_eps = (float)d;
    return LLMCS_OK;
}

/* Settings that would describe a different network. */
static llmcs_status check_foreign(const ll_config *c, const ll_gguf *g) {
    char key[LL_GGUF_KEY_TEXT];
    bool causal = c->family->decoder, wanted = causal;
    int64_t kv_heads = c->n_kv_head, n_files = 1;
    LL_TRY(ll_gguf_bool(g, ll_config_gguf_key(key, c, "attention.causal"), &causal));
    if (causal != wanted)
        return ll_fail(LLMCS_UNSUPPORTED, "%s: key \"%s\" is %s, which is not supported for this architecture", g->name,
                       key, causal ? "true" : "false");
    LL_TRY(ll_gguf_int(g, ll_config_gguf_key(key, c, "attention.head_count_kv"), 1, LL_MAX_WIDTH, &kv_heads));
    if (kv_heads != c->n_kv_head)
        return ll_fail(LLMCS_UNSUPPORTED,
                       "%s: key \"%s\" is %lld, head_count is %d: grouped-query attention is not supported for this "
                       "architecture",
                       g->name, key, (long long)kv_heads, (int)c->n_head);
    LL_TRY(ll_gguf_int(g, "split.count", 0, UINT16_MAX, &n_files));
    if (n_files > 1)
        return ll_fail(LLMCS_UNSUPPORTED, "%s: one of %lld parts: join them with llama.cpp's gguf-split --merge",
                       g->name, (long long)n_files);
    return LLMCS_OK;
}

/* A special token's id, `absent` without the key. One outside the vocabulary is ignored and logged. */
static llmcs_status read_id(const ll_config *c, const ll_gguf *g, const char *key, int32_t absent, const ll_log *log,
                            int32_t *out) {
    int64_t id = absent;
    *out = -1;
    LL_TRY(ll_gguf_int(g, key, -1, UINT32_MAX, &id));
    if (id >= c->vocab_size)
        ll_log_say(log, LLMCS_LOG_WARN, "%s: key \"%s\": %lld is ignored: the vocabulary has %d tokens", g->name, key,
                   (long long)id, (int)c->vocab_size);
    else
        *out = (int32_t)id;
    return LLMCS_OK;
}

/* Generation ends at the end of a text, of a turn, and of a message with a tool call. */
static llmcs_status read_ids(ll_config *c, const ll_gguf *g, const ll_log *log) {
    static const char *const ends[] = {"tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id",
                                       "tokenizer.ggml.eom_token_id"};
    const size_t n_ends = sizeof ends / sizeof *ends;
    const char *model;
    size_t len;
    LL_TRY(ll_gguf_text(g, "tokenizer.ggml.model", &model, &len));
    const bool llama = model && len == 5 && !memcmp(model, "llama", 5);
    LL_TRY(read_id(c, g, "tokenizer.ggml.bos_token_id", llama ? LL_GGUF_LLAMA_BOS : -1, log, &c->bos_token_id));
    LL_TRY(read_id(c, g, "tokenizer.ggml.padding_token_id", -1, log, &c->pad_token_id));
    LL_TRY(read_id(c, g, "tokenizer.ggml.seperator_token_id", -1, log, &c->sep_token_id)); /* GGUF's spelling */
    LL_TRY(ll_arena_alloc(&c->arena, n_ends, sizeof *c->eos_token_id, g->name, &c->eos_token_id));
    for (size_t i = 0; i < n_ends; i++) {
        int32_t id;
        LL_TRY(read_id(c, g, ends[i], llama && i == 0 ? LL_GGUF_LLAMA_EOS : -1, log, &id));
        bool known = id < 0;
        for (size_t k = 0; k < c->n_eos_token_id && !known; k++) known = c->eos_token_id[k] == id;
        if (!known) c->eos_token_id[c->n_eos_token_id++] = id;
    }
    return LLMCS_OK;
}

/* ---------------------------------------------------------------------------------------------------- encoders */

static llmcs_status read_labels(ll_config *c, const ll_gguf *g, const ll_log *log) {
    const ll_gguf_value *labels;
    LL_TRY(ll_gguf_array(g, "bert.classifier.output_labels", LL_GGUF_STRING, &labels));
    LL_TRY(ll_arena_alloc(&c->arena, (size_t)c->n_labels, sizeof *c->id2label, g->name, &c->id2label));
    for (int32_t i = 0; i < c->n_labels; i++) c->id2label[i] = NULL;
    if (!labels) return LLMCS_OK;
    if (labels->n != (size_t)c->n_labels) return ll_gguf_bad(g, labels, "a label for each row of cls.output.weight");
    size_t at = labels->at, len;
    for (int32_t i = 0; i < c->n_labels; i++) {
        const char *text = ll_gguf_next_string(g, &at, &len);
        if (memchr(text, 0, len)) return ll_gguf_bad(g, labels, "labels without NUL characters");
        LL_TRY(ll_arena_copy_text(&c->arena, text, len, "labels", &c->id2label[i]));
    }
    return ll_config_distinct_labels(c, g->name, log);
}

/* Sets the architecture's class with this name and its head. */
static llmcs_status set_class(ll_config *c, const char *name) {
    char architecture[64];
    const int n = ll_format(architecture, sizeof architecture, "%s%s", c->family->model_types[0].class_prefix, name);
    for (const ll_class *k = c->family->classes; k->name; k++)
        if (strcmp(k->name, name) == 0) {
            c->head_spec = k->head;
            c->head = k->head ? k->head->head : LL_HEAD_NONE;
        }
    return ll_arena_copy_text(&c->arena, architecture, (size_t)n, "architecture", &c->architecture);
}

/* A classifier, if the file has all its tensors: llama.cpp's converter omits BERT's pooler, and without it the logits
 * are meaningless. */
static llmcs_status read_head(ll_config *c, const ll_gguf *g, const ll_log *log) {
    LL_TRY(set_class(c, "Model"));
    if (!ll_gguf_find_tensor(g, "cls.output.weight")) return LLMCS_OK;
    if (!ll_gguf_find_tensor(g, "cls.weight")) {
        ll_log_say(log, LLMCS_LOG_WARN,
                   "%s: has a classifier (cls.output) but not the layer before it (cls): embeddings only", g->name);
        return LLMCS_OK;
    }
    LL_TRY(set_class(c, "ForSequenceClassification"));
    LL_TRY(read_rows(g, "cls.output.weight", LL_MAX_LABELS, &c->n_labels));
    c->problem = c->n_labels == 1 ? LL_PROBLEM_MULTI_LABEL : LL_PROBLEM_SINGLE_LABEL;
    c->rerank.activation = c->n_labels == 1 ? LL_TORCH_SIGMOID : LL_TORCH_IDENTITY;
    return read_labels(c, g, log);
}

/* Numbers of llama.cpp's enum llama_pooling_type (include/llama.h). */
static llmcs_status read_pooling(ll_config *c, const ll_gguf *g) {
    enum { UNSPECIFIED = -1, NONE, MEAN, CLS, LAST, RANK };
    char key[LL_GGUF_KEY_TEXT];
    int64_t type = UNSPECIFIED;
    LL_TRY(ll_gguf_int(g, ll_config_gguf_key(key, c, "pooling_type"), UNSPECIFIED, RANK, &type));
    if (type == RANK && c->family->decoder)
        return ll_fail(LLMCS_UNSUPPORTED, "%s: key \"%s\" is %d: decoders that rank are read from their folder only",
                       g->name, key, (int)RANK);
    if (type != MEAN && type != CLS && type != LAST) return LLMCS_OK;
    c->sentence.present = true;
    c->sentence.pooling = type == MEAN ? LL_POOL_MEAN : type == CLS ? LL_POOL_CLS : LL_POOL_LAST_TOKEN;
    c->sentence.n_pooled = c->sentence.n_out = c->n_embd;
    c->sentence.similarity = "cosine";
    c->sentence.normalize = true; /* as llama.cpp's own tools do */
    return LLMCS_OK;
}

static llmcs_status read_encoder(ll_config *c, const ll_gguf *g, const ll_log *log) {
    if (ll_gguf_find_tensor(g, "token_types.weight"))
        LL_TRY(read_rows(g, "token_types.weight", LL_MAX_WIDTH, &c->type_vocab_size));
    LL_TRY(read_head(c, g, log));
    return read_pooling(c, g);
}

/* A language model, or with pooling an embedding model. */
static llmcs_status read_decoder(ll_config *c, const ll_gguf *g, const ll_log *log) {
    const ll_class *k = c->family->classes;
    c->tie_word_embeddings = !ll_gguf_find_tensor(g, "output.weight");
    if (c->family->stack[0].attn.rotary) LL_TRY(ll_config_gguf_rotary(c, g, log));
    LL_TRY(read_pooling(c, g));
    while (k->name &&
           (k->head ? k->head->head : LL_HEAD_NONE) != (c->sentence.present ? LL_HEAD_NONE : LL_HEAD_CAUSAL_LM))
        k++;
    return set_class(c, k->name ? k->name : "");
}

/* The family's defaults for everything that the format does not have. */
static void set_defaults(ll_config *c) {
    c->model_type = c->family->model_types[0].name;
    c->scale_attn_weights = c->tie_word_embeddings = true;
    for (const ll_key *k = c->family->keys; k->kind; k++)
        if (k->kind == LL_KEY_ACTIVATION) c->activation = (ll_activation)k->by_default;
}

llmcs_status ll_config_gguf(ll_config *c, const ll_gguf *g, const ll_log *log) {
    bool runs;
    LL_TRY(ll_gguf_family(g, &c->family));
    LL_TRY(ll_gguf_runs_in_llama_cpp(g, c->family, &runs));
    if (!runs)
        return ll_fail(LLMCS_UNSUPPORTED,
                       "%s: a GGUF file of family \"%s\" is read only with the config.json it was made from", g->name,
                       c->family->name);
    set_defaults(c);
    LL_TRY(read_sizes(c, g));
    LL_TRY(read_epsilon(c, g));
    LL_TRY(check_foreign(c, g));
    LL_TRY(read_ids(c, g, log));
    return c->family->decoder ? read_decoder(c, g, log) : read_encoder(c, g, log);
}
