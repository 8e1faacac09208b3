/*
 * LoRA adapters (Hu et al. 2021), as PEFT saves them: a folder with adapter_config.json and adapter_model.safetensors.
 * They change the tensors of a checkpoint while it is read (formats/tensors_change.h):
 *
 *     W = W + scale * B A,    scale = lora_alpha / r, or with use_rslora lora_alpha / sqrt(r)
 *
 * in float32, before weights are converted to their packed type. Modules that the adapter saved whole, and biases,
 * replace the model's. Every tensor of an adapter must belong to the network, and every module that its config names
 * must exist.
 */
#ifndef LL_RUNTIME_ADAPTER_H
#define LL_RUNTIME_ADAPTER_H

#include "models/model.h"

typedef struct ll_adapters ll_adapters;

/* The adapters to open. */
typedef struct ll_adapter_paths {
    const char *const *folders; /* [n], applied in this order */
    size_t n;
    llmcs_load_mode load_mode;
    const ll_log *log;
} ll_adapter_paths;

/* Opens and checks the adapters, and applies them to `tensors`, after ll_tensors_fit; the adapters must outlive the
 * tensors. If embeddings and head are tied and an adapter changes only one of them, they are untied: config changes.
 * net: created from config, not loaded yet. *adapters is NULL if there are none. IO JSON FORMAT CONFIG UNSUPPORTED
 * LIMIT NOMEM CHANGED: nothing to free. */
llmcs_status ll_adapters_open(const llmcs_allocator *a, const ll_adapter_paths *paths, ll_config *config,
                              ll_tensors *tensors, ll_net *net, ll_adapters **adapters);
void ll_adapters_close(ll_adapters **adapters);

/* CHANGED if one of their files has changed since it was opened. */
llmcs_status ll_adapters_check_unchanged(const ll_adapters *adapters);
/* A hash of the changes, which is part of the model's fingerprint. 0: none. */
uint64_t ll_adapters_hash(const ll_adapters *adapters);

#endif
