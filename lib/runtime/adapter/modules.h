/* Selects the modules that an adapter's config refers to, by PEFT's rules (peft/tuners/tuners_utils.py:
 * check_target_module_exists; peft/utils/other.py: get_pattern_key, _set_trainable). Modules have Transformers' names,
 * without ".weight". */
#ifndef LL_RUNTIME_ADAPTER_MODULES_H
#define LL_RUNTIME_ADAPTER_MODULES_H

#include "formats/adapter_config.h"
#include "runtime/adapter/expressions.h"

typedef struct ll_adapter_rules {
    const ll_adapter_config *config;
    llmcs_allocator allocator;
    ll_expression target, excluded;   /* if the config has expressions */
    ll_expression *ranks, *alphas;    /* of rank_pattern, alpha_pattern */
    bool *target_found, *saved_found; /* [names of target_modules], [of modules_to_save]: a module matched the name */
} ll_adapter_rules;

/* Compiles the expressions. On failure there is nothing to free. */
llmcs_status ll_adapter_rules_open(ll_adapter_rules *r, const llmcs_allocator *a, const ll_adapter_config *config);
void ll_adapter_rules_free(ll_adapter_rules *r);

/* *is_target: target_modules selects the module. linear: it is a linear layer but no output layer, for "all-linear". */
llmcs_status ll_adapter_targets(ll_adapter_rules *r, const char *module, bool linear, bool *is_target);
/* True if modules_to_save selects the module, or one that contains it. */
bool ll_adapter_saves(ll_adapter_rules *r, const char *module);

/* The rank of a module, and the scale of its product B A. */
llmcs_status ll_adapter_scale(ll_adapter_rules *r, const char *module, int64_t *rank, float *scale);

#endif
