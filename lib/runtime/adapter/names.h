/* Names of an adapter's tensors, and the model's tensors that they mean. */
#ifndef LL_RUNTIME_ADAPTER_NAMES_H
#define LL_RUNTIME_ADAPTER_NAMES_H

#include "formats/config.h"
#include "formats/gguf_names.h"
#include "formats/tensors.h"

#define LL_ADAPTER_NAME_BYTES 256

typedef enum ll_adapter_part {
    LL_ADAPTER_A, /* lora_A, lora_embedding_A */
    LL_ADAPTER_B,
    LL_ADAPTER_WHOLE,   /* the numbers of a tensor of the model */
    LL_ADAPTER_ORIGINAL /* what a module of modules_to_save was before training: PEFT saves its bias, nothing uses it */
} ll_adapter_part;

typedef struct ll_adapter_name {
    ll_adapter_part part;
    bool embedding;                     /* lora_embedding_ */
    bool copy;                          /* ".modules_to_save.": PEFT may save the same under the plain name, too */
    char tensor[LL_ADAPTER_NAME_BYTES]; /* in Transformers' model: "transformer.h.0.attn.c_attn.weight" */
    char module[LL_ADAPTER_NAME_BYTES]; /* the same without its last component */
} ll_adapter_name;

/* UNSUPPORTED: of DoRA, of lora_bias. LIMIT: too long a name. */
llmcs_status ll_adapter_name_read(ll_adapter_name *n, const ll_tensors *adapter, const ll_tensor *tensor);

/* What a tensor of the model is, by its name in Transformers' model or in the model's own files. */
typedef struct ll_base_name {
    char stored[LL_ADAPTER_NAME_BYTES + 64]; /* in the model's files */
    size_t prefix_bytes;                     /* before the stack's own name; 0 for a head */
    ll_role role;                            /* LL_N_ROLES: a head's, or unknown */
} ll_base_name;
void ll_base_name_of(ll_base_name *b, const ll_tensors *base, const ll_config *c, const char *tensor);

#endif
