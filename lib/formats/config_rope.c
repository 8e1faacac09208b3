/* Rotary embeddings and the kinds of layers in config.json. Reads rope_theta and rope_scaling of Transformers 4, and
 * rope_parameters and layer_types of Transformers 5. If a file has both, they must agree. */
#include <math.h>
#include <string.h>

#include "families/family.h"
#include "formats/config_parts.h"

/* ---------------------------------------------------------------------------------------------------- rotary */

static const struct {
    const char *name;
    ll_rope_scaling scaling;
} scalings[] = {{"default", LL_ROPE_PLAIN},
                {"linear", LL_ROPE_LINEAR},
                {"llama3", LL_ROPE_LLAMA3},
                {"yarn", LL_ROPE_YARN},
                {"ntk", LL_ROPE_NTK}};

/* A member of an object, for messages "config.json: rope_scaling.factor: ...". */
typedef struct member {
    const ll_settings *f;
    const char *object;
    ll_json root;
} member;

static const char *full_name(const member *m, const char *key, char out[96]) {
    ll_format(out, 96, "%s.%s", m->object, key);
    return out;
}

static llmcs_status find_member(const member *m, const char *key, ll_json *v, bool *there) {
    LL_TRY(ll_json_get_unique(m->root, key, v));
    *there = ll_json_get_type(*v) != LL_JSON_MISSING && ll_json_get_type(*v) != LL_JSON_NULL;
    return LLMCS_OK;
}

/* A number in [min, max]; absent or null leaves *out unchanged. */
static llmcs_status read_number(const member *m, const char *key, double min, double max, double *out) {
    char name[96], expected[80];
    ll_json v;
    bool there;
    double d;
    LL_TRY(find_member(m, key, &v, &there));
    if (!there) return LLMCS_OK;
    if (ll_json_double(v, &d) && d >= min && d <= max) {
        *out = d;
        return LLMCS_OK;
    }
    ll_format(expected, sizeof expected, "a number from %g to %g", min, max);
    return ll_settings_bad(m->f, full_name(m, key, name), v, expected);
}

static llmcs_status must_have(const member *m, const char *key, double value) {
    if (value > 0) return LLMCS_OK;
    return ll_fail(LLMCS_CONFIG, "%s: %s.%s is missing; this rope_type needs it", m->f->name, m->object, key);
}

/* "rope_type", or "type" in older files; both must be the same. */
static llmcs_status read_type(const member *m, ll_rope_scaling *scaling) {
    static const char *const keys[2] = {"rope_type", "type"};
    char name[96];
    int found = -1;
    *scaling = LL_ROPE_PLAIN;
    for (int k = 0; k < 2; k++) {
        ll_json v;
        bool there;
        size_t i = 0;
        LL_TRY(find_member(m, keys[k], &v, &there));
        if (!there) continue;
        while (i < sizeof scalings / sizeof *scalings && !ll_json_equals(v, scalings[i].name)) i++;
        if (ll_json_get_type(v) != LL_JSON_STRING)
            return ll_settings_bad(m->f, full_name(m, keys[k], name), v, "a string");
        if (i == sizeof scalings / sizeof *scalings)
            return ll_settings_unsupported(m->f, full_name(m, keys[k], name), v,
                                           "\"default\", \"linear\", \"llama3\", \"yarn\" and \"ntk\"");
        if (found >= 0 && found != (int)i)
            return ll_fail(LLMCS_CONFIG, "%s: %s: rope_type is %s, type is %s: they must be the same", m->f->name,
                           m->object, scalings[found].name, scalings[i].name);
        found = (int)i;
        *scaling = scalings[i].scaling;
    }
    return LLMCS_OK;
}

/* DeepSeek's files have these two keys for yarn instead of attention_factor. */
static llmcs_status read_mscale(const member *m, ll_rope_config *r) {
    double one = 0, all = 0;
    LL_TRY(read_number(m, "mscale", 0, 1000, &one));
    LL_TRY(read_number(m, "mscale_all_dim", 0, 1000, &all));
    if (r->attention_factor == 0 && one > 0 && all > 0 && r->factor > 1)
        r->attention_factor = (0.1 * one * log(r->factor) + 1) / (0.1 * all * log(r->factor) + 1);
    return LLMCS_OK;
}

