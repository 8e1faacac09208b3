/* The GGUF keys that only networks with rotary embeddings have (ggml, docs/gguf.md; llama.cpp reads them in
 * llama-model.cpp and src/models/). An absent key has llama.cpp's default. */
#include <math.h>
#include <string.h>

#include "families/family.h"
#include "formats/config_parts.h"
#include "formats/gguf.h"

/* ---------------------------------------------------------------------------------------------------- heads */

llmcs_status ll_config_gguf_heads(ll_config *c, const ll_gguf *g) {
    char key[LL_GGUF_KEY_TEXT], value_key[LL_GGUF_KEY_TEXT];
    int64_t n_kv_head = 0, head_dim = 0, value_dim = 0;
    LL_TRY(ll_gguf_int(g, ll_config_gguf_key(key, c, "attention.head_count_kv"), 1, LL_MAX_WIDTH, &n_kv_head));
    LL_TRY(ll_gguf_int(g, ll_config_gguf_key(value_key, c, "attention.value_length"), 1, LL_MAX_WIDTH, &value_dim));
    LL_TRY(ll_gguf_int(g, ll_config_gguf_key(key, c, "attention.key_length"), 1, LL_MAX_WIDTH, &head_dim));
    if (value_dim && value_dim != (head_dim ? head_dim : c->n_embd / c->n_head))
        return ll_fail(LLMCS_UNSUPPORTED, "%s: key \"%s\" is %lld: value heads must be as wide as key heads", g->name,
                       value_key, (long long)value_dim);
    c->n_kv_head = (int32_t)n_kv_head;
    c->head_dim = (int32_t)head_dim;
    return LLMCS_OK;
}

/* --------------------------------------------------------------------------------------------------- rotary */

/* A number that must be absent or `neutral`; any other describes an unsupported network. */
static llmcs_status must_be(const ll_config *c, const ll_gguf *g, const char *rest, double neutral) {
    char key[LL_GGUF_KEY_TEXT];
    double d = neutral;
    LL_TRY(ll_gguf_double(g, ll_config_gguf_key(key, c, rest), -1e30, 1e30, &d));
    if (d == neutral) return LLMCS_OK;
    return ll_fail(LLMCS_UNSUPPORTED, "%s: key \"%s\" is %g: only %g is supported", g->name, key, d, neutral);
}

static llmcs_status read_type(const ll_config *c, const ll_gguf *g, ll_rope_scaling *scaling) {
    static const struct {
        const char *name;
        ll_rope_scaling scaling;
    } types[] = {{"none", LL_ROPE_PLAIN}, {"linear", LL_ROPE_LINEAR}, {"yarn", LL_ROPE_YARN}};
    char key[LL_GGUF_KEY_TEXT];
    const char *text;
    size_t len;
    LL_TRY(ll_gguf_text(g, ll_config_gguf_key(key, c, "rope.scaling.type"), &text, &len));
    *scaling = LL_ROPE_LINEAR;
    if (!text) return LLMCS_OK;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (len == strlen(types[i].name) && !memcmp(text, types[i].name, len)) {
            *scaling = types[i].scaling;
            return LLMCS_OK;
        }
    return ll_fail(LLMCS_UNSUPPORTED, "%s: key \"%s\" is \"%.*s\": only none, linear and yarn are supported", g->name,
                   key, (int)ll_min(len, 40), text);
}

/* yarn_attn_factor is Transformers' attention_factor. llama.cpp multiplies its default, 0.1 ln(factor) + 1, by
 * attn_factor. */
