/*
 * LoRA adapters (Hu et al. 2021), as PEFT saves them: a folder with adapter_config.json and adapter_model.safetensors.
 * They change the tensors of a checkpoint while it is read (formats/tensors_change.h):
 *
 *     W = W + scale * B A,    scale = lora_alpha / r, or with use_rslora lora_alpha / sqrt(r)
 *
 * in float32, before weights are rounded to the type that they are packed in. Modules that the adapter saved whole, and
 * biases, take the place of the model's. All that an adapter holds must have a place in the network, and all that its
 * config promises must be there.
 */
#ifndef LL_RUNTIME_ADAPTER_H
#define LL_RUNTIME_ADAPTER_H

#include "models/model.h"

typedef struct ll_adapters ll_adapters;

/* Where adapters are found. */
typedef struct ll_adapter_paths {
    const char *const *folders; /* [n], applied in this order */
    size_t n;
    llmcs_load_mode load_mode;
    const ll_log *log;
} ll_adapter_paths;

/* Opens and checks the adapters, and changes `tensors`, to which ll_tensors_fit was applied; the adapters outlive them.
 * An adapter that trains embeddings or head alone, which are tied in the network, unties them: config changes. net: of
 * config, not loaded yet. *adapters is NULL if there are none. IO JSON FORMAT CONFIG UNSUPPORTED LIMIT NOMEM CHANGED:
 * nothing to free. */
llmcs_status ll_adapters_open(const llmcs_allocator *a, const ll_adapter_paths *paths, ll_config *config,
                              ll_tensors *tensors, ll_net *net, ll_adapters **adapters);
void ll_adapters_close(ll_adapters **adapters);

/* CHANGED if a file of theirs has changed since it was opened. */
llmcs_status ll_adapters_check_unchanged(const ll_adapters *adapters);
/* Of what they change, by which a model with adapters has a fingerprint of its own. 0: none. */
uint64_t ll_adapters_hash(const ll_adapters *adapters);

#endif