/* An object rope_scaling or rope_parameters. */
static llmcs_status read_scaling(const member *m, int32_t n_positions, ll_rope_config *r) {
    char name[96];
    ll_json v;
    bool there;
    double partial = 1;
    *r = (ll_rope_config){.theta = r->theta};
    LL_TRY(read_type(m, &r->scaling));
    LL_TRY(read_number(m, "rope_theta", 1e-3, 1e12, &r->theta));
    LL_TRY(read_number(m, "partial_rotary_factor", 0, 1, &partial));
    LL_TRY(find_member(m, "partial_rotary_factor", &v, &there));
    if (partial != 1) return ll_settings_unsupported(m->f, full_name(m, "partial_rotary_factor", name), v, "1");
    if (r->scaling == LL_ROPE_PLAIN) return LLMCS_OK;
    LL_TRY(read_number(m, "factor", 1, 1e6, &r->factor));
    LL_TRY(must_have(m, "factor", r->factor));
    if (r->scaling == LL_ROPE_LINEAR) return LLMCS_OK;
    if (r->scaling == LL_ROPE_NTK) {
        LL_TRY(find_member(m, "mixed_b", &v, &there));
        return there ? ll_settings_unsupported(m->f, full_name(m, "mixed_b", name), v, "null") : LLMCS_OK;
    }
    LL_TRY(read_number(m, "original_max_position_embeddings", 1, LL_MAX_POSITIONS, &r->original_positions));
    if (r->scaling == LL_ROPE_YARN) {
        if (r->original_positions == 0) r->original_positions = n_positions;
        LL_TRY(read_number(m, "beta_fast", 1e-3, 1e6, &r->beta_fast));
        LL_TRY(read_number(m, "beta_slow", 1e-3, 1e6, &r->beta_slow));
        LL_TRY(read_number(m, "attention_factor", 1e-3, 1e3, &r->attention_factor));
        LL_TRY(find_member(m, "truncate", &v, &there));
        bool truncate = true;
        if (there && !ll_json_bool(v, &truncate))
            return ll_settings_bad(m->f, full_name(m, "truncate", name), v, "true or false");
        r->keep_fractions = !truncate;
        return read_mscale(m, r);
    }
    LL_TRY(must_have(m, "original_max_position_embeddings", r->original_positions));
    LL_TRY(read_number(m, "low_freq_factor", 1e-3, 1e6, &r->low_freq_factor));
    LL_TRY(must_have(m, "low_freq_factor", r->low_freq_factor));
    LL_TRY(read_number(m, "high_freq_factor", 1e-3, 1e6, &r->high_freq_factor));
    LL_TRY(must_have(m, "high_freq_factor", r->high_freq_factor));
    if (r->high_freq_factor > r->low_freq_factor) return LLMCS_OK;
    return ll_fail(LLMCS_CONFIG, "%s: %s: high_freq_factor %g must be larger than low_freq_factor %g", m->f->name,
                   m->object, r->high_freq_factor, r->low_freq_factor);
}

/* The object under `key`, or none for null and {}. */
static llmcs_status find_object(const ll_settings *f, const char *key, member *m, bool *there) {
    *m = (member){f, key, {0}};
    LL_TRY(ll_settings_find(f, key, &m->root));
    const ll_json_type type = ll_json_get_type(m->root);
    *there = type == LL_JSON_OBJECT && ll_json_count(m->root) > 0;
    if (*there || type == LL_JSON_MISSING || type == LL_JSON_NULL || type == LL_JSON_OBJECT) return LLMCS_OK;
    return ll_settings_bad(f, key, m->root, "an object");
}

static bool same_scaling(const ll_rope_config *a, const ll_rope_config *b) {
    return a->scaling == b->scaling && a->theta == b->theta && a->factor == b->factor &&
           a->low_freq_factor == b->low_freq_factor && a->high_freq_factor == b->high_freq_factor &&
           a->original_positions == b->original_positions && a->beta_fast == b->beta_fast &&
           a->beta_slow == b->beta_slow && a->attention_factor == b->attention_factor &&
           a->keep_fractions == b->keep_fractions;
}

static llmcs_status fail_disagree(const ll_settings *f, const char *a, const char *b) {
    return ll_fail(LLMCS_CONFIG, "%s: %s and %s disagree: remove the one that is wrong", f->name, a, b);
}

