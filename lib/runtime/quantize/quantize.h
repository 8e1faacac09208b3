/* The parts of llmcs_quantize: quantize.c says what stands in the file, quantize_weights.c works the weights. */
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
    bool known;         /* to llama.cpp, by its name */
    bool transposed;    /* [n_in, n_out] in the checkpoint: rows of the file are its columns */
    uint64_t first_row; /* rows before it are left out */
    int rank;           /* in the file, as is */
    uint64_t shape[LL_MAX_RANK];
    uint64_t n_bytes;
} ll_stored;

/* What becomes of a tensor of this model, matrices to `dtype`; `name` is its plain one (ll_tensors_plain_name).
 * *fallback: its rows did not fit that. */
llmcs_status ll_stored_plan(ll_stored *s, const ll_tensor *tensor, const char *name, const ll_config *c, ll_dtype dtype,
                            bool *fallback);

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
