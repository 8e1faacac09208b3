/* adapter_config.json of a PEFT folder (peft/tuners/lora/config.py, PEFT 0.21): the settings of a LoRA adapter. A
 * setting that changes the network and is not applied is UNSUPPORTED, and so is an unknown key that is on. */
#ifndef LL_FORMATS_ADAPTER_CONFIG_H
#define LL_FORMATS_ADAPTER_CONFIG_H

#include "base/arena.h"
#include "formats/source.h"

#define LL_ADAPTER_CONFIG "adapter_config.json"
#define LL_ADAPTER_TENSORS "adapter_model.safetensors"
#define LL_MAX_ADAPTER_RANK 65536
#define LL_MAX_ADAPTER_NAMES 8192 /* in one list */

typedef struct ll_adapter_names {
    const char **items;
    size_t n;
} ll_adapter_names;

/* rank_pattern, alpha_pattern: regular expressions of module names. The first that matches applies. */
typedef struct ll_adapter_patterns {
    const char **keys;
    double *values;
    size_t n;
} ll_adapter_patterns;

/* Modules by name or by one regular expression. */
typedef struct ll_adapter_modules {
    ll_adapter_names names;
    const char *pattern; /* NULL: the names */
    bool all_linear;     /* target_modules: "all-linear" */
} ll_adapter_modules;

typedef enum ll_adapter_bias { LL_ADAPTER_BIAS_NONE, LL_ADAPTER_BIAS_ALL, LL_ADAPTER_BIAS_LORA_ONLY } ll_adapter_bias;

typedef struct ll_adapter_config {
    ll_arena arena;   /* holds what the pointers below point to */
    const char *path; /* of the file, for messages */
    int64_t rank;
    double alpha;
    bool use_rslora; /* scale alpha / sqrt(rank), not alpha / rank */
    ll_adapter_bias bias;
    ll_adapter_modules targets, excluded;
    ll_adapter_names modules_to_save;
    bool default_heads; /* PEFT adds both "classifier" and "score" to modules_to_save; a model has one of them */
    int64_t *layers;    /* layers_to_transform; NULL: all */
    size_t n_layers;
    ll_adapter_names layers_pattern;
    ll_adapter_patterns rank_pattern, alpha_pattern;
} ll_adapter_config;

/* Reads the file of `folder`. IO JSON CONFIG UNSUPPORTED LIMIT NOMEM. On failure there is nothing to free. */
llmcs_status ll_adapter_config_read(ll_adapter_config *config, const llmcs_allocator *a, const char *folder);
void ll_adapter_config_free(ll_adapter_config *config);

#endif
