/* Reads adapter_config.json. Each key is applied, has no effect on results, or is refused unless it is off. */
#include "formats/adapter_config.h"

#include <string.h>

#include "formats/settings.h"

#define MAX_LAYERS 65536

/* ------------------------------------------------------------------------------------------------------ keys */

/* Read below. */
static const char *const applied[] = {"peft_type",
                                      "r",
                                      "lora_alpha",
                                      "use_rslora",
                                      "bias",
                                      "target_modules",
                                      "exclude_modules",
                                      "modules_to_save",
                                      "task_type",
                                      "layers_to_transform",
                                      "layers_pattern",
                                      "rank_pattern",
                                      "alpha_pattern",
                                      "fan_in_fan_out",
                                      "init_lora_weights",
                                      "lora_dropout"};
/* Names and versions, and settings of training. */
static const char *const harmless[] = {
    "auto_mapping",    "base_model_name_or_path", "revision",          "inference_mode", "peft_version",
    "megatron_config", "megatron_core",           "qalora_group_size", "loftq_config",   "eva_config",
    "corda_config",    "lora_ga_config",          "runtime_config"};

static bool is_in(const char *const *list, size_t n, const char *key, size_t len) {
    for (size_t i = 0; i < n; i++)
        if (strlen(list[i]) == len && memcmp(list[i], key, len) == 0) return true;
    return false;
}

/* Absent, null, false, 0, "", [] or {}. */
static bool is_off(ll_json v) {
    bool b;
    double d;
    size_t len;
    switch (ll_json_get_type(v)) {
        case LL_JSON_MISSING:
        case LL_JSON_NULL:
            return true;
        case LL_JSON_BOOL:
            return ll_json_bool(v, &b) && !b;
        case LL_JSON_NUMBER:
            return ll_json_double(v, &d) && d == 0;
        case LL_JSON_STRING:
            return ll_json_string(v, &len) && len == 0;
        case LL_JSON_ARRAY:
        case LL_JSON_OBJECT:
            break;
    }
    return ll_json_count(v) == 0;
}

static llmcs_status check_keys(const ll_settings *f) {
    for (ll_json m = ll_json_first(f->root); ll_json_get_type(m); m = ll_json_next(m)) {
        size_t len;
        const char *key = ll_json_key(m, &len);
        char name[64];
        if (is_in(applied, sizeof applied / sizeof *applied, key, len) ||
            is_in(harmless, sizeof harmless / sizeof *harmless, key, len) || is_off(m))
            continue;
        ll_format(name, sizeof name, "%.*s", (int)ll_min(len, sizeof name - 1), key);
        return ll_settings_unsupported(f, name, m, "an adapter without it");
    }
    return LLMCS_OK;
}

/* Refuses initialisations that change the base model's weights: such an adapter fits only the changed weights. */
static llmcs_status check_initialisation(const ll_settings *f) {
    static const char *const allowed[] = {"gaussian", "eva", "orthogonal"};
    ll_json v;
    size_t len;
    LL_TRY(ll_settings_find(f, "init_lora_weights", &v));
    const char *text = ll_json_string(v, &len);
    if (!text || is_in(allowed, sizeof allowed / sizeof *allowed, text, len)) return LLMCS_OK;
    return ll_settings_unsupported(f, "init_lora_weights", v,
                                   "adapters of unchanged base weights; save this one with "
                                   "path_initial_model_for_weight_conversion");
}

/* ------------------------------------------------------------------------------------------------------ values */

static llmcs_status copy_text(ll_adapter_config *c, const ll_settings *f, const char *key, ll_json v,
                              const char **out) {
    size_t len;
    const char *text = ll_json_string(v, &len);
    if (!text || !len || memchr(text, 0, len)) return ll_settings_bad(f, key, v, "a name");
    return ll_arena_copy_text(&c->arena, text, len, key, out);
}

static llmcs_status check_count(const ll_settings *f, const char *key, size_t n, size_t most) {
    if (n <= most) return LLMCS_OK;
    return ll_fail(LLMCS_LIMIT, "%s: %s: %zu entries, at most %zu are read", f->name, key, n, most);
}

