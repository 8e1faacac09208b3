/*
 * llmcs_quantize.h - the part of llmcs.h that writes a model folder as one GGUF file, usually a smaller one. llmcs.h
 * includes it.
 *
 *     llmcs_quantize_params params;
 *     llmcs_quantize_params_init(&params);
 *     params.type = LLMCS_GGUF_Q4_0;
 *     if (llmcs_quantize("gpt2", "gpt2.gguf", &params)) fputs(llmcs_error_message(), stderr);
 */
#include "llmcs.h" /* which includes this file at its end, whichever of the two comes first */

#ifndef LLMCS_QUANTIZE_H
#define LLMCS_QUANTIZE_H

#ifdef __cplusplus
extern "C" {
#endif

/* How a GGUF file stores the matrices of the layers and of the vocabulary. Norms, biases, position tables, token types,
 * poolers, classifiers and the dense layer of a masked-LM head are always float32. */
typedef enum llmcs_gguf_type {
    LLMCS_GGUF_Q8_0 = 0, /* blocks of 32 weights: a float16 scale and 8 bits each */
    LLMCS_GGUF_Q4_0 = 1, /* blocks of 32 weights: a float16 scale and 4 bits each */
    LLMCS_GGUF_F16 = 2,
    LLMCS_GGUF_BF16 = 3,
    LLMCS_GGUF_F32 = 4
} llmcs_gguf_type;

typedef struct llmcs_quantize_params {
    size_t struct_size;
    llmcs_gguf_type type;             /* [Q8_0] */
    const llmcs_allocator *allocator; /* [NULL: malloc] */
    llmcs_log_fn log;                 /* [NULL] */
    void *log_user;
    llmcs_progress_fn progress; /* [NULL] */
    void *progress_user;
} llmcs_quantize_params;

LLMCS_API void llmcs_quantize_params_init_sized(llmcs_quantize_params *params, size_t struct_size);
#define llmcs_quantize_params_init(params) llmcs_quantize_params_init_sized((params), sizeof *(params))

/* Writes a Hugging Face folder as one GGUF file that llmcs_model_open opens like the folder: weights, tokenizer, heads,
 * labels, generation settings, pooling. llama.cpp opens it too if it supports the network (GPT-2, Llama, Mistral,
 * SmolLM3, Qwen 2 and 3, Gemma 3, BERT-like encoders with GELU, classifiers of encoders); else the log says why not,
 * and the file names an architecture that llama.cpp refuses. With Q8_0 and Q4_0, matrices whose rows are not a multiple
 * of 32 are float16. The file appears only when it is complete and on disk; a failed call leaves an existing file as it
 * was; a symbolic link is replaced. Memory: about the largest matrix as float32. params: NULL for the defaults.
 * Errors: as llmcs_model_open, ARG (the target is one of the inputs) NOSPACE IO NUMERIC (not finite, or too large for
 * float16). */
LLMCS_API llmcs_status llmcs_quantize(const char *folder, const char *out_path, const llmcs_quantize_params *params);

#ifdef __cplusplus
}
#endif

#endif