/* rope_parameters of layers with full attention, and of layers with a window, whose frequencies are never scaled. */
static llmcs_status read_by_layer_type(ll_config *c, const member *m, bool theta_given, ll_rope_config *r,
                                       bool *by_type) {
    bool full_there, local_there;
    member full = {m->f, "rope_parameters.full_attention", {0}},
           local = {m->f, "rope_parameters.sliding_attention", {0}};
    ll_rope_config of_local = {.theta = c->rope.local_theta > 0 ? c->rope.local_theta : c->rope.theta};
    LL_TRY(find_member(m, "full_attention", &full.root, &full_there));
    LL_TRY(find_member(m, "sliding_attention", &local.root, &local_there));
    *by_type = full_there || local_there;
    if (!*by_type) return LLMCS_OK;
    if (full_there && ll_json_get_type(full.root) != LL_JSON_OBJECT)
        return ll_settings_bad(m->f, full.object, full.root, "an object");
    if (local_there && ll_json_get_type(local.root) != LL_JSON_OBJECT)
        return ll_settings_bad(m->f, local.object, local.root, "an object");
    if (full_there) LL_TRY(read_scaling(&full, c->n_positions, r));
    if (local_there) LL_TRY(read_scaling(&local, c->n_positions, &of_local));
    if (of_local.scaling != LL_ROPE_PLAIN)
        return ll_fail(LLMCS_UNSUPPORTED, "%s: %s: only rope_type \"default\" is supported for layers with a window",
                       m->f->name, local.object);
    if (local_there && theta_given && c->rope.local_theta > 0 && of_local.theta != c->rope.local_theta)
        return fail_disagree(m->f, "rope_local_base_freq", "rope_parameters.sliding_attention.rope_theta");
    r->local_theta = local_there ? of_local.theta : c->rope.local_theta;
    return LLMCS_OK;
}

static llmcs_status read_rope(ll_config *c, const ll_settings *f) {
    member old, new;
    bool old_there, new_there, by_type = false;
    ll_json v;
    LL_TRY(ll_settings_find(f, "rope_theta", &v));
    const bool theta_given = ll_json_get_type(v) != LL_JSON_MISSING;
    LL_TRY(ll_settings_find(f, "local_rope_theta", &v));
    if (ll_json_get_type(v) == LL_JSON_NULL) c->rope.local_theta = c->rope.theta; /* ModernBERT */
    const double local_theta = c->rope.local_theta;
    ll_rope_config of_old = {.theta = c->rope.theta}, of_new = of_old;
    LL_TRY(find_object(f, "rope_scaling", &old, &old_there));
    LL_TRY(find_object(f, "rope_parameters", &new, &new_there));
    if (old_there) LL_TRY(read_scaling(&old, c->n_positions, &of_old));
    if (old_there && theta_given && of_old.theta != c->rope.theta)
        return fail_disagree(f, "rope_theta", "rope_scaling.rope_theta");
    if (new_there) LL_TRY(read_by_layer_type(c, &new, theta_given, &of_new, &by_type));
    if (new_there && !by_type) LL_TRY(read_scaling(&new, c->n_positions, &of_new));
    if (new_there && theta_given && of_new.theta != c->rope.theta)
        return fail_disagree(f, "rope_theta", "rope_parameters' rope_theta");
    if (old_there && new_there && !same_scaling(&of_old, &of_new))
        return fail_disagree(f, "rope_scaling", "rope_parameters");
    c->rope = new_there ? of_new : of_old;
    if (!by_type) c->rope.local_theta = local_theta;
    if (c->head_dim % 2)
        return ll_fail(LLMCS_CONFIG, "%s: head_dim %d is odd: rotary embeddings rotate pairs", f->name,
                       (int)c->head_dim);
    return LLMCS_OK;
}

/* ------------------------------------------------------------------------------------------- kinds of layers */

