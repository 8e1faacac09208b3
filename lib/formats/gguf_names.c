/* Names of tensors, in GGUF files and in checkpoints. */
#include "formats/gguf_names.h"

#include <string.h>

/* A tensor without its ".weight" or ".bias". */
typedef struct pair {
    const char *gguf, *checkpoint;
} pair;

#define OWN "llmcs." /* prefix of names that only this library uses */

typedef struct pairs {
    const pair *items;
    size_t n;
} pairs;

typedef struct naming {
    const char *prefix;        /* of all but the heads */
    const char *layer;         /* precedes the number of a block */
    pairs whole, block, heads; /* heads with their whole name */
} naming;

static const pair gpt2_whole[] = {{"token_embd", "wte"}, {"position_embd", "wpe"}, {"output_norm", "ln_f"}};
static const pair gpt2_block[] = {{"attn_norm", "ln_1"}, {"attn_qkv", "attn.c_attn"}, {"attn_output", "attn.c_proj"},
                                  {"ffn_norm", "ln_2"},  {"ffn_up", "mlp.c_fc"},      {"ffn_down", "mlp.c_proj"}};
static const pair gpt2_heads[] = {{"output", "lm_head"}};

static const pair bert_block[] = {{"attn_q", "attention.self.query"},
                                  {"attn_k", "attention.self.key"},
                                  {"attn_v", "attention.self.value"},
                                  {"attn_output", "attention.output.dense"},
                                  {"attn_output_norm", "attention.output.LayerNorm"},
                                  {"ffn_up", "intermediate.dense"},
                                  {"ffn_down", "output.dense"},
                                  {"layer_output_norm", "output.LayerNorm"}};
static const pair distilbert_block[] = {{"attn_q", "attention.q_lin"},
                                        {"attn_k", "attention.k_lin"},
                                        {"attn_v", "attention.v_lin"},
                                        {"attn_output", "attention.out_lin"},
                                        {"attn_output_norm", "sa_layer_norm"},
                                        {"ffn_up", "ffn.lin1"},
                                        {"ffn_down", "ffn.lin2"},
                                        {"layer_output_norm", "output_layer_norm"}};
/* llama.cpp's ranking head is cls.output(tanh(cls(x))): BERT's pooler and classifier. It does not know the poolers of
 * the other families. */
#define EMBEDDING                                                                                      \
    {"token_embd", "embeddings.word_embeddings"}, {"position_embd", "embeddings.position_embeddings"}, \
        {"token_types", "embeddings.token_type_embeddings"}, {                                         \
        "token_embd_norm", "embeddings.LayerNorm"                                                      \
    }
static const pair bert_whole[] = {EMBEDDING, {"cls", "pooler.dense"}};
static const pair encoder_whole[] = {EMBEDDING, {OWN "pooler", "pooler.dense"}};
static const pair bert_heads[] = {{"cls.output", "classifier"}};
static const pair distilbert_heads[] = {{"cls", "pre_classifier"}, {"cls.output", "classifier"}};
static const pair roberta_heads[] = {{"cls", "classifier.dense"}, {"cls.output", "classifier.out_proj"}};

#define LIST(array) \
    { array, sizeof array / sizeof *array }
static const naming namings[] = {
    [LL_FAMILY_GPT2] = {"transformer.", "h.", LIST(gpt2_whole), LIST(gpt2_block), LIST(gpt2_heads)},
    [LL_FAMILY_BERT] = {"bert.", "encoder.layer.", LIST(bert_whole), LIST(bert_block), LIST(bert_heads)},
    [LL_FAMILY_DISTILBERT] = {"distilbert.", "transformer.layer.", LIST(encoder_whole), LIST(distilbert_block),
                              LIST(distilbert_heads)},
    [LL_FAMILY_ROBERTA] = {"roberta.", "encoder.layer.", LIST(encoder_whole), LIST(bert_block), LIST(roberta_heads)},
};

/* ---------------------------------------------------------------------------------------------------- one name */

/* The ".weight" or ".bias" at the end of a name, else NULL. */
static const char *weight_or_bias_suffix(const char *name) {
    const char *dot = strrchr(name, '.');
    return dot && (strcmp(dot, ".weight") == 0 || strcmp(dot, ".bias") == 0) ? dot : NULL;
}

/* The other list's name for [name, end), or NULL. */
static const char *other_side(const pairs *list, const char *name, const char *end, bool to_gguf) {
    size_t n = (size_t)(end - name);
    for (size_t i = 0; i < list->n; i++) {
        const char *from = to_gguf ? list->items[i].checkpoint : list->items[i].gguf;
        if (strlen(from) == n && memcmp(from, name, n) == 0)
            return to_gguf ? list->items[i].gguf : list->items[i].checkpoint;
    }
    return NULL;
}

/* The length of a block's number at `text`, including the dot after it; 0: there is no number. */
static size_t number_and_dot(const char *text) {
    size_t n = strspn(text, "0123456789");
    return n && n < 10 && text[n] == '.' ? n + 1 : 0;
}

static bool has_prefix(const char *text, const char *prefix) { return strncmp(text, prefix, strlen(prefix)) == 0; }