static llmcs_status read_yarn(ll_config *c, const ll_gguf *g) {
    ll_rope_config *r = &c->rope;
    char key[LL_GGUF_KEY_TEXT];
    double original = c->n_positions, times = 0;
    int64_t n_original = 0;
    LL_TRY(must_be(c, g, "rope.scaling.yarn_ext_factor", 1));
    LL_TRY(ll_gguf_int(g, ll_config_gguf_key(key, c, "rope.scaling.original_context_length"), 1, LL_MAX_POSITIONS,
                       &n_original));
    r->original_positions = n_original ? (double)n_original : original;
    LL_TRY(ll_gguf_double(g, ll_config_gguf_key(key, c, "rope.scaling.yarn_beta_fast"), 1e-3, 1e6, &r->beta_fast));
    LL_TRY(ll_gguf_double(g, ll_config_gguf_key(key, c, "rope.scaling.yarn_beta_slow"), 1e-3, 1e6, &r->beta_slow));
    LL_TRY(ll_gguf_double(g, ll_config_gguf_key(key, c, "rope.scaling.attn_factor"), 1e-3, 1e3, &times));
    if (times > 0) r->attention_factor = times * (0.1 * log(r->factor) + 1);
    return ll_gguf_double(g, ll_config_gguf_key(key, c, "rope.scaling.yarn_attn_factor"), 1e-3, 1e3,
                          &r->attention_factor);
}

static llmcs_status fail_factors(const ll_gguf *g, const char *key) {
    return ll_fail(LLMCS_UNSUPPORTED, "%s: both the tensor rope_freqs.weight and the key \"%s\" scale the frequencies",
                   g->name, key);
}

static llmcs_status read_scaling(ll_config *c, const ll_gguf *g) {
    ll_rope_config *r = &c->rope;
    char key[LL_GGUF_KEY_TEXT], factor_key[LL_GGUF_KEY_TEXT];
    LL_TRY(read_type(c, g, &r->scaling));
    LL_TRY(ll_gguf_double(g, ll_config_gguf_key(key, c, "rope.scale_linear"), 1, 1e6, &r->factor)); /* the older name */
    LL_TRY(ll_gguf_double(g, ll_config_gguf_key(factor_key, c, "rope.scaling.factor"), 1, 1e6, &r->factor));
    LL_TRY(must_be(c, g, "rope.scaling.yarn_log_multiplier", 0));
    LL_TRY(must_be(c, g, "rope.scaling.alpha", 0));
    if (r->factor <= 1 || r->scaling == LL_ROPE_PLAIN) r->scaling = LL_ROPE_PLAIN;
    if (r->scaling != LL_ROPE_YARN) LL_TRY(must_be(c, g, "rope.scaling.attn_factor", 1));
    if (r->scaling == LL_ROPE_YARN) LL_TRY(read_yarn(c, g));
    if (!c->family->stack[0].names[LL_ROTARY_FACTORS].gguf || !ll_gguf_find_tensor(g, "rope_freqs.weight"))
        return LLMCS_OK;
    if (r->scaling != LL_ROPE_PLAIN) return fail_factors(g, factor_key);
    r->scaling = LL_ROPE_FACTORS;
    return LLMCS_OK;
}

static llmcs_status read_rope(ll_config *c, const ll_gguf *g) {
    char key[LL_GGUF_KEY_TEXT];
    int64_t n_rotated = c->head_dim;
    c->rope.theta = 10000;
    LL_TRY(ll_gguf_double(g, ll_config_gguf_key(key, c, "rope.freq_base"), 1e-3, 1e12, &c->rope.theta));
    LL_TRY(ll_gguf_int(g, ll_config_gguf_key(key, c, "rope.dimension_count"), 1, LL_MAX_WIDTH, &n_rotated));
    if (n_rotated != c->head_dim)
        return ll_fail(LLMCS_UNSUPPORTED, "%s: key \"%s\" is %lld: heads of %d are rotated whole", g->name, key,
                       (long long)n_rotated, (int)c->head_dim);
    if (c->head_dim % 2)
        return ll_fail(LLMCS_CONFIG, "%s: heads are %d wide, which is odd: rotary embeddings rotate pairs", g->name,
                       (int)c->head_dim);
    return read_scaling(c, g);
}

/* -------------------------------------------------------------------------------------------------- windows */

