/*
 * A network: its weights and its forward pass. stack.c has the layers, written like the equations, heads.c the output
 * layers; lib/families describes what differs between families. This folder does not deal with files or text.
 */
#ifndef LL_MODELS_MODEL_H
#define LL_MODELS_MODEL_H

#include <stdatomic.h>

#include "base/slab.h"
#include "formats/config.h"
#include "weights/loader.h"

/* Rows from any number of sequences at once, without padding. */
typedef struct ll_batch {
    size_t n_rows;
    const int32_t *ids;         /* [n_rows] */
    const int32_t *type_ids;    /* [n_rows], or NULL for zeros (encoders) */
    const ll_segment *segments; /* [n_segments], in the order of the rows */
    size_t n_segments;
    bool encodes; /* encoder-decoders: the segments are sources to encode. The encoder's output goes to hidden, its keys
                     and values to source_blocks; there are no other outputs */
    /* A batch that encodes may be evaluated in parts: [first_part, end_part) of ll_net_source_parts, in order, with the
     * same rows. end_part 0: all of them. Segments may be left out of later parts; their rows stay. */
    size_t first_part, end_part;
    float *residual; /* [n_rows, n_embd] what one part leaves to the next; NULL: the workspace holds it */
    /* Outputs; NULL or 0 for those not requested. */
    const uint32_t *logit_rows; /* [n_logit_rows] rows that the language-model head evaluates, or those of LL_ROWS_EOS:
                                   [n_segments] */
    size_t n_logit_rows;
    float *logits;    /* causal and masked LM: [n_logit_rows, vocab_size]; classification: [n_segments, n_labels]; token
                         classification: [n_rows, n_labels]; question answering: [n_rows, 2] */
    float *block_max; /* causal LM: [n_logit_rows, ll_row_blocks(vocab_size)], see ll_linear_apply_with_max */
    float *hidden;    /* [n_rows, n_embd] last layer's output (after its norm) */
    float *pooled;    /* [n_segments, n_embd] pooler */
    /* Called between layers by one thread; true ends the forward pass: CANCELLED. May be NULL. */
    bool (*should_stop)(void *user);
    void *user;
} ll_batch;

typedef struct ll_net ll_net;

/* The size of a forward pass, which determines its workspace. */
typedef struct ll_forward_size {
    size_t n_rows, n_segments, n_logit_rows;
    size_t max_positions;            /* most positions one segment attends to, of its source or its own */
    size_t n_source_rows, n_sources; /* rows and segments of a batch that encodes; of encoder-decoders */
    size_t n_threads;
} ll_forward_size;

typedef struct ll_net_ops {
    size_t net_bytes;   /* of the network's struct */
    size_t layer_bytes; /* of one element of ll_net.layers */
    /* Describes all weights to the loader (weights/loader.h) for ll_net_plan and ll_net_load. Sets has_pooler. */
    llmcs_status (*describe)(ll_net *net, ll_loader *loader);
    /* Floats of workspace. A forward pass that is smaller in every number needs no more. */
    size_t (*workspace_floats)(const ll_net *net, const ll_forward_size *size);
    /* The forward pass; every thread of the team calls it. */
    void (*forward)(const ll_net *net, const ll_exec *exec, const ll_batch *batch, float *workspace,
                    atomic_bool *stopped);
    /* 64 bits that identify a loaded network, see weights/fingerprint.h. For an encoder: the same for all weight types
     * of the same network. */
    uint64_t (*fingerprint)(const ll_net *net);
    /* The cache holds recurrent states, not keys and values. They stay float32: rounding them would make results depend
     * on how a prompt is split. */
    bool caches_states;
} ll_net_ops;

extern const ll_net_ops ll_transformer_ops; /* transformer.c */
extern const ll_net_ops ll_lstm_ops;        /* lstm.c */

/* The first member of the network's struct. */
struct ll_net {
    const ll_net_ops *ops;
    const ll_config *config; /* the model's; outlives the net */
    llmcs_allocator allocator;
    const ll_kernels *kernels;
    const struct ll_openblas *openblas;
    ll_kv_layout kv; /* decoders: layout of the cache, and of a source's keys and values; encoders: that of one layer,
                        which all layers use in turn */
    bool generates;  /* a language model that continues sequences; else each call evaluates whole texts */
    bool has_source; /* an encoder-decoder: its sequences attend to a source, which is encoded first */
    bool has_pooler;
    uint64_t n_parameters, weights_bytes;
    ll_weight_type weight_type; /* of most of the large matrices */
    bool has_integers;          /* some of them are Q8 or Q4 */
    ll_slab weights;            /* everything that loading fills */
    void *layers; /* [n_layers] of the family's own type, an encoder's before the decoder's; allocated by ll_net_load */
    size_t n_layers;
};

/* An empty net of the config's family, to be planned or loaded. */
llmcs_status ll_net_create(const ll_config *config, const llmcs_allocator *a, const ll_kernels *kernels,
                           const struct ll_openblas *openblas, ll_net **net);
void ll_net_free(ll_net **net);

/* Sets the type of keys and values. Called after planning or loading, because AUTO depends on the weights. An
 * encoder's, which live for one layer only, stay float32. UNSUPPORTED: F16 for recurrent states. */
llmcs_status ll_net_set_kv_type(ll_net *net, llmcs_kv_type kv_type);

/* The bytes that loading allocates and keeps, and those that it frees again (staging), from config and tensor headers
 * alone. Checks every shape. */
llmcs_status ll_net_plan(ll_net *net, const ll_tensors *tensors, llmcs_weights weights, size_t n_threads,
                         uint64_t *bytes, uint64_t *staging_bytes);

/* Checks every shape, and calls visit for every tensor that loading would read, in its order; some may come twice. */
llmcs_status ll_net_visit(ll_net *net, const ll_tensors *tensors, void (*visit)(void *user, const ll_tensor *t),
                          void *user);

/* Checks every shape, then allocates, reads and packs with all threads of the pool. UNSUPPORTED for weights that the
 * backend cannot multiply by. */
llmcs_status ll_net_load(ll_net *net, const ll_tensors *tensors, ll_pool *pool, const ll_load_options *options);

/* The forward pass, on all threads of the pool. CANCELLED if should_stop returned true (outputs are undefined), FORK.
 */
llmcs_status ll_net_forward(const ll_net *net, ll_pool *pool, const ll_batch *batch, float *workspace);

/* Parts that a source's pass is cut into: a layer of the encoder, or one decoder layer's keys and values. */
static inline size_t ll_net_source_parts(const ll_net *net) {
    return net->has_source ? (size_t)net->config->encoder.n_layer + (size_t)net->config->n_layer : 0;
}

/* The size of a batch on a pool of n_threads. */
ll_forward_size ll_batch_size(const ll_batch *batch, size_t n_threads);

/* For forward functions, called by all threads: true if the forward pass ends here. Thread 0 calls should_stop; a
 * barrier passes the answer to the others. */
bool ll_forward_stopped(const ll_exec *exec, const ll_batch *batch, atomic_bool *stopped);

/* Returns the next n_floats of a workspace and advances *used. With base NULL they are only counted. */
float *ll_carve(float *base, size_t *used, size_t n_floats);

/* Floats of workspace for activations in 8 bits, of linears with at most n_in inputs; 0 unless weights are integers. */
size_t ll_quantized_floats(const ll_net *net, size_t n_in, const ll_forward_size *size);

#endif