static bool compose_name(char out[LL_MAX_NAME_TEXT], const char *a, const char *b, size_t b_bytes, const char *c,
                         const char *suffix) {
    int len = ll_format(out, LL_MAX_NAME_TEXT, "%s%.*s%s%s", a, (int)b_bytes, b, c, suffix);
    return len >= 0 && len < LL_MAX_NAME_TEXT;
}

bool ll_gguf_to_checkpoint(ll_family family, const char *name, char out[LL_MAX_NAME_TEXT]) {
    const naming *n = &namings[family];
    const char *end = weight_or_bias_suffix(name), *found;
    if (!end) return compose_name(out, name, "", 0, "", "");
    size_t digits = has_prefix(name, "blk.") ? number_and_dot(name + 4) : 0;
    char block[LL_MAX_NAME_TEXT];
    if (digits && name + 4 + digits <= end) {
        found = other_side(&n->block, name + 4 + digits, end, false);
        if (!found) return compose_name(out, name, "", 0, "", "");
        ll_format(block, sizeof block, "%s%s", n->prefix, n->layer);
        return compose_name(out, block, name + 4, digits, found, end);
    }
    found = other_side(&n->heads, name, end, false);
    if (found) return compose_name(out, found, "", 0, "", end);
    found = other_side(&n->whole, name, end, false);
    return found ? compose_name(out, n->prefix, "", 0, found, end) : compose_name(out, name, "", 0, "", "");
}

bool ll_checkpoint_to_gguf(ll_family family, const char *name, char out[LL_MAX_NAME_TEXT], bool *known) {
    const naming *n = &namings[family];
    const char *end = weight_or_bias_suffix(name), *found;
    *known = end != NULL;
    if (!end) return compose_name(out, name, "", 0, "", "");
    found = other_side(&n->heads, name, end, true);
    if (found) return compose_name(out, found, "", 0, "", end);
    const char *inner = has_prefix(name, n->prefix) ? name + strlen(n->prefix) : name;
    found = other_side(&n->whole, inner, end, true);
    *known = !found || !has_prefix(found, OWN);
    if (found) return compose_name(out, found, "", 0, "", end);
    const char *number = inner + strlen(n->layer);
    size_t digits = has_prefix(inner, n->layer) ? number_and_dot(number) : 0;
    found = digits && number + digits <= end ? other_side(&n->block, number + digits, end, true) : NULL;
    if (found) return compose_name(out, "blk.", number, digits, found, end);
    *known = false;
    return compose_name(out, name, "", 0, "", "");
}

/* ---------------------------------------------------------------------------------------------- what stands before */

/* True if `name`, whose suffix begins at `end`, is a tensor of the family without any prefix. */
static bool is_inner_name(const naming *n, const char *name, const char *end) {
    if (name >= end) return false;
    if (other_side(&n->whole, name, end, true)) return true;
    if (!has_prefix(name, n->layer)) return false;
    const char *number = name + strlen(n->layer);
    const size_t digits = number_and_dot(number);
    return digits && number + digits <= end && other_side(&n->block, number + digits, end, true);
}

bool ll_checkpoint_prefix(ll_family family, const char *name, size_t *n_bytes) {
    const char *end = weight_or_bias_suffix(name);
    for (const char *at = name; end && at; at = strchr(at, '.')) {
        if (*at == '.') at++;
        if (!is_inner_name(&namings[family], at, end)) continue;
        *n_bytes = (size_t)(at - name);
        return true;
    }
    return false;
}

const char *ll_checkpoint_own_prefix(ll_family family) { return namings[family].prefix; }

/* --------------------------------------------------------------------------------------------------- which family */

static bool text_equals(const char *text, size_t len, const char *other) {
    return text && len == strlen(other) && memcmp(text, other, len) == 0;
}

llmcs_status ll_gguf_family(const ll_gguf *g, ll_family *family) {
    static const char *const types[] = {"gpt2", "bert", "distilbert", "roberta"}; /* by ll_family */
    const char *text, *model;
    size_t len, model_len;
    LL_TRY(ll_gguf_text(g, "llmcs.model_family", &text, &len));
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (text_equals(text, len, types[i])) {
            *family = (ll_family)i;
            return LLMCS_OK;
        }
    LL_TRY(ll_gguf_text(g, "general.architecture", &text, &len));
    LL_TRY(ll_gguf_text(g, "tokenizer.ggml.model", &model, &model_len));
    if (!text) return ll_gguf_missing(g, "general.architecture");
    *family = text_equals(text, len, "gpt2") ? LL_FAMILY_GPT2 : LL_FAMILY_BERT;
    if (*family == LL_FAMILY_BERT && text_equals(model, model_len, "gpt2")) *family = LL_FAMILY_ROBERTA;
    if (text_equals(text, len, "gpt2") || text_equals(text, len, "bert")) return LLMCS_OK;
    return ll_fail(LLMCS_UNSUPPORTED, "%s: architecture \"%.*s\" is not run, only gpt2 and bert", g->name,
                   (int)ll_min(len, 40), text);
}
