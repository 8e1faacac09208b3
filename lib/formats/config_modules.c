/* Settings of the modules after a sentence-transformers folder's Transformer, each in config.json of its folder:
 * Pooling, Dense, LayerNorm (sentence_transformers/models, get_config_dict); and a CrossEncoder's activation. */
#include <math.h>
#include <string.h>

#include "formats/config_parts.h"
#include "formats/folder.h"

static const ll_unapplied none_unapplied[] = {{NULL, 0, NULL}};

/* Opens config.json of a module; CONFIG if it is missing. */
static llmcs_status open_config(const ll_config *c, const ll_source *source, const char *path, const char *module,
                                ll_settings *f) {
    bool there;
    LL_TRY(ll_config_open_in_module(c, source, path, "config.json", f, &there));
    if (there) return LLMCS_OK;
    return ll_fail(LLMCS_CONFIG, "%s/%s: config.json of the %s module is missing", ll_folder_tail(source->path), path,
                   module);
}

/* The class name of an activation, "torch.nn.modules.activation.Tanh". */
static ll_torch_activation find_activation(ll_json v) {
    static const struct {
        const char *name;
        ll_torch_activation activation;
    } known[] = {
        {"Identity", LL_TORCH_IDENTITY}, {"Tanh", LL_TORCH_TANH}, {"ReLU", LL_TORCH_RELU},
        {"GELU", LL_TORCH_GELU},         {"SiLU", LL_TORCH_SILU}, {"Sigmoid", LL_TORCH_SIGMOID},
    };
    size_t n;
    const char *text = ll_json_string(v, &n);
    if (!text || n < 9 || memcmp(text, "torch.nn.", 9) != 0) return LL_TORCH_UNKNOWN;
    size_t at = n;
    while (at > 0 && text[at - 1] != '.') at--;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strlen(known[i].name) == n - at && memcmp(text + at, known[i].name, n - at) == 0)
            return known[i].activation;
    return LL_TORCH_UNKNOWN;
}

#define KNOWN_ACTIVATIONS "torch.nn's Identity, Tanh, ReLU, GELU, SiLU, Sigmoid"

/* ------------------------------------------------------------------------------------------------ pooling */

/* Newer files name the mode. */
static llmcs_status read_mode_name(ll_config *c, const ll_settings *f, ll_json v) {
    static const char *const names[LL_N_POOL_MODES] = {
        /* by bit */
        "cls", "max", "mean", "mean_sqrt_len_tokens", "weightedmean", "lasttoken"};
    if (ll_json_get_type(v) != LL_JSON_STRING && ll_json_get_type(v) != LL_JSON_ARRAY)
        return ll_settings_bad(f, "pooling_mode", v, "a string");
    for (unsigned i = 0; i < LL_N_POOL_MODES; i++)
        if (ll_json_equals(v, names[i])) {
            c->sentence.pooling = 1u << i;
            return LLMCS_OK;
        }
    return ll_settings_unsupported(f, "pooling_mode", v,
                                   "cls, max, mean, mean_sqrt_len_tokens, weightedmean, lasttoken");
}

/* Older files have a switch for each mode; mean is on by default. */
static llmcs_status read_mode_switches(ll_config *c, const ll_settings *f) {
    static const char *const keys[LL_N_POOL_MODES] = {
        /* by bit */
        "pooling_mode_cls_token",           "pooling_mode_max_tokens",
        "pooling_mode_mean_tokens",         "pooling_mode_mean_sqrt_len_tokens",
        "pooling_mode_weightedmean_tokens", "pooling_mode_lasttoken"};
    c->sentence.pooling = 0;
    for (unsigned i = 0; i < LL_N_POOL_MODES; i++) {
        bool on = 1u << i == LL_POOL_MEAN;
        LL_TRY(ll_settings_bool_or_null(f, keys[i], &on));
        if (on) c->sentence.pooling |= 1u << i;
    }
    return c->sentence.pooling ? LLMCS_OK : ll_fail(LLMCS_CONFIG, "%s: no pooling mode is on", f->name);
}

