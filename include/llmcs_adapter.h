/*
 * LoRA adapters (Hu et al. 2021): matrices that change a model's weights, W + lora_alpha / r * B A, and modules that
 * were trained whole; folders that PEFT saved. Applied while a model opens, or once and for all into a folder of its
 * own:
 *
 *     const char *adapters[] = {"my-adapter"};
 *     llmcs_model_options options;
 *     llmcs_model_options_init(&options);
 *     options.adapters = adapters;
 *     options.n_adapters = 1;
 *     llmcs_status status = llmcs_model_open("base-model", &options, model);
 *     if (!status) status = llmcs_merge("base-model", adapters, 1, "merged-model", NULL);
 *
 * Applied are: linear layers, GPT-2's Conv1D, embeddings, heads; target_modules as names, an expression or all-linear;
 * rank_pattern, alpha_pattern, use_rslora, bias, modules_to_save. The rest is refused by name: DoRA, lora_bias,
 * layer_replication, trainable_token_indices, other PEFT methods, a resized vocabulary. So is what the adapter holds
 * and the model has no place for, and what its config names and its file or the model lacks. Where embeddings and head
 * are one matrix and an adapter changes one of them, they become two, as in training.
 *
 * llmcs.h includes it.
 */
#ifndef LLMCS_ADAPTER_H
#define LLMCS_ADAPTER_H

#include "llmcs.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct llmcs_merge_params {
    size_t struct_size;
    const llmcs_allocator *allocator; /* [NULL: malloc] */
    llmcs_log_fn log;                 /* [NULL] */
    void *log_user;
    llmcs_progress_fn progress; /* [NULL] a true result stops it: CANCELLED */
    void *progress_user;
} llmcs_merge_params;

LLMCS_API void llmcs_merge_params_init_sized(llmcs_merge_params *params, size_t struct_size);
#define llmcs_merge_params_init(params) llmcs_merge_params_init_sized((params), sizeof *(params))

/* Writes the Hugging Face folder `folder` with the adapters applied as another such folder: model.safetensors, whose
 * tensors have the types that they have in `folder`, and copies of config.json and of the tokenizer's and generation's
 * files. Transformers opens it. out_folder must not exist: it appears when it is complete and on disk, and a failed
 * call leaves nothing. Memory: a few megabytes and the adapters. params: NULL for the defaults. Errors: as
 * llmcs_model_open; ARG (out_folder exists), UNSUPPORTED (a GGUF file, a sentence-transformers folder), NUMERIC (a sum
 * that the type cannot hold), NOSPACE. */
LLMCS_API llmcs_status llmcs_merge(const char *folder, const char *const *adapters, size_t n_adapters,
                                   const char *out_folder, const llmcs_merge_params *params);

#ifdef __cplusplus
}
#endif

#endif