/* A list of names, or null. */
static llmcs_status read_names(ll_adapter_config *c, const ll_settings *f, const char *key, ll_json v,
                               ll_adapter_names *names) {
    *names = (ll_adapter_names){0};
    if (ll_json_get_type(v) != LL_JSON_ARRAY) return ll_settings_bad(f, key, v, "a list of names");
    LL_TRY(check_count(f, key, ll_json_count(v), LL_MAX_ADAPTER_NAMES));
    LL_TRY(ll_arena_alloc(&c->arena, ll_json_count(v), sizeof *names->items, key, &names->items));
    for (ll_json e = ll_json_first(v); ll_json_get_type(e); e = ll_json_next(e))
        LL_TRY(copy_text(c, f, key, e, &names->items[names->n++]));
    return LLMCS_OK;
}

static llmcs_status find_given(const ll_settings *f, const char *key, ll_json *v, bool *given) {
    LL_TRY(ll_settings_find(f, key, v));
    *given = ll_json_get_type(*v) != LL_JSON_MISSING && ll_json_get_type(*v) != LL_JSON_NULL;
    return LLMCS_OK;
}

/* A list of names, or an expression that matches them. */
static llmcs_status read_modules(ll_adapter_config *c, const ll_settings *f, const char *key,
                                 ll_adapter_modules *modules) {
    ll_json v;
    bool given;
    LL_TRY(find_given(f, key, &v, &given));
    if (!given) return LLMCS_OK;
    if (ll_json_get_type(v) == LL_JSON_STRING) return copy_text(c, f, key, v, &modules->pattern);
    return read_names(c, f, key, v, &modules->names);
}

static llmcs_status read_targets(ll_adapter_config *c, const ll_settings *f) {
    static const char all_linear[] = "all-linear"; /* in upper or lower case */
    LL_TRY(read_modules(c, f, "target_modules", &c->targets));
    const char *p = c->targets.pattern;
    size_t i = 0;
    while (p && p[i] && (p[i] | 0x20) == (all_linear[i] | 0x20)) i++;
    c->targets.all_linear = p && i == sizeof all_linear - 1 && !p[i];
    if (p || c->targets.names.n) return LLMCS_OK;
    return ll_fail(LLMCS_CONFIG, "%s: target_modules: expected a list of modules or an expression that matches them",
                   f->name);
}

static llmcs_status read_patterns(ll_adapter_config *c, const ll_settings *f, const char *key, bool integers,
                                  ll_adapter_patterns *patterns) {
    ll_json v;
    bool given;
    LL_TRY(find_given(f, key, &v, &given));
    if (!given) return LLMCS_OK;
    if (ll_json_get_type(v) != LL_JSON_OBJECT) return ll_settings_bad(f, key, v, "an object of modules and numbers");
    LL_TRY(check_count(f, key, ll_json_count(v), LL_MAX_ADAPTER_NAMES));
    LL_TRY(ll_arena_alloc(&c->arena, ll_json_count(v), sizeof *patterns->keys, key, &patterns->keys));
    LL_TRY(ll_arena_alloc(&c->arena, ll_json_count(v), sizeof *patterns->values, key, &patterns->values));
    for (ll_json m = ll_json_first(v); ll_json_get_type(m); m = ll_json_next(m)) {
        size_t len;
        int64_t rank;
        const char *name = ll_json_key(m, &len);
        double *value = &patterns->values[patterns->n];
        if (!len || memchr(name, 0, len)) return ll_settings_bad(f, key, v, "names of modules");
        LL_TRY(ll_arena_copy_text(&c->arena, name, len, key, &patterns->keys[patterns->n++]));
        if (integers) {
            LL_TRY(ll_settings_read_int(f, key, m, 1, LL_MAX_ADAPTER_RANK, &rank));
            *value = (double)rank;
        } else if (!ll_json_double(m, value)) {
            return ll_settings_bad(f, key, m, "a number");
        }
    }
    return LLMCS_OK;
}

/* One number, or a list. */
static llmcs_status read_layers(ll_adapter_config *c, const ll_settings *f) {
    static const char key[] = "layers_to_transform";
    ll_json v;
    bool given;
    LL_TRY(find_given(f, key, &v, &given));
    const bool is_list = ll_json_get_type(v) == LL_JSON_ARRAY;
    const size_t n = is_list ? ll_json_count(v) : 1;
    if (!given || !n) return LLMCS_OK;
    LL_TRY(check_count(f, key, n, MAX_LAYERS));
    LL_TRY(ll_arena_alloc(&c->arena, n, sizeof *c->layers, key, &c->layers));
    for (ll_json e = is_list ? ll_json_first(v) : v; c->n_layers < n; e = ll_json_next(e))
        LL_TRY(ll_settings_read_int(f, key, e, 0, INT32_MAX, &c->layers[c->n_layers++]));
    return LLMCS_OK;
}