static llmcs_status read_pooling(ll_config *c, const ll_settings *f, const ll_log *log) {
    static const char *const keys[] = {"word_embedding_dimension",
                                       "embedding_dimension",
                                       "include_prompt",
                                       "pooling_mode",
                                       "pooling_mode_cls_token",
                                       "pooling_mode_max_tokens",
                                       "pooling_mode_mean_tokens",
                                       "pooling_mode_mean_sqrt_len_tokens",
                                       "pooling_mode_weightedmean_tokens",
                                       "pooling_mode_lasttoken",
                                       NULL};
    const char *const *const known[] = {keys, NULL};
    ll_json mode;
    int64_t width = c->n_embd;
    LL_TRY(ll_settings_int_or_null(f, "word_embedding_dimension", 1, INT32_MAX, &width));
    LL_TRY(ll_settings_int_or_null(f, "embedding_dimension", 1, INT32_MAX, &width));
    if (width != c->n_embd)
        return ll_fail(LLMCS_CONFIG, "%s: word_embedding_dimension: %lld, the model has %d", f->name, (long long)width,
                       c->n_embd);
    bool include_prompt = true;
    LL_TRY(ll_settings_bool_or_null(f, "include_prompt", &include_prompt));
    c->sentence.exclude_prompt = !include_prompt;
    LL_TRY(ll_settings_find(f, "pooling_mode", &mode));
    bool named = ll_json_get_type(mode) != LL_JSON_MISSING && ll_json_get_type(mode) != LL_JSON_NULL;
    LL_TRY(named ? read_mode_name(c, f, mode) : read_mode_switches(c, f));
    ll_config_log_unknown(f, known, none_unapplied, log);
    int32_t n_modes = 0;
    for (unsigned i = 0; i < LL_N_POOL_MODES; i++) n_modes += (int32_t)(c->sentence.pooling >> i & 1u);
    c->sentence.n_pooled = n_modes * c->n_embd; /* at most 6 << 20 */
    return LLMCS_OK;
}

/* ------------------------------------------------------------------------------------- Dense and LayerNorm */

/* A module's input or output must be the vector of the text. */
static llmcs_status check_feature(const ll_settings *f, const char *key) {
    ll_json v;
    LL_TRY(ll_settings_find(f, key, &v));
    if (ll_json_get_type(v) == LL_JSON_MISSING || ll_json_get_type(v) == LL_JSON_NULL) return LLMCS_OK;
    if (ll_json_get_type(v) != LL_JSON_STRING) return ll_settings_bad(f, key, v, "a string");
    return ll_json_equals(v, "sentence_embedding") ? LLMCS_OK
                                                   : ll_settings_unsupported(f, key, v, "\"sentence_embedding\"");
}

static llmcs_status read_width(const ll_settings *f, const char *key, int32_t *out) {
    int64_t n = 0;
    LL_TRY(ll_settings_int(f, key, 1, INT32_MAX, &n));
    if (n == 0) return ll_fail(LLMCS_CONFIG, "%s: %s is missing", f->name, key);
    if (n > LL_MAX_WIDTH)
        return ll_fail(LLMCS_LIMIT, "%s: %s: %lld, at most %d are read", f->name, key, (long long)n, LL_MAX_WIDTH);
    *out = (int32_t)n;
    return LLMCS_OK;
}

static llmcs_status read_dense(const ll_settings *f, ll_module *m, const ll_log *log) {
    static const char *const keys[] = {"in_features",       "out_features",       "bias", "activation_function",
                                       "module_input_name", "module_output_name", NULL};
    const char *const *const known[] = {keys, NULL};
    ll_json v;
    m->bias = true;
    m->activation = LL_TORCH_TANH;
    LL_TRY(read_width(f, "in_features", &m->n_in));
    LL_TRY(read_width(f, "out_features", &m->n_out));
    LL_TRY(ll_settings_bool_or_null(f, "bias", &m->bias));
    LL_TRY(check_feature(f, "module_input_name"));
    LL_TRY(check_feature(f, "module_output_name"));
    LL_TRY(ll_settings_find(f, "activation_function", &v));
    if (ll_json_get_type(v) != LL_JSON_MISSING) {
        if (ll_json_get_type(v) != LL_JSON_STRING)
            return ll_settings_bad(f, "activation_function", v, "the name of a class");
        m->activation = find_activation(v);
        if (m->activation == LL_TORCH_UNKNOWN)
            return ll_settings_unsupported(f, "activation_function", v, KNOWN_ACTIVATIONS);
    }
    ll_config_log_unknown(f, known, none_unapplied, log);
    return LLMCS_OK;
}

