/* Settings of a sentence-transformers folder: modules.json, the files it names, and config_sentence_transformers.json.
 * The modules are those of sentence_transformers/models (5.1). */
#ifndef LL_FORMATS_SENTENCE_H
#define LL_FORMATS_SENTENCE_H

#include <stdbool.h>
#include <stdint.h>

/* Pooling modes, in the order in which their vectors are concatenated (models/Pooling.py, forward). */
enum {
    LL_POOL_CLS = 1,
    LL_POOL_MAX = 2,
    LL_POOL_MEAN = 4,
    LL_POOL_MEAN_SQRT_LEN = 8,
    LL_POOL_WEIGHTED_MEAN = 16, /* weights 1, 2, 3, ... by position */
    LL_POOL_LAST_TOKEN = 32
};
#define LL_N_POOL_MODES 6

/* Activation classes of torch.nn for a vector, or for a cross-encoder's logit. */
typedef enum ll_torch_activation {
    LL_TORCH_IDENTITY,
    LL_TORCH_TANH,
    LL_TORCH_RELU,
    LL_TORCH_GELU,
    LL_TORCH_SILU,
    LL_TORCH_SIGMOID,
    LL_TORCH_UNKNOWN
} ll_torch_activation;

typedef enum ll_module_kind { LL_MODULE_DENSE, LL_MODULE_LAYER_NORM, LL_MODULE_NORMALIZE } ll_module_kind;

/* A module after the Pooling: [n_in] -> [n_out]. */
typedef struct ll_module {
    ll_module_kind kind;
    const char *path; /* its folder */
    int32_t n_in, n_out;
    bool bias; /* Dense */
    ll_torch_activation activation;
} ll_module;

#define LL_MAX_MODULES 64
#define LL_MAX_PROMPTS 1024

typedef struct ll_prompt {
    const char *name, *text;
} ll_prompt;

/* Strings and arrays are in the config's arena. */
typedef struct ll_sentence {
    bool present;
    uint32_t pooling;         /* LL_POOL_*, one or several */
    const ll_module *modules; /* [n_modules] between the pooling and the last Normalize */
    size_t n_modules;
    bool normalize;           /* the last module is a Normalize */
    int32_t n_pooled;         /* floats in the output of the pooling */
    int32_t n_out;            /* floats in a vector */
    int32_t max_seq_length;   /* 0: none */
    bool do_lower_case;       /* text is lowercased before tokenization; the tokenizer may do so anyway */
    bool strip;               /* white space around a text is stripped before tokenization */
    const ll_prompt *prompts; /* [n_prompts] */
    size_t n_prompts;
    const char *prompt;     /* prepended to every text: prompts[default_prompt_name], or "" */
    bool exclude_prompt;    /* the pooling excludes the prompt's tokens */
    const char *similarity; /* similarity_fn_name: "cosine", "dot", "euclidean", "manhattan"; "" without a folder */
    const char *transformer_path; /* folder of the Transformer module, "" or "0_Transformer" */
    const char *pooling_path;     /* "1_Pooling" */
} ll_sentence;

#endif
