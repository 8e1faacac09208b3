/*
 * Loads a checkpoint's tensors into the panels of a linear (kernels/panels.h): ll_linear_create allocates,
 * ll_linear_load reads and packs a range of outputs. Different threads may load different ranges.
 */
#ifndef LL_WEIGHTS_WEIGHTS_H
#define LL_WEIGHTS_WEIGHTS_H

#include "formats/tensors.h"
#include "nn/nn.h"

typedef enum ll_weight_layout {
    LL_OUT_IN, /* torch.nn.Linear, nn.Embedding: [n_out, n_in] */
    LL_IN_OUT  /* GPT-2's Conv1D: [n_in, n_out] */
} ll_weight_layout;

/* Allocates n_out outputs, which ll_linear_load fills. LIMIT for integer weights with more inputs than a 32-bit sum can
 * hold. */
llmcs_status ll_linear_create(ll_linear *linear, const llmcs_allocator *a, const ll_kernels *kernels,
                              ll_weight_type type, size_t n_in, size_t n_out, bool with_bias, const char *name);
/* Allocates gate and up of n_gated outputs each, in alternating panels. Biases are 0. */
llmcs_status ll_linear_create_gated(ll_linear *linear, const llmcs_allocator *a, const ll_kernels *kernels,
                                    ll_weight_type type, size_t n_in, size_t n_gated, bool with_bias, const char *name);
/* Its n_out. */
static inline size_t ll_gated_outputs(const ll_kernels *kernels, size_t n_gated) {
    return n_gated <= (SIZE_MAX >> 2) ? 2 * ll_round_up(n_gated, kernels->nr) : SIZE_MAX;
}
/* Bytes ll_linear_create allocates. */
uint64_t ll_linear_bytes(const ll_kernels *kernels, ll_weight_type type, size_t n_in, size_t n_out, bool with_bias);
void ll_linear_free(ll_linear *linear, const llmcs_allocator *a);

/* Which panels a tensor is loaded to, in a linear where panels of gate and up alternate. */
typedef enum ll_panels { LL_PANELS_ALL, LL_PANELS_GATE, LL_PANELS_UP } ll_panels;

/* Outputs of a 2-d tensor that become the outputs [first_out, ...) of a linear, which may have several such sources. */
typedef struct ll_weight_source {
    const ll_kernels *kernels; /* whose layout the linear has */
    const ll_tensors *tensors;
    const ll_tensor *tensor; /* shape and type have been checked */
    ll_weight_layout layout;
    size_t first_out;
    bool check_finite; /* FORMAT naming tensor and index for NaN and infinity */
    size_t skipped; /* outputs of the tensor before the first one that is loaded, which is number 0 in ll_linear_load */
    size_t n_out;   /* outputs that are loaded; 0: all after the skipped ones */
    size_t paired;  /* head_dim, if the rows of each head are stored in the order of rotary pairs (i, i + head_dim / 2),
                       as  queries and keys in GGUF files of llama; else 0. LL_OUT_IN only */
    ll_panels panels;
} ll_weight_source;
/* The stored row of output `out`, with `paired`: element j of a head's first or second half is the first or second of
 * pair j. */
static inline size_t ll_paired_output(size_t paired, size_t out) {
    const size_t in_head = out % paired, half = paired / 2;
    return out - in_head + in_head % half * 2 + in_head / half;
}

/* Packs outputs [begin, end). Both must be multiples of nr, except that end may be n_out. LL_IN_OUT tensors are packed
 * in one call. stage: LL_STAGE_FLOATS floats of the caller's. Different threads may load different outputs. UNSUPPORTED
 * for a number that is too large for float16, or for the scale of a block of Q4. */
#define LL_STAGE_FLOATS ((size_t)128 * 1024)
llmcs_status ll_linear_load(ll_linear *linear, const ll_weight_source *source, size_t begin, size_t end, float *stage);
/* FORMAT, naming the element, unless the values of the tensor from element `first` on are finite. */
llmcs_status ll_weights_check_finite(const ll_tensors *tensors, const ll_tensor *tensor, const float *values,
                                     uint64_t first, size_t n);
/* Outputs to load per call, so that threads get even shares; 0: all in one call. */
size_t ll_linear_load_step(const ll_linear *linear, ll_weight_layout layout);

#endif
