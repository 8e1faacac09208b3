/* PEFT's rules for names of modules. */
#include "runtime/adapter/modules.h"

#include <math.h>
#include <string.h>

/* --------------------------------------------------------------------------------------------- open, close */

static llmcs_status compile_patterns(ll_adapter_rules *r, const ll_adapter_patterns *p, const char *key,
                                     ll_expression **out) {
    LL_TRY(ll_alloc_zero(&r->allocator, p->n, sizeof **out, key, out));
    size_t n_compiled = 0;
    for (size_t i = 0; i < p->n; i++) {
        LL_TRY(ll_expression_compile(&(*out)[i], &r->allocator, p->keys[i], true, r->config->path, key));
        n_compiled += !(*out)[i].plain;
        if (n_compiled > LL_MAX_EXPRESSIONS)
            return ll_fail(LLMCS_LIMIT, "%s: %s: more than %d expressions; name the modules", r->config->path, key,
                           LL_MAX_EXPRESSIONS);
    }
    return LLMCS_OK;
}

static llmcs_status compile_modules(ll_adapter_rules *r, const ll_adapter_modules *m, const char *key,
                                    ll_expression *out) {
    if (!m->pattern || m->all_linear) return LLMCS_OK;
    return ll_expression_compile(out, &r->allocator, m->pattern, false, r->config->path, key);
}

static llmcs_status open_all(ll_adapter_rules *r) {
    const ll_adapter_config *c = r->config;
    LL_TRY(compile_modules(r, &c->targets, "target_modules", &r->target));
    LL_TRY(compile_modules(r, &c->excluded, "exclude_modules", &r->excluded));
    LL_TRY(compile_patterns(r, &c->rank_pattern, "rank_pattern", &r->ranks));
    LL_TRY(compile_patterns(r, &c->alpha_pattern, "alpha_pattern", &r->alphas));
    LL_TRY(ll_alloc_zero(&r->allocator, c->targets.names.n, 1, "target modules", &r->target_found));
    return ll_alloc_zero(&r->allocator, c->modules_to_save.n, 1, "modules to save", &r->saved_found);
}

llmcs_status ll_adapter_rules_open(ll_adapter_rules *r, const llmcs_allocator *a, const ll_adapter_config *config) {
    *r = (ll_adapter_rules){.config = config, .allocator = *a};
    const llmcs_status status = open_all(r);
    if (status) ll_adapter_rules_free(r);
    return status;
}

void ll_adapter_rules_free(ll_adapter_rules *r) {
    const llmcs_allocator *a = &r->allocator;
    if (!r->config) return;
    ll_expression_free(&r->target);
    ll_expression_free(&r->excluded);
    for (size_t i = 0; r->ranks && i < r->config->rank_pattern.n; i++) ll_expression_free(&r->ranks[i]);
    for (size_t i = 0; r->alphas && i < r->config->alpha_pattern.n; i++) ll_expression_free(&r->alphas[i]);
    ll_free(a, r->ranks);
    ll_free(a, r->alphas);
    ll_free(a, r->target_found);
    ll_free(a, r->saved_found);
    *r = (ll_adapter_rules){0};
}

/* --------------------------------------------------------------------------------------------------- names */

/* The name itself, or its end after a dot. */
static bool is_named(const char *module, const char *name) {
    const size_t n = strlen(name), len = strlen(module);
    return len >= n && strcmp(module + (len - n), name) == 0 && (len == n || module[len - n - 1] == '.');
}

static bool any_is_named(const ll_adapter_names *names, const char *module) {
    for (size_t i = 0; i < names->n; i++)
        if (is_named(module, names->items[i])) return true;
    return false;
}

/* Finds `name` in `module` where it ends with a component, and if `whole` also begins with one. Returns its end. */
static const char *find_components(const char *module, const char *name, bool whole) {
    const size_t n = strlen(name);
    for (const char *at = strstr(module, name); at; at = strstr(at + 1, name))
        if ((!at[n] || at[n] == '.') && (!whole || at == module || at[-1] == '.')) return at + n;
    return NULL;
}

