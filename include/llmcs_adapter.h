/*
 * llmcs_adapter.h - the part of llmcs.h for LoRA adapters (Hu et al. 2021) as PEFT saves them: folders with matrices A
 * and B that change a model's weights to W + lora_alpha / r * B A, and with modules that were trained whole. They are
 * applied while a model opens, or merged into a new model folder. llmcs.h includes it.
 *
 *     const char *adapters[] = {"my-adapter"};
 *     llmcs_model_options options;
 *     llmcs_model_options_init(&options);
 *     options.adapters = adapters;
 *     options.n_adapters = 1;
 *     llmcs_status status = llmcs_model_open("base-model", &options, &model);
 *     if (!status) status = llmcs_merge("base-model", adapters, 1, "merged-model", NULL);
 *
 * Applied are: linear layers, GPT-2's Conv1D, embeddings, heads; target_modules as names, an expression or all-linear;
 * rank_pattern, alpha_pattern, use_rslora, bias, modules_to_save. Everything else is refused by name: DoRA, lora_bias,
 * layer_replication, trainable_token_indices, other PEFT methods, a resized vocabulary. So are tensors that do not
 * belong to the model, and modules that the adapter's config names but its file or the model lacks. If embeddings and
 * head share one matrix and an adapter changes one of them, they become two, as in training.
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
    llmcs_progress_fn progress; /* [NULL] */
    void *progress_user;
} llmcs_merge_params;

LLMCS_API void llmcs_merge_params_init_sized(llmcs_merge_params *params, size_t struct_size);
#define llmcs_merge_params_init(params) llmcs_merge_params_init_sized((params), sizeof *(params))

/* Applies the adapters to the Hugging Face folder `folder` and writes the result as a new one: model.safetensors, with
 * the tensor types of `folder`, and copies of config.json and of the tokenizer and generation files. Transformers opens
 * it. out_folder must not exist: it appears when it is complete and on disk, and a failed call leaves nothing. Memory:
 * a few megabytes and the adapters. params: NULL for the defaults. Errors: as llmcs_model_open; ARG (out_folder
 * exists), UNSUPPORTED (a GGUF file, a sentence-transformers folder), NUMERIC (a merged weight does not fit the
 * tensor's type), NOSPACE. */
LLMCS_API llmcs_status llmcs_merge(const char *folder, const char *const *adapters, size_t n_adapters,
                                   const char *out_folder, const llmcs_merge_params *params);

#ifdef __cplusplus
}
#endif

#endif
