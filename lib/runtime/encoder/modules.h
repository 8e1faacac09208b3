/* The modules of a sentence-transformers folder that follow its pooling: Dense, LayerNorm, Normalize. */
#ifndef LL_RUNTIME_ENCODER_MODULES_H
#define LL_RUNTIME_ENCODER_MODULES_H

#include "base/log.h"
#include "base/pool.h"
#include "formats/config.h"
#include "kernels/kernels.h"

/* Their weights, float32. */
typedef struct ll_sentence_net {
    const ll_kernels *kernels;        /* the native kernels, even if the network uses OpenBLAS */
    struct ll_sentence_layer *layers; /* [n_modules] of the config's */
    size_t n_layers;
} ll_sentence_net;

/* Arguments of loading. */
typedef struct ll_sentence_load {
    const llmcs_allocator *allocator;
    const ll_config *config;
    const ll_source *source; /* modules.json's folder */
    const llmcs_model_options *options;
    const ll_log *log;
} ll_sentence_load;

/* Loads the weights of the config's modules on the threads of the pool. Sets *n_parameters, and *bytes to their memory.
 * Errors: as ll_tensors_open and ll_net_load. */
llmcs_status ll_sentence_net_load(const ll_sentence_load *load, ll_pool *pool, ll_sentence_net *net,
                                  uint64_t *n_parameters, uint64_t *bytes);
void ll_sentence_net_free(const llmcs_allocator *a, ll_sentence_net *net);

/* Computes the bytes that loading keeps, and those that it frees again, from the tensor headers. Checks every shape. */
llmcs_status ll_sentence_net_plan(const ll_sentence_load *load, size_t n_threads, uint64_t *bytes,
                                  uint64_t *staging_bytes);

/* Floats of each of the two buffers for a batch of LL_SENTENCE_ROWS vectors. */
size_t ll_sentence_net_floats(const ll_config *config);
#define LL_SENTENCE_ROWS ((size_t)64)

/* Applies all modules to n_rows (up to LL_SENTENCE_ROWS) vectors in *x. Afterwards *x is the one of the two buffers
 * that holds the results. */
void ll_sentence_net_apply(const ll_sentence_net *net, const ll_config *config, size_t n_rows, float **x,
                           float **other);

/* Scales the vector to length 1; a zero vector stays zero. */
void ll_scale_to_length_one(float *vector, size_t n);

/* Adds the modules' weights to `hash`. */
uint64_t ll_sentence_net_fingerprint(uint64_t hash, const ll_sentence_net *net, const ll_config *config);

/* The torch.nn activation of one number. */
float ll_torch_activate(ll_torch_activation activation, float x);

#endif