/* Which layers have a window: all but every n-th, or those that a list names. */
static llmcs_status read_pattern(ll_config *c, const ll_gguf *g, const char *key) {
    const ll_gguf_value *list = ll_gguf_find(g, key);
    int64_t every = 6;
    uint8_t *local;
    if (!list || !list->is_array) {
        LL_TRY(ll_gguf_int(g, key, 1, INT32_MAX, &every));
        c->layers.global_every = (int32_t)every;
        return LLMCS_OK;
    }
    const bool is_bool = list->type == LL_GGUF_BOOL;
    if ((!is_bool && list->type != LL_GGUF_I32 && list->type != LL_GGUF_U32) || list->n != (size_t)c->n_layer)
        return ll_gguf_bad(g, list, "true or false for each layer");
    LL_TRY(ll_arena_alloc(&c->arena, list->n, sizeof *local, g->name, &local));
    for (size_t i = 0; i < list->n; i++)
        local[i] = is_bool ? g->data[list->at + i] != 0 : ll_gguf_i32_at(g, list, i) != 0;
    c->layers.local = local;
    return LLMCS_OK;
}

/* Layers with a window have their own theta in the families whose config.json has it. */
static llmcs_status read_local_theta(ll_config *c, const ll_gguf *g) {
    char key[LL_GGUF_KEY_TEXT];
    for (const ll_key *k = c->family->keys; k->kind; k++) {
        if (k->field != offsetof(ll_config, rope.local_theta)) continue;
        c->rope.local_theta = 10000;
        return ll_gguf_double(g, ll_config_gguf_key(key, c, "rope.freq_base_swa"), 1e-3, 1e12, &c->rope.local_theta);
    }
    return LLMCS_OK;
}

static llmcs_status read_windows(ll_config *c, const ll_gguf *g, const ll_log *log) {
    char key[LL_GGUF_KEY_TEXT], pattern_key[LL_GGUF_KEY_TEXT];
    int64_t window = 0;
    LL_TRY(ll_gguf_int(g, ll_config_gguf_key(key, c, "attention.sliding_window"), 0, INT32_MAX, &window));
    if (!(c->family->gguf_traits & LL_GGUF_WINDOWS)) {
        if (window > 0)
            ll_log_say(log, LLMCS_LOG_WARN, "%s: key \"%s\" is ignored, as llama.cpp does: all tokens are attended to",
                       g->name, key);
        return LLMCS_OK;
    }
    c->layers.window = (int32_t)window;
    LL_TRY(read_local_theta(c, g));
    return read_pattern(c, g, ll_config_gguf_key(pattern_key, c, "attention.sliding_window_pattern"));
}

/* ---------------------------------------------------------------------------------------------- the network */

int32_t ll_gguf_query_scalar(const ll_config *c) { return c->n_layer == 62 ? c->n_embd / c->n_head : c->head_dim; }

static void find_biases(ll_config *c, const ll_gguf *g) {
    c->attention_bias = ll_gguf_find_tensor(g, "blk.0.attn_q.bias") != NULL;
    c->mlp_bias = ll_gguf_find_tensor(g, "blk.0.ffn_up.bias") != NULL;
}

/* Refuses unsupported networks of the same architecture. */
static llmcs_status check_variants(const ll_config *c, const ll_gguf *g) {
    char key[LL_GGUF_KEY_TEXT];
    int64_t n_experts = 0;
    LL_TRY(ll_gguf_int(g, ll_config_gguf_key(key, c, "expert_count"), 0, UINT32_MAX, &n_experts));
    if (n_experts > 0)
        return ll_fail(LLMCS_UNSUPPORTED, "%s: key \"%s\" is %lld: mixtures of experts are not supported", g->name, key,
                       (long long)n_experts);
    LL_TRY(must_be(c, g, "attn_logit_softcapping", 0));
    return must_be(c, g, "final_logit_softcapping", 0);
}

llmcs_status ll_config_gguf_rotary(ll_config *c, const ll_gguf *g, const ll_log *log) {
    LL_TRY(check_variants(c, g));
    for (const ll_key *k = c->family->keys; k->kind; k++) {
        if (k->field == offsetof(ll_config, query_scalar)) c->query_scalar = ll_gguf_query_scalar(c);
        if (k->field == offsetof(ll_config, layers.unrotated_every))
            c->layers.unrotated_every = LL_GGUF_UNROTATED_EVERY;
    }
    find_biases(c, g);
    LL_TRY(read_rope(c, g));
    return read_windows(c, g, log);
}