static llmcs_status read_layers_pattern(ll_adapter_config *c, const ll_settings *f) {
    static const char key[] = "layers_pattern";
    ll_json v;
    bool given;
    LL_TRY(find_given(f, key, &v, &given));
    if (!given || is_off(v)) return LLMCS_OK;
    if (ll_json_get_type(v) != LL_JSON_STRING) return read_names(c, f, key, v, &c->layers_pattern);
    LL_TRY(ll_arena_alloc(&c->arena, 1, sizeof *c->layers_pattern.items, key, &c->layers_pattern.items));
    c->layers_pattern.n = 1;
    return copy_text(c, f, key, v, &c->layers_pattern.items[0]);
}

static llmcs_status read_bias(ll_adapter_config *c, const ll_settings *f) {
    static const char *const names[] = {"none", "all", "lora_only"};
    ll_json v;
    bool given;
    LL_TRY(find_given(f, "bias", &v, &given));
    for (int i = 0; given && i < 3; i++)
        if (ll_json_equals(v, names[i])) {
            c->bias = (ll_adapter_bias)i;
            return LLMCS_OK;
        }
    return given ? ll_settings_unsupported(f, "bias", v, "none, all and lora_only") : LLMCS_OK;
}

static llmcs_status read_lists(ll_adapter_config *c, const ll_settings *f) {
    ll_json v;
    bool given;
    LL_TRY(read_targets(c, f));
    LL_TRY(read_modules(c, f, "exclude_modules", &c->excluded));
    LL_TRY(find_given(f, "modules_to_save", &v, &given));
    if (given) LL_TRY(read_names(c, f, "modules_to_save", v, &c->modules_to_save));
    LL_TRY(ll_settings_find(f, "task_type", &v));
    c->default_heads = ll_json_equals(v, "SEQ_CLS") || ll_json_equals(v, "TOKEN_CLS");
    LL_TRY(read_layers(c, f));
    LL_TRY(read_layers_pattern(c, f));
    LL_TRY(read_patterns(c, f, "rank_pattern", true, &c->rank_pattern));
    return read_patterns(c, f, "alpha_pattern", false, &c->alpha_pattern);
}

static llmcs_status read_all(ll_adapter_config *c, const ll_settings *f) {
    ll_json v;
    bool fan_in_fan_out = false; /* the base model's own layout counts, as in PEFT */
    LL_TRY(ll_settings_find(f, "peft_type", &v));
    if (!ll_json_equals(v, "LORA")) return ll_settings_unsupported(f, "peft_type", v, "\"LORA\"");
    LL_TRY(check_keys(f));
    LL_TRY(check_initialisation(f));
    LL_TRY(ll_settings_int(f, "r", 1, LL_MAX_ADAPTER_RANK, &c->rank));
    LL_TRY(ll_settings_double_or_null(f, "lora_alpha", -1e9, 1e9, &c->alpha));
    LL_TRY(ll_settings_bool_or_null(f, "use_rslora", &c->use_rslora));
    LL_TRY(ll_settings_bool_or_null(f, "fan_in_fan_out", &fan_in_fan_out));
    LL_TRY(read_bias(c, f));
    return read_lists(c, f);
}

llmcs_status ll_adapter_config_read(ll_adapter_config *c, const llmcs_allocator *a, const char *folder) {
    ll_settings f;
    const ll_source source = {.path = folder};
    *c = (ll_adapter_config){.rank = 8, .alpha = 8}; /* PEFT's defaults */
    ll_arena_init(&c->arena, a);
    LL_TRY(ll_settings_open(&f, a, &source, LL_ADAPTER_CONFIG, LL_JSON_OBJECT));
    llmcs_status status = ll_arena_copy_text(&c->arena, f.name, strlen(f.name), "path", &c->path);
    if (!status) status = read_all(c, &f);
    ll_settings_close(&f);
    if (status) ll_adapter_config_free(c);
    return status;
}

void ll_adapter_config_free(ll_adapter_config *c) { ll_arena_free(&c->arena); }
