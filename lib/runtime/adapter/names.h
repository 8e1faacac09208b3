/* Parses the names of an adapter's tensors and maps them to the model's tensors. */
#ifndef LL_RUNTIME_ADAPTER_NAMES_H
#define LL_RUNTIME_ADAPTER_NAMES_H

#include "formats/config.h"
#include "formats/gguf_names.h"
#include "formats/tensors.h"

#define LL_ADAPTER_NAME_BYTES 256

typedef enum ll_adapter_part {
    LL_ADAPTER_A, /* lora_A, lora_embedding_A */
    LL_ADAPTER_B,
    LL_ADAPTER_WHOLE,   /* replaces a tensor of the model */
    LL_ADAPTER_ORIGINAL /* a module of modules_to_save before training: PEFT saves its bias, which is not used */
} ll_adapter_part;

typedef struct ll_adapter_name {
    ll_adapter_part part;
    bool embedding; /* lora_embedding_ */
    bool copy;      /* ".modules_to_save.": PEFT may save the same tensor under its plain name, too */
    char tensor[LL_ADAPTER_NAME_BYTES]; /* in Transformers' model: "transformer.h.0.attn.c_attn.weight" */
    char module[LL_ADAPTER_NAME_BYTES]; /* the same without its last component */
} ll_adapter_name;

/* UNSUPPORTED: DoRA, lora_bias. LIMIT: the name is too long. */
llmcs_status ll_adapter_name_read(ll_adapter_name *n, const ll_tensors *adapter, const ll_tensor *tensor);

/* A tensor of the model, found by its name in Transformers or in the model's files. */
typedef struct ll_base_name {
    char stored[LL_ADAPTER_NAME_BYTES + 64]; /* in the model's files */
    size_t prefix_bytes;                     /* length of the prefix before the stack's own name; 0 for a head */
    ll_role role;                            /* LL_N_ROLES: part of a head, or unknown */
} ll_base_name;
void ll_base_name_of(ll_base_name *b, const ll_tensors *base, const ll_config *c, const char *tensor);

#endif
