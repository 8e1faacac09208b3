/*
 * The operations of a transformer, each divided over the threads of a team and checked for shape when it is made,
 * not when it runs. A step that reads what another wrote is preceded by ll_team_wait; those that wait themselves say
 * so.
 */
#ifndef LL_NN_NN_H
#define LL_NN_NN_H

#include "base/alloc.h"
#include "base/pool.h"
#include "kernels/kernels.h"

/* Where and on what a step runs. */
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
    const struct ll_linear *next; /* what a pass applies after this one, whose weights are asked for early; or NULL */
    size_t n_parts;               /* query, key and value, each of which is dealt to the threads; 0: outputs are */
    size_t n_in, n_out;
    size_t nr;           /* the layout's */
    ll_weight_type type; /* the weights' */
    size_t panel_bytes;
    void *packed; /* [ceil(n_out / nr)] panels, zeros past n_out */
    float *bias;  /* [n_out], or NULL */
} ll_linear;

/* Row `out` of W: out_row is [n_in]. Embedding tables are linears too, so that a tied head is stored once. */
void ll_linear_row(const ll_linear *linear, size_t out, float *out_row);
/* The bits by which W[out, k] is kept, with those of its scale: the same in every row's panels. */
uint64_t ll_linear_code(const ll_linear *linear, size_t out, size_t k);

/* y[n_rows, n_out] = act(x[n_rows, n_in] W^T + b), or x W^T + b + residual[n_rows, n_out]: an activation (else
 * LL_ACT_NONE), or a residual (else NULL), not both; y may be residual. Each thread writes its own columns. With
 * integer weights the threads wait for each other once, when x is quantised, in exec->quantized: there has to be a wait
 * between two such calls. */
void ll_linear_apply(const ll_exec *exec, const ll_linear *linear, const float *x, size_t n_rows, int activation,
                     const float *residual, float *y);
/* y = x W^T + b, and of each row of y the largest of each block of LL_ROW_BLOCK outputs, the last cut: block_max
 * [n_rows, ll_row_blocks(n_out)], or NULL. A row with an infinity or a NaN gets a NaN among its own. */
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

/* ---- what a linear reads, made ready once: floats, or these in 8 bits, in exec->quantized */
typedef struct ll_input {
    const float *floats; /* [n_rows, n_in] */
    const void *rows;    /* what the kernels read: floats, or their copy in 8 bits */
    size_t stride;       /* bytes from one of rows to the next */
    size_t n_rows;
} ll_input;
ll_input ll_linear_input(const ll_exec *exec, const ll_linear *linear, const float *x, size_t n_rows);
/* norm(x) ready for `linear`. Few rows each thread makes for itself, into its part of `normed`, which has room for
 * ll_normed_rows rows, and nobody waits. More rows, or where normed is x, are shared, and all wait for each other. */
ll_input ll_norm_input(const ll_exec *exec, const ll_norm *norm, const ll_linear *linear, const float *x, size_t n_rows,
                       float *normed);
size_t ll_normed_rows(size_t n_rows, size_t n_threads);
/* As ll_linear_apply, without a wait. */
void ll_linear_apply_to(const ll_exec *exec, const ll_linear *linear, const ll_input *in, int activation,
                        const float *residual, float *y);
/* The outputs [begin, end) of each of n_parts equal parts, multiples of nr, all of them this thread's: no wait. */
void ll_linear_apply_parts(const ll_exec *exec, const ll_linear *linear, const ll_input *in, size_t n_parts,
                           size_t begin, size_t end, float *y);

/* ---- attention */
/* A run of rows of one sequence at consecutive positions. kv_blocks[b] is the memory of tokens
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

/* The heads of all runs of a pass, and what attention does with them. */
typedef struct ll_attention {
    const ll_kv_layout *layout;
    size_t layer;
    const float *qkv; /* [n_rows, 3 * n_embd]: query | key | value */
    const ll_segment *segments;
    size_t n_segments;
    bool causal; /* a row sees the positions of its sequence up to its own; else all of its run, and those before it */
    float scale;
    float *out;     /* [n_rows, n_embd] */
    float *scratch; /* ll_attention_scratch_floats(...) floats, this thread's own, aligned to 64 bytes */
} ll_attention;
size_t ll_attention_scratch_floats(const ll_kv_layout *layout, size_t max_positions);

/* The step before it too: qkv, which is a->qkv, = linear(in). Others may still read `in` when this thread already
 * writes a->out: they must not overlap. */
void ll_attention_project(const ll_exec *exec, const ll_linear *linear, const ll_input *in, float *qkv,
                          const ll_attention *a);

#endif
