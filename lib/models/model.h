/*
 * A network: weights and the forward pass of one family. gpt2.c and bert.c each read like the paper's figure; the
 * registry below them (registry.c) is the only place that knows all families. Models know no files and no text.
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
    /* What is wanted; NULL / 0 for what is not. */
    const uint32_t *logit_rows; /* [n_logit_rows] rows that the language-model head is applied to */
    size_t n_logit_rows;
    float *logits;    /* causal and masked LM: [n_logit_rows, vocab_size]; classification: [n_segments, n_labels] */
    float *block_max; /* causal LM: [n_logit_rows, ll_row_blocks(vocab_size)] as ll_linear_apply_with_max has it, or
                         NULL */
    float *hidden;    /* [n_rows, n_embd] last layer's output (GPT-2: after ln_f) */
    float *pooled;    /* [n_segments, n_embd] pooler */
    /* Looked at between layers by one thread; true ends the pass: CANCELLED. NULL: never. */
    bool (*should_stop)(void *user);
    void *user;
} ll_batch;

typedef struct ll_net ll_net;

/* A pass's size, which says how much workspace it needs. */
typedef struct ll_forward_size {
    size_t n_rows, n_segments, n_logit_rows;
    size_t max_positions; /* most positions one run attends to */
    size_t n_threads;
} ll_forward_size;

typedef struct ll_net_ops {
    size_t net_bytes; /* of the family's struct */
    bool causal;
    size_t layer_bytes; /* of one element of ll_net.layers */
    /* Goes through all weights, see weights/loader.h: ll_net_plan and ll_net_load are made of it. Sets has_pooler. */
    llmcs_status (*describe)(ll_net *net, ll_loader *loader);
    /* Floats of workspace a pass needs. A pass that is smaller in every number needs no more. */
    size_t (*workspace_floats)(const ll_net *net, const ll_forward_size *size);
    /* One thread's part of the pass; every thread of the team runs it. */
    void (*forward)(const ll_net *net, const ll_exec *exec, const ll_batch *batch, float *workspace,
                    atomic_bool *stopped);
    /* 64 bits that tell loaded networks apart, see weights/fingerprint.h. NULL for encoders: nothing of theirs is kept.
     */
    uint64_t (*fingerprint)(const ll_net *net);
} ll_net_ops;

/* What all families share; a family's struct begins with it. */
struct ll_net {
    const ll_net_ops *ops;
    const ll_config *config; /* the model's; outlives the net */
    llmcs_allocator allocator;
    const ll_kernels *kernels;
    const struct ll_openblas *openblas;
    ll_kv_layout kv; /* decoders: of the cache; encoders: of one layer, which all layers use in turn */
    bool causal;
    bool has_pooler;
    uint64_t n_parameters, weights_bytes;
    ll_weight_type weight_type; /* of most of the large matrices */
    bool has_integers;          /* among their types */
    ll_slab weights;            /* all that loading fills */
    void *layers;               /* [n_layers] the family's own; taken by ll_net_load */
    size_t n_layers;
};

/* An empty net of the config's family, to be planned or loaded. */
llmcs_status ll_net_create(const ll_config *config, const llmcs_allocator *a, const ll_kernels *kernels,
                           const struct ll_openblas *openblas, ll_net **net);
void ll_net_free(ll_net **net);

/* How the keys and values of a causal network are kept, once it is planned or loaded (AUTO asks its weights); an
 * encoder's, which live for one layer only, stay float32. */
void ll_net_set_kv_type(ll_net *net, llmcs_kv_type kv_type);

/* The bytes loading will hold, and what it takes beside them for a while, from config and tensor headers alone. Checks
 * every shape. */
llmcs_status ll_net_plan(ll_net *net, const ll_tensors *tensors, llmcs_weights weights, size_t n_threads,
                         uint64_t *bytes, uint64_t *staging_bytes);

/* Checks every shape, and tells of every tensor that loading would read, in its order; some may come twice. */
llmcs_status ll_net_visit(ll_net *net, const ll_tensors *tensors, void (*visit)(void *user, const ll_tensor *t),
                          void *user);

/* Checks every shape, then takes memory and packs, with all threads of the pool. UNSUPPORTED for weights that the
 * backend cannot work with. */
llmcs_status ll_net_load(ll_net *net, const ll_tensors *tensors, ll_pool *pool, const ll_load_options *options);

/* A whole pass on the pool. CANCELLED if should_stop said so (nothing usable was written), FORK. */
llmcs_status ll_net_forward(const ll_net *net, ll_pool *pool, const ll_batch *batch, float *workspace);

/* The size of a batch on a pool of n_threads. */
ll_forward_size ll_batch_size(const ll_batch *batch, size_t n_threads);

/* For forward: true if the pass shall end. Thread 0 asks should_stop; everyone learns the answer at the barrier. */
bool ll_forward_stopped(const ll_exec *exec, const ll_batch *batch, atomic_bool *stopped);

/* The next part of a workspace, *used floats of which are taken; with base NULL it is only counted. */
float *ll_carve(float *base, size_t *used, size_t n_floats);

/* Floats of a workspace for activations in 8 bits: none unless weights are integers. */
size_t ll_quantized_floats(const ll_net *net, const ll_forward_size *size);

#endif
