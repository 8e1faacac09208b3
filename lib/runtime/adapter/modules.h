/* Which modules an adapter's config means, by PEFT's rules (peft/tuners/tuners_utils.py: check_target_module_exists;
 * peft/utils/other.py: get_pattern_key, _set_trainable). Modules have Transformers' names, without ".weight". */
#ifndef LL_RUNTIME_ADAPTER_MODULES_H
#define LL_RUNTIME_ADAPTER_MODULES_H

#include "formats/adapter_config.h"
#include "runtime/adapter/expressions.h"

typedef struct ll_adapter_rules {
    const ll_adapter_config *config;
    llmcs_allocator allocator;
    ll_expression target, excluded;   /* where the config has expressions */
    ll_expression *ranks, *alphas;    /* of rank_pattern, alpha_pattern */
    bool *target_found, *saved_found; /* whether a module had the name of target_modules, modules_to_save */
} ll_adapter_rules;

/* Compiles the expressions. On failure there is nothing to free. */
llmcs_status ll_adapter_rules_open(ll_adapter_rules *r, const llmcs_allocator *a, const ll_adapter_config *config);
void ll_adapter_rules_free(ll_adapter_rules *r);

/* Whether target_modules means the module. linear: of a linear layer that is no output layer, for "all-linear". */
llmcs_status ll_adapter_targets(ll_adapter_rules *r, const char *module, bool linear, bool *is_target);
/* Whether modules_to_save means the module, or one that it is in. */
bool ll_adapter_saves(ll_adapter_rules *r, const char *module);

/* The rank of a module, and the factor of its product. */
llmcs_status ll_adapter_scale(ll_adapter_rules *r, const char *module, int64_t *rank, float *scale);

#endif