/* A list with an entry for each layer; absent, null and [] mean no list. */
static llmcs_status find_list(const ll_config *c, const ll_settings *f, const char *key, ll_json *v, bool *there) {
    LL_TRY(ll_settings_find(f, key, v));
    const ll_json_type type = ll_json_get_type(*v);
    *there = type == LL_JSON_ARRAY && ll_json_count(*v) > 0;
    if (type != LL_JSON_ARRAY && type != LL_JSON_MISSING && type != LL_JSON_NULL)
        return ll_settings_bad(f, key, *v, "a list with an entry for each layer");
    if (!*there || ll_json_count(*v) == (size_t)c->n_layer) return LLMCS_OK;
    return ll_fail(LLMCS_CONFIG, "%s: %s: has %zu entries, but there are %d layers", f->name, key, ll_json_count(*v),
                   (int)c->n_layer);
}

/* layer_types; if the file also has the older rule, both must agree. */
static llmcs_status read_layer_types(ll_config *c, const ll_settings *f) {
    ll_json list, pattern;
    bool there;
    uint8_t *local;
    size_t i = 0;
    LL_TRY(ll_settings_find(f, c->layers.global_first ? "global_attn_every_n_layers" : "sliding_window_pattern",
                            &pattern));
    const bool has_pattern = c->layers.global_every && ll_json_get_type(pattern) == LL_JSON_NUMBER;
    LL_TRY(find_list(c, f, "layer_types", &list, &there));
    if (!there) return LLMCS_OK;
    LL_TRY(ll_arena_alloc(&c->arena, (size_t)c->n_layer, sizeof *local, f->name, &local));
    for (ll_json v = ll_json_first(list); ll_json_get_type(v); v = ll_json_next(v), i++) {
        if (!ll_json_equals(v, "full_attention") && !ll_json_equals(v, "sliding_attention"))
            return ll_settings_unsupported(f, "layer_types", v, "\"full_attention\" and \"sliding_attention\"");
        local[i] = ll_json_equals(v, "sliding_attention");
        if (local[i] && !c->layers.window)
            return ll_fail(LLMCS_CONFIG,
                           "%s: layer_types: layer %zu is sliding_attention, but there is no sliding_window", f->name,
                           i);
        if (has_pattern && (local[i] != 0) != ll_config_is_local(c, i))
            return fail_disagree(f, "layer_types", "the number of layers from a global one to the next");
    }
    c->layers.local = local;
    return LLMCS_OK;
}

/* SmolLM3: 1 for layers with rotary embeddings. */
static llmcs_status read_no_rope_layers(ll_config *c, const ll_settings *f) {
    ll_json list;
    bool there;
    uint8_t *rotates;
    size_t i = 0;
    LL_TRY(find_list(c, f, "no_rope_layers", &list, &there));
    if (!there) return LLMCS_OK;
    LL_TRY(ll_arena_alloc(&c->arena, (size_t)c->n_layer, sizeof *rotates, f->name, &rotates));
    for (ll_json v = ll_json_first(list); ll_json_get_type(v); v = ll_json_next(v), i++) {
        int64_t n;
        LL_TRY(ll_settings_read_int(f, "no_rope_layers", v, 0, 1, &n));
        rotates[i] = (uint8_t)n;
    }
    c->layers.rotates = rotates;
    return LLMCS_OK;
}

/* Qwen's window is off unless use_sliding_window is true, and then starts at a given layer. */
static llmcs_status read_windows(ll_config *c, const ll_settings *f) {
    bool use = true;
    if (c->family->stack[0].attn.window == LL_WINDOW_IF_USED) {
        use = false;
        LL_TRY(ll_settings_bool_or_null(f, "use_sliding_window", &use));
    }
    ll_json v;
    if (c->family->stack[0].attn.window == LL_WINDOW_AROUND) c->layers.window /= 2;
    LL_TRY(ll_settings_find(f, "sliding_window", &v));
    if (!use || ll_json_get_type(v) == LL_JSON_NULL) c->layers.window = 0;
    LL_TRY(read_layer_types(c, f));
    if (c->layers.window && c->layers.unrotated_every && !c->layers.local)
        return ll_fail(LLMCS_UNSUPPORTED, "%s: use_sliding_window: true is supported only with layer_types", f->name);
    return LLMCS_OK;
}

llmcs_status ll_config_rope(ll_config *c, const ll_settings *f) {
    const ll_stack_spec *s = &c->family->stack[0];
    if (s->attn.rotary) LL_TRY(read_rope(c, f));
    if (s->attn.window != LL_NO_WINDOW) LL_TRY(read_windows(c, f));
    return s->attn.rotary ? read_no_rope_layers(c, f) : LLMCS_OK;
}
