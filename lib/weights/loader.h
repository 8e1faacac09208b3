/*
 * A family describes its weights once (names, shapes, destinations). The loader walks the description twice: first it
 * checks every tensor and counts bytes, then it allocates and fills. So nothing is allocated before every shape is
 * known to be right, and a plan is the first half of a load.
 */
#ifndef LL_WEIGHTS_LOADER_H
#define LL_WEIGHTS_LOADER_H

#include "base/pool.h"
#include "weights/weights.h"

/* A range of outputs to load, by any thread. */
typedef struct ll_load_job {
    ll_linear *linear;
    ll_weight_source source;
    size_t begin, end; /* outputs of the tensor */
} ll_load_job;

/* The purpose of weights, which decides their packed type. */
typedef enum ll_weight_use {
    LL_LARGE, /* matrices of layers and of the vocabulary: the type the caller requests, else the file's */
    LL_SMALL  /* heads over one row: float32 */
} ll_weight_use;

typedef struct ll_loader {
    const ll_tensors *tensors;
    const llmcs_allocator *allocator; /* for memory that is freed when loading ends */
    const llmcs_allocator *memory;    /* for weights; set while filling */
    const ll_kernels *kernels;
    llmcs_weights wanted;
    bool filling; /* false: check and count; true: allocate, read small tensors, and add large ones to jobs */
    bool check_finite;
    char scope[128]; /* prefix of the names given below, set with ll_format: "transformer.h.3." */
    void (*visit)(void *user, const ll_tensor *t); /* called for every tensor that is checked, or NULL */
    void *visit_user;
    /* Counted while checking. */
    uint64_t bytes, n_parameters;
    uint64_t slab_bytes; /* with the padding of a slab */
    size_t n_jobs;
    uint64_t bytes_of[LL_N_WEIGHT_TYPES]; /* of the large matrices */
    /* While filling. */
    ll_load_job *jobs; /* [n_jobs], the first n_added are valid */
    size_t n_added;
    uint64_t n_read; /* elements of tensors that are not in jobs */
} ll_loader;

bool ll_loader_has(const ll_loader *l, const char *name);

/* Each of these returns FORMAT (missing), CONFIG (shape), UNSUPPORTED (type), LIMIT (integers), NOMEM, IO, CHANGED. */

/* A linear of n_out outputs with the weights of n_parts tensors, names[i].weight, of n_out / n_parts outputs each.
 * with_bias: ll_load_bias then fills it part by part. */
llmcs_status ll_load_weights(ll_loader *l, ll_linear *linear, ll_weight_use use, ll_weight_layout layout, size_t n_in,
                             size_t n_out, const char *const *names, size_t n_parts, bool with_bias);
llmcs_status ll_load_bias(ll_loader *l, ll_linear *linear, size_t first_out, size_t n_out, const char *name);
/* Outputs of a linear that come from name.weight and name.bias. */
typedef struct ll_load_part {
    const char *name;
    const char *bias; /* with whole_names only */
    bool whole_names; /* `name` and `bias` are complete tensor names: .weight and .bias are not appended */
    size_t n_out;
    bool has_bias; /* if false and another part of the linear has a bias, this part's is 0 */
    /* For a fused tensor: it has n_stored outputs (0: n_out); this part takes those from `skipped` on. */
    size_t skipped, n_stored;
    size_t paired; /* see ll_weight_source */
} ll_load_part;
/* A linear of several consecutive parts, for example query, key and value of different sizes. If their types differ,
 * the linear is Q8 if all are integers, else float32. */
llmcs_status ll_load_parts(ll_loader *l, ll_linear *linear, ll_weight_use use, ll_weight_layout layout, size_t n_in,
                           const ll_load_part *parts, size_t n_parts);
/* Gate and up as one linear for ll_linear_apply_gated. They may be halves of one tensor, in either order. */
llmcs_status ll_load_gate_up(ll_loader *l, ll_linear *linear, ll_weight_layout layout, size_t n_in,
                             const ll_load_part *gate, const ll_load_part *up);
/* The usual case: name.weight and name.bias. */
llmcs_status ll_load_linear(ll_loader *l, ll_linear *linear, ll_weight_use use, ll_weight_layout layout, size_t n_in,
                            size_t n_out, const char *name);
/* name.weight and name.bias, or TensorFlow's name.gamma and name.beta of the oldest BERT checkpoints. */
llmcs_status ll_load_norm(ll_loader *l, ll_norm *norm, size_t n, float eps, const char *name);
/* A norm of either kind: name.weight, or gamma, to which `add` is added (Gemma stores weight - 1), and with has_bias
 * name.bias, or beta. */
llmcs_status ll_load_norm_of(ll_loader *l, ll_norm *norm, ll_norm_kind kind, size_t n, float eps, const char *name,
                             bool has_bias, float add);
/* A vector: *vector is [n], the tensor `name`. */
llmcs_status ll_load_vector(ll_loader *l, float **vector, size_t n, const char *name);
/* Allocates n floats with the lifetime of the weights. While only counting, *floats is NULL; else the caller fills
 * them.
 */
llmcs_status ll_load_space(ll_loader *l, float **floats, size_t n, const char *name);
/* An embedding table: stored in the file's type if that is a 16-bit float, else as float32. */
llmcs_status ll_load_rows(ll_loader *l, ll_table *table, size_t n_rows, size_t n, const char *name);
/* A plain table: *table is [n_rows, n]. */
llmcs_status ll_load_table(ll_loader *l, float **table, size_t n_rows, size_t n, const char *name);

typedef struct ll_load_options {
    llmcs_weights weights;
    bool check_finite;
    llmcs_progress_fn progress; /* may be NULL */
    void *progress_user;
    llmcs_status (*meanwhile)(void *user); /* called on the caller's thread while the others load; may be NULL */
    void *meanwhile_user;
} ll_load_options;

/* Runs all jobs on the threads of the pool. On failure returns the status of the first failed job in order: FORMAT,
 * UNSUPPORTED, IO, CHANGED, CANCELLED. A failure of options->meanwhile takes precedence. */
llmcs_status ll_load_jobs(const ll_loader *l, ll_pool *pool, const ll_load_options *options);
/* Bytes it allocates while it runs, the jobs included. */
uint64_t ll_load_jobs_bytes(size_t n_jobs, size_t n_threads);

#endif