bool ll_adapter_saves(ll_adapter_rules *r, const char *module) {
    const ll_adapter_names *names = &r->config->modules_to_save;
    bool saves = false;
    for (size_t i = 0; i < names->n; i++)
        if (find_components(module, names->items[i], false)) saves = r->saved_found[i] = true;
    return saves;
}

/* The component at `text` as a number, if it is one and not the last component; else -1. */
static int64_t number_at(const char *text) {
    const size_t n = strspn(text, "0123456789");
    int64_t number = 0;
    if (n == 0 || n > 9 || text[n] != '.') return -1;
    for (size_t i = 0; i < n; i++) number = number * 10 + (text[i] - '0');
    return number;
}

/* The first number that follows two components or, with layers_pattern, one of those names. */
static int64_t layer_of(const ll_adapter_config *c, const char *module) {
    for (size_t i = 0; i < c->layers_pattern.n; i++) {
        const char *end = find_components(module, c->layers_pattern.items[i], true);
        if (end && *end && number_at(end + 1) >= 0) return number_at(end + 1);
    }
    if (c->layers_pattern.n) return -1;
    int n_before = 0;
    for (const char *at = strchr(module, '.'); at; at = strchr(at + 1, '.'))
        if (++n_before >= 2 && number_at(at + 1) >= 0) return number_at(at + 1);
    return -1;
}

static bool is_in_layers(const ll_adapter_config *c, const char *module) {
    const int64_t layer = layer_of(c, module);
    for (size_t i = 0; i < c->n_layers; i++)
        if (c->layers[i] == layer) return true;
    return !c->n_layers;
}

static llmcs_status is_excluded(ll_adapter_rules *r, const char *module, bool *excluded) {
    const ll_adapter_config *c = r->config;
    *excluded = any_is_named(&c->excluded.names, module);
    for (size_t i = 0; i < c->modules_to_save.n && !*excluded; i++)
        *excluded = find_components(module, c->modules_to_save.items[i], true) != NULL;
    if (*excluded || !c->excluded.pattern) return LLMCS_OK;
    return ll_expression_matches(&r->excluded, module, excluded);
}

llmcs_status ll_adapter_targets(ll_adapter_rules *r, const char *module, bool linear, bool *is_target) {
    const ll_adapter_config *c = r->config;
    const ll_adapter_names *names = &c->targets.names;
    bool excluded, exact = false, found = false;
    for (size_t i = 0; i < names->n; i++) {
        if (!is_named(module, names->items[i])) continue;
        found = r->target_found[i] = true;
        exact |= strcmp(module, names->items[i]) == 0;
    }
    *is_target = false;
    LL_TRY(is_excluded(r, module, &excluded));
    if (excluded) return LLMCS_OK;
    if (c->targets.all_linear)
        *is_target = linear;
    else if (c->targets.pattern)
        LL_TRY(ll_expression_matches(&r->target, module, is_target));
    else
        *is_target = exact || (found && is_in_layers(c, module));
    return LLMCS_OK;
}

/* ------------------------------------------------------------------------------------------------- numbers */

static llmcs_status find_value(const ll_expression *expressions, const ll_adapter_patterns *p, const char *module,
                               double *value) {
    bool matches = false;
    for (size_t i = 0; i < p->n && !matches; i++) {
        LL_TRY(ll_expression_matches(&expressions[i], module, &matches));
        if (matches) *value = p->values[i];
    }
    return LLMCS_OK;
}

llmcs_status ll_adapter_scale(ll_adapter_rules *r, const char *module, int64_t *rank, float *scale) {
    const ll_adapter_config *c = r->config;
    double n = (double)c->rank, alpha = c->alpha;
    LL_TRY(find_value(r->ranks, &c->rank_pattern, module, &n));
    LL_TRY(find_value(r->alphas, &c->alpha_pattern, module, &alpha));
    *rank = (int64_t)n;
    *scale = (float)(alpha / (c->use_rslora ? sqrt(n) : n));
    return LLMCS_OK;
}
