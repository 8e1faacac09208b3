/* Internals of llmcs_quantize: quantize.c plans and writes the file, quantize_weights.c converts the weights. */
#ifndef LL_RUNTIME_QUANTIZE_H
#define LL_RUNTIME_QUANTIZE_H

#include "base/output.h"
#include "formats/config.h"
#include "formats/gguf_names.h"
#include "formats/gguf_write.h"
#include "formats/tensors.h"

/* How a tensor is written to the file. */
typedef struct ll_stored {
    const ll_tensor *tensor;
    char name[LL_MAX_NAME_TEXT]; /* in the file */
    ll_dtype dtype;
    bool known;          /* llama.cpp knows the tensor's name */
    bool transposed;     /* [n_in, n_out] in the checkpoint: rows in the file are its columns */
    size_t paired;       /* head_dim, where the rows of each head are written as pairs (ll_paired_output); else 0 */
    float added;         /* added to every element */
    const float *values; /* written instead of the tensor's own; or NULL */
    uint64_t first_row;  /* rows before it are not written */
    int rank;            /* in the file, as is */
    uint64_t shape[LL_MAX_RANK];
    uint64_t n_bytes;
} ll_stored;

/* Plans how a tensor is stored; `name` is its plain name (ll_tensors_plain_name). Matrices get type `dtype`, or float16
 * with *fallback if their rows are not whole blocks. */
llmcs_status ll_stored_plan(ll_stored *s, const ll_tensor *tensor, const char *name, const ll_config *c, ll_dtype dtype,
                            bool *fallback);

/* Plans the values as llama.cpp expects them (ll_tensors_as_llama_cpp): LL_GGUF_PAIRED rows and norms differ from the
 * checkpoint's. */
void ll_stored_as_llama_cpp(ll_stored *s, const ll_config *c);
/* Plans the tensor of RoPE factors, the divisors of the rotary frequencies. values: [head_dim / 2]. */
void ll_stored_rotary_factors(ll_stored *s, const ll_config *c, const float *values);

/* Progress over all weights. */
typedef struct ll_weights_progress {
    llmcs_progress_fn fn;
    void *user;
    uint64_t done, total; /* elements */
} ll_weights_progress;

/* Converts and writes the tensor, padding included. NUMERIC IO NOSPACE CHANGED NOMEM CANCELLED. */
llmcs_status ll_stored_write(const ll_stored *s, const ll_tensors *tensors, const llmcs_allocator *a, ll_output *out,
                             ll_weights_progress *progress);

#endif