static llmcs_status read_layer_norm(const ll_settings *f, ll_module *m, const ll_log *log) {
    static const char *const keys[] = {"dimension", NULL};
    const char *const *const known[] = {keys, NULL};
    LL_TRY(read_width(f, "dimension", &m->n_in));
    m->n_out = m->n_in;
    ll_config_log_unknown(f, known, none_unapplied, log);
    return LLMCS_OK;
}

/* Reads a module with `width` floats of input. */
static llmcs_status read_module(const ll_config *c, const ll_source *source, int32_t width, ll_module *m,
                                const ll_log *log) {
    const bool dense = m->kind == LL_MODULE_DENSE;
    ll_settings f;
    m->n_in = m->n_out = width;
    if (m->kind == LL_MODULE_NORMALIZE) return LLMCS_OK;
    if (source->gguf)
        return ll_fail(LLMCS_UNSUPPORTED, "modules.json: the weights of %s are not in this GGUF file", m->path);
    LL_TRY(open_config(c, source, m->path, dense ? "Dense" : "LayerNorm", &f));
    llmcs_status status = dense ? read_dense(&f, m, log) : read_layer_norm(&f, m, log);
    if (!status && m->n_in != width)
        status = ll_fail(LLMCS_CONFIG, "%s: %s: %d, the module before it gives %d", f.name,
                         dense ? "in_features" : "dimension", m->n_in, width);
    ll_settings_close(&f);
    return status;
}

llmcs_status ll_config_sentence_modules(ll_config *c, const ll_source *source, const ll_log *log) {
    ll_settings f;
    ll_module *modules;
    if (!c->sentence.pooling_path) return LLMCS_OK;
    LL_TRY(open_config(c, source, c->sentence.pooling_path, "Pooling", &f));
    llmcs_status status = read_pooling(c, &f, log);
    ll_settings_close(&f);
    LL_TRY(status);
    c->sentence.n_out = c->sentence.n_pooled;
    LL_TRY(ll_arena_alloc(&c->arena, c->sentence.n_modules, sizeof *modules, "modules", &modules));
    for (size_t i = 0; i < c->sentence.n_modules; i++) {
        modules[i] = c->sentence.modules[i];
        LL_TRY(read_module(c, source, c->sentence.n_out, &modules[i], log));
        c->sentence.n_out = modules[i].n_out;
    }
    c->sentence.modules = modules;
    return LLMCS_OK;
}

/* ----------------------------------------------------------------------------------------- cross-encoders */

/* sentence_transformers.activation_fn, or its name before version 4. A class outside torch is code from the folder,
 * which sentence-transformers does not run either. */
llmcs_status ll_config_rerank(ll_config *c, const ll_settings *f, const ll_log *log) {
    ll_json newer, v;
    c->rerank.activation = c->n_labels == 1 ? LL_TORCH_SIGMOID : LL_TORCH_IDENTITY;
    LL_TRY(ll_settings_find(f, "sentence_transformers", &newer));
    LL_TRY(ll_json_get_unique(newer, "activation_fn", &v));
    if (ll_json_get_type(v) == LL_JSON_MISSING) LL_TRY(ll_settings_find(f, "sbert_ce_default_activation_function", &v));
    if (ll_json_get_type(v) == LL_JSON_MISSING || ll_json_get_type(v) == LL_JSON_NULL) return LLMCS_OK;
    LL_TRY(ll_config_copy_text(c, f, "activation_fn", v, &c->rerank.name));
    if (strncmp(c->rerank.name, "torch.", 6) != 0) {
        ll_log_say(log, LLMCS_LOG_WARN, "%s: activation_fn: \"%.80s\" is code from the folder, which is never run",
                   f->name, c->rerank.name);
        return LLMCS_OK;
    }
    c->rerank.activation = find_activation(v);
    if (c->rerank.activation == LL_TORCH_UNKNOWN)
        ll_log_say(log, LLMCS_LOG_WARN,
                   "%s: activation_fn: \"%.80s\" is not supported, only " KNOWN_ACTIVATIONS
                   ": llmcs_rerank gives logits on request only",
                   f->name, c->rerank.name);
    return LLMCS_OK;
}
