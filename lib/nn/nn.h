/*
 * The operations of a transformer (linear, layer norm, attention), each divided over the threads of a team. Every
 * thread of the team calls the same functions in the same order. Shapes are checked when a network is loaded, not here.
 * Before a thread reads what another one wrote comes ll_team_wait; functions that wait themselves say so.
 */
#ifndef LL_NN_NN_H
#define LL_NN_NN_H

#include "base/alloc.h"
#include "base/pool.h"
#include "kernels/kernels.h"

/* The thread, kernels and workspace that an operation runs with. */
typedef struct ll_exec {
    ll_team *team;
    const ll_kernels *kernels;
    const struct ll_openblas *openblas; /* NULL: our own kernels; else kernels is &openblas->kernels */
    void *quantized;                    /* workspace for activations in 8 bits; unused by floats */
    float *acc; /* [n_rows, n_out] workspace for sums of a block of inputs, where residual is y; NULL: large products of
                   floats are slower then */
} ll_exec;

/* ---- linear: y = x W^T + b, W is [n_out, n_in], packed once into panels (kernels/panels.h) */
typedef struct ll_linear {
    const struct ll_linear *next; /* the linear that the forward pass applies next, to prefetch its weights; or NULL */
    size_t n_parts; /* 3 for query, key and value, which are divided over the threads part by part; else 0 */
    size_t n_in, n_out;
    size_t nr; /* outputs of a panel */
    ll_weight_type type;
    size_t panel_bytes;
    void *packed; /* [ceil(n_out / nr)] panels, zeros past n_out */
    float *bias;  /* [n_out], or NULL */
} ll_linear;

/* Row `out` of W into out_row [n_in]. An embedding table tied to the head is the head's linear, stored once. */
void ll_linear_row(const ll_linear *linear, size_t out, float *out_row);
/* The bits that W[out, k] is stored as, with those of its scale: the same with every kernel set. */
uint64_t ll_linear_code(const ll_linear *linear, size_t out, size_t k);

/* y[n_rows, n_out] = act(x[n_rows, n_in] W^T + b), or x W^T + b + residual[n_rows, n_out]. Not both: either activation
 * is LL_ACT_NONE or residual is NULL. y may be residual. Each thread writes its own columns. With integer weights the
 * threads wait once, after quantising x into exec->quantized, so two such calls need a wait between them. */
void ll_linear_apply(const ll_exec *exec, const ll_linear *linear, const float *x, size_t n_rows, int activation,
                     const float *residual, float *y);
/* y = x W^T + b. block_max [n_rows, ll_row_blocks(n_out)], or NULL: the largest of each block of LL_ROW_BLOCK outputs
 * of each row. A row of y with an infinity or a NaN has a NaN among its block_max. */
void ll_linear_apply_with_max(const ll_exec *exec, const ll_linear *linear, const float *x, size_t n_rows, float *y,
                              float *block_max);
/* Bytes exec->quantized needs for rows of n_in activations. */
size_t ll_quantized_bytes(const ll_kernels *kernels, size_t n_in, size_t n_rows, size_t n_threads);

/* ---- layer norm over rows: x, y [n_rows, n]; y may be x */
typedef struct ll_norm {
    size_t n;
    float eps;
    float *weight, *bias; /* [n] */
} ll_norm;
void ll_norm_apply(const ll_exec *exec, const ll_norm *norm, const float *x, size_t n_rows, float *y);

/* ---- the input of a linear, prepared once: floats, or quantised to 8 bits in exec->quantized */
typedef struct ll_input {
    const float *floats; /* [n_rows, n_in] */
    const void *rows;    /* what the kernels read: floats, or their copy in 8 bits */
    size_t stride;       /* bytes from one of rows to the next */
    size_t n_rows;
} ll_input;
ll_input ll_linear_input(const ll_exec *exec, const ll_linear *linear, const float *x, size_t n_rows);
/* norm(x), prepared for `linear`. normed has space for ll_normed_rows rows. Of few rows each thread prepares a copy of
 * its own, without a wait. More rows, or rows normed in place (normed is x), are divided over the threads, which then
 * wait. */
ll_input ll_norm_input(const ll_exec *exec, const ll_norm *norm, const ll_linear *linear, const float *x, size_t n_rows,
                       float *normed);
size_t ll_normed_rows(size_t n_rows, size_t n_threads);
/* As ll_linear_apply, without a wait. */
void ll_linear_apply_to(const ll_exec *exec, const ll_linear *linear, const ll_input *in, int activation,
                        const float *residual, float *y);
/* Outputs [begin, end) of each of n_parts equal parts, computed by this thread alone. Multiples of nr. No wait. */
void ll_linear_apply_parts(const ll_exec *exec, const ll_linear *linear, const ll_input *in, size_t n_parts,
                           size_t begin, size_t end, float *y);

/* ---- attention */
/* Rows of a batch that are consecutive positions of one sequence. kv_blocks[b] is the memory of tokens
 * [b * LL_KV_BLOCK, (b + 1) * LL_KV_BLOCK) of the sequence, laid out by ll_kv_layout. */
typedef struct ll_segment {
    size_t first_row, n_rows;
    size_t first_position; /* of its first row; keys and values of earlier positions are in the blocks */
    void *const *kv_blocks;
} ll_segment;

/* One block: for each layer, for each head its keys and its values (kernels/attend.h). */
typedef struct ll_kv_layout {
    size_t n_layer, n_head, head_dim;
    ll_kv_type type;
} ll_kv_layout;
static inline size_t ll_kv_block_bytes(const ll_kv_layout *l) {
    return l->n_layer * l->n_head * ll_kv_head_bytes(l->type, l->head_dim);
}

/* Attention of one layer over all segments of a batch. */
typedef struct ll_attention {
    const ll_kv_layout *layout;
    size_t layer;
    const float *qkv; /* [n_rows, 3 * n_embd]: query | key | value */
    const ll_segment *segments;
    size_t n_segments;
    bool causal; /* a row attends to positions up to its own; else to all of its segment and those before it */
    float scale;
    float *out;     /* [n_rows, n_embd] */
    float *scratch; /* ll_attention_scratch_floats(...) floats, this thread's own, aligned to 64 bytes */
} ll_attention;
size_t ll_attention_scratch_floats(const ll_kv_layout *layout, size_t max_positions);

/* qkv = linear(in), then keys and values into the blocks, then out = softmax(scale * q k^T) v. qkv is a->qkv. a->out
 * must not overlap `in`: other threads may still read `in` when this one writes a->out. May wait in between. */
void ll_attention_project(const ll_exec *exec, const ll_linear *linear, const ll_input *in, float *qkv,
                          const ll_attention *a);

#endif
