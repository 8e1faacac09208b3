/* Internals of llmcs_quantize: quantize.c plans and writes the file, quantize_weights.c converts the weights. */
#ifndef LL_RUNTIME_QUANTIZE_H
#define LL_RUNTIME_QUANTIZE_H

#include "base/output.h"
#include "formats/config.h"
#include "formats/gguf_names.h"
#include "formats/gguf_write.h"
#include "formats/tensors.h"

/* A tensor on its way into the file. */
typedef struct ll_stored {
    const ll_tensor *tensor;
    char name[LL_MAX_NAME_TEXT]; /* in the file */
    ll_dtype dtype;
    bool known;          /* to llama.cpp, by its name */
    bool transposed;     /* [n_in, n_out] in the checkpoint: rows in the file are its columns */
    size_t paired;       /* head_dim, where the rows of each head are written as pairs (ll_paired_output); else 0 */
    float added;         /* to every element */
    const float *values; /* instead of those of `tensor` */
    uint64_t first_row;  /* earlier rows are not written */
    int rank;            /* in the file, as is */
    uint64_t shape[LL_MAX_RANK];
    uint64_t n_bytes;
} ll_stored;

/* Plans how a tensor is stored; `name` is its plain name (ll_tensors_plain_name). Matrices get type `dtype`, or float16
 * with *fallback if their rows are not whole blocks. */
llmcs_status ll_stored_plan(ll_stored *s, const ll_tensor *tensor, const char *name, const ll_config *c, ll_dtype dtype,
                            bool *fallback);

/* Plans the values of llama.cpp's form (ll_tensors_as_llama_cpp), in which LL_GGUF_PAIRED and norms differ from the
 * checkpoint's. */
void ll_stored_as_llama_cpp(ll_stored *s, const ll_config *c);
/* What rotary frequencies are divided by, as a tensor; values is [head_dim / 2]. */
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
