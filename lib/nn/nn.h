/*
 * The operations of a transformer (linear, norm, attention), each divided over the threads of a team. Every
 * thread of the team calls the same functions in the same order. Shapes are checked when a network is loaded, not here.
 * A caller puts ll_team_wait before a thread reads what another one wrote; functions that wait themselves say so.
 */
#ifndef LL_NN_NN_H
#define LL_NN_NN_H

#include "base/alloc.h"
#include "base/pool.h"
#include "kernels/kernels.h"
#include "kernels/rope.h"

/* The thread, kernels and workspace that an operation runs with. */
typedef struct ll_exec {
    ll_team *team;
    const ll_kernels *kernels;
    const struct ll_openblas *openblas; /* NULL: our own kernels; else kernels is &openblas->kernels */
    void *quantized;                    /* workspace for activations in 8 bits; unused by floats */
    float *acc;   /* [n_rows, n_out] workspace for sums over a block of inputs, needed where residual is y; NULL: large
                     products with float weights are then slower */
    float *gated; /* this thread's LL_GATED_FLOATS for ll_linear_apply_gated, aligned to 64 bytes; else unused */
} ll_exec;

/* ---- linear: y = x W^T + b, W is [n_out, n_in], packed once into panels (kernels/panels.h) */
typedef struct ll_linear {
    const struct ll_linear *next; /* the linear that the forward pass applies next, to prefetch its weights; or NULL */
    size_t n_queries;             /* a linear of query, key and value: the outputs that are queries; else 0 */
    size_t n_gated;               /* a linear of gate and up: the outputs of each, see ll_linear_apply_gated; else 0 */
    size_t n_in, n_out;
    size_t nr; /* outputs of a panel */
    ll_weight_type type;
    size_t panel_bytes;
    void *packed; /* [ceil(n_out / nr)] panels, zeros past n_out */
    float *bias;  /* [n_out], or NULL */
} ll_linear;

/* Copies row `out` of W to out_row [n_in]. An embedding table tied to the head is the head's linear, stored once. */
void ll_linear_row(const ll_linear *linear, size_t out, float *out_row);
/* The bits that W[out, k] is stored as, with those of its scale: the same with every kernel set. */
uint64_t ll_linear_code(const ll_linear *linear, size_t out, size_t k);

/* A table of rows of n floats: float32, or 16-bit floats as in the file, which is exact and half the memory. */
typedef struct ll_table {
    ll_weight_type type; /* LL_F32, LL_F16 or LL_BF16 */
    size_t n;
    void *rows; /* NULL: there is no table */
} ll_table;
/* Copies row `row` to out [n]. */
void ll_table_row(const ll_table *table, size_t row, float *out);

/* y[n_rows, n_out] = act(x[n_rows, n_in] W^T + b), or x W^T + b + residual[n_rows, n_out]. Not both: either activation
 * is LL_ACT_NONE or residual is NULL. y may be residual. Each thread writes its own columns. With integer weights the
 * threads wait once, after quantising x into exec->quantized, so two such calls need a wait between them. */
void ll_linear_apply(const ll_exec *exec, const ll_linear *linear, const float *x, size_t n_rows, int activation,
                     const float *residual, float *y);
/* y = x W^T + b. block_max [n_rows, ll_row_blocks(n_out)], or NULL: the maximum of each block of LL_ROW_BLOCK outputs
 * of each row. A row of y with an infinity or a NaN has a NaN among its block_max. */
void ll_linear_apply_with_max(const ll_exec *exec, const ll_linear *linear, const float *x, size_t n_rows, float *y,
                              float *block_max);
/* Bytes exec->quantized needs for rows of n_in activations. */
size_t ll_quantized_bytes(const ll_kernels *kernels, size_t n_in, size_t n_rows, size_t n_threads);

/* Rows of a batch that are consecutive positions of one sequence. kv_blocks[b] is the memory of tokens
 * [b * LL_KV_BLOCK, (b + 1) * LL_KV_BLOCK) of the sequence, laid out by ll_kv_layout. */
typedef struct ll_segment {
    size_t first_row, n_rows;
    size_t first_position; /* of its first row; keys and values of earlier positions are in the blocks */
    void *const *kv_blocks;
    void *const *source_blocks; /* of the source that ll_attention_cross attends to, else NULL */
    size_t n_source;            /* its positions */
} ll_segment;

/* ---- norms over rows: x, y [n_rows, n]; y may be x */
typedef enum ll_norm_kind {
    LL_NORM_LAYER, /* (x - mean) / sqrt(variance + eps) * weight + bias (Ba et al. 2016) */
    LL_NORM_RMS    /* x / sqrt(mean(x^2) + eps) * weight (Zhang and Sennrich 2019) */
} ll_norm_kind;
typedef struct ll_norm {
    size_t n;
    float eps;
    float *weight, *bias; /* [n]. bias NULL: none; RMS has none. weight NULL: y = x, no norm at all */
    ll_norm_kind kind;
} ll_norm;
/* One row, by this thread. */
void ll_norm_row(const ll_kernels *kernels, const ll_norm *norm, const float *x, float *y);
/* Rows are divided over the threads. */
void ll_norm_apply(const ll_exec *exec, const ll_norm *norm, const float *x, size_t n_rows, float *y);
/* x = x + norm(y), a norm after a sub-layer (Gemma); y is overwritten. Rows are divided over the threads. */
void ll_norm_add(const ll_exec *exec, const ll_norm *norm, float *y, size_t n_rows, float *x);

/* ---- the input of a linear, prepared once: floats, or quantised to 8 bits in exec->quantized */
typedef struct ll_input {
    const float *floats; /* [n_rows, n_in] */
    const void *rows;    /* what the kernels read: floats, or their copy in 8 bits */
    size_t stride;       /* bytes from one of rows to the next */
    size_t n_rows;
} ll_input;
ll_input ll_linear_input(const ll_exec *exec, const ll_linear *linear, const float *x, size_t n_rows);
/* norm(x), prepared for `linear`. normed: workspace of ll_normed_rows rows. If there are few rows, each thread prepares
 * its own copy, without a wait. More rows, or rows normed in place (normed is x), are divided over the threads, which
 * then wait. */
ll_input ll_norm_input(const ll_exec *exec, const ll_norm *norm, const ll_linear *linear, const float *x, size_t n_rows,
                       float *normed);
size_t ll_normed_rows(size_t n_rows, size_t n_threads);
/* As ll_linear_apply, without a wait. */
void ll_linear_apply_to(const ll_exec *exec, const ll_linear *linear, const ll_input *in, int activation,
                        const float *residual, float *y);
/* A range of outputs, multiples of nr. */
typedef struct ll_outputs {
    size_t begin, end;
} ll_outputs;
/* Computes these outputs on this thread alone. No wait. */
void ll_linear_apply_ranges(const ll_exec *exec, const ll_linear *linear, const ll_input *in, const ll_outputs *ranges,
                            size_t n_ranges, float *y);

/* Gated feed-forward (Shazeer 2020): y[n_rows, n_gated] = act(gate(x)) * up(x), where gate and up are one linear, made
 * by ll_load_gate_up: panels of gate and up alternate, so that a tile has both. Without a wait. */
#define LL_GATED_FLOATS ((size_t)12288)
void ll_linear_apply_gated(const ll_exec *exec, const ll_linear *gate_up, const ll_input *in, int activation, float *y);

/* ---- rotary position embedding (Su et al. 2021), in halves: of the first n_dims values of a head, i and i + n_dims /
 * 2 are a pair that is rotated by the angle position * inverse[i] */
/* Parameters of Transformers' modeling_rope_utils.py. A comment names the kinds of scaling that use a field. */
typedef struct ll_rope_spec {
    size_t n_dims; /* even */
    double theta;
    ll_rope_scaling scaling;
    double factor;
    double low_factor, high_factor; /* llama3 */
    double original_positions;      /* llama3, yarn */
    double beta_fast, beta_slow;    /* yarn; 0: 32 and 1 */
    double attention_factor;        /* yarn; 0: 0.1 ln(factor) + 1 */
    bool keep_fractions;            /* yarn: "truncate": false */
    const float *factors;           /* LL_ROPE_FACTORS: [n_dims / 2]; may be the array that is filled */
} ll_rope_spec;
typedef struct ll_rope {
    size_t n_dims;
    float scale;    /* of cosines and sines: yarn's attention factor, else 1 */
    float *inverse; /* [n_dims / 2] inverse frequencies */
} ll_rope;
/* Fills inverse [n_dims / 2], and returns the scale, in the steps and with the rounding of Transformers. */
float ll_rope_frequencies(const ll_rope_spec *spec, float *inverse);
/* Computes the rotations of a batch's rows, which all layers use: rows [n_rows, n_dims], n_dims / 2 cosines, then as
 * many sines. Each thread computes some; a wait must follow. Angles are float32, as in Transformers; cosines and sines
 * are computed in double and rounded, so that they are the same with every kernel set. There is no table: it would take
 * 32 MB for 131,072 positions of 64 values. */
void ll_rope_rows(const ll_exec *exec, const ll_rope *rope, const ll_segment *segments, size_t n_segments, float *rows);

/* ---- attention */
/* One block: for each layer, for each head its keys and its values (kernels/attend.h). */
typedef struct ll_kv_layout {
    size_t n_layer;
    size_t n_kv_head; /* heads of keys and values */
    size_t head_dim;
    ll_kv_type type;
} ll_kv_layout;
static inline size_t ll_kv_block_bytes(const ll_kv_layout *l) {
    return l->n_layer * l->n_kv_head * ll_kv_head_bytes(l->type, l->head_dim);
}

/* Attention of one layer over all segments of a batch. Query head h reads the keys and values of head h / (n_head /
 * n_kv_head) (Ainslie et al. 2023). */
typedef struct ll_attention {
    const ll_kv_layout *layout;
    size_t layer;
    size_t n_head;    /* query heads, a multiple of layout->n_kv_head */
    float *q, *k, *v; /* [n_rows, n_head or n_kv_head * head_dim] of ldq, ldk, ldv; q and k are normed and rotated in
                         place. See ll_attention_set_qkv */
    size_t ldq, ldk, ldv;
    const ll_segment *segments;
    size_t n_segments;
    bool causal;   /* a row attends to positions up to its own; else to all of its segment and those before it */
    size_t window; /* 0: no window. causal: to the last `window` positions, its own included; else to those at a
                      distance of at most `window` */
    float scale;
    const ll_norm *q_norm, *k_norm; /* over head_dim, before the rotation (Qwen3, Gemma 3); or NULL */
    const float *rope;              /* [n_rows, n_rotated] of ll_rope_rows; or NULL. Keys are stored rotated */
    size_t n_rotated;               /* rope's n_dims */
    /* NULL, or a bias by head and distance (T5's buckets, MPNet, ALiBi): to the scaled score of query and key is added
     * distance[h * (2 n_distance - 1) + n_distance - 1 + key - query]. Distances of n_distance and more count as
     * n_distance - 1. */
    const float *distance;
    size_t n_distance;
    float *out;     /* [n_rows, n_head * head_dim] */
    float *scratch; /* ll_attention_scratch_floats(...) floats, this thread's own, aligned to 64 bytes */
} ll_attention;
/* max_positions: the most positions a row attends to, those of a source included. */
size_t ll_attention_scratch_floats(const ll_kv_layout *layout, size_t max_positions);

/* Sets q, k and v to the parts of qkv [n_rows, (n_head + 2 n_kv_head) * head_dim]: query | key | value. */
void ll_attention_set_qkv(ll_attention *a, float *qkv);
/* qkv = linear(in), then ll_attention_apply; a->q, k and v point into qkv. a->out must not overlap `in`: other threads
 * may still read `in` when this one writes a->out. May wait in between. */
void ll_attention_project(const ll_exec *exec, const ll_linear *linear, const ll_input *in, float *qkv,
                          const ll_attention *a);
/* q and k normed and rotated, keys and values into the blocks, then out = softmax(scale * q k^T + bias) v. q, k and v
 * must be complete: a wait comes before. May wait in between. */
void ll_attention_apply(const ll_exec *exec, const ll_attention *a);

/* Cross-attention to a source, an encoder's output. Its keys and values for every decoder layer are stored once, in
 * separate blocks with a layout of their own. Stores a->k and a->v of the source's rows into the segments' kv_blocks.
 */
void ll_attention_store(const ll_exec *exec, const ll_attention *a);
/* Cross-attention of a->q to all n_source positions of segment.source_blocks; a wait must come before. k, v, causal,
 * window, k_norm, rope and distance are unused. No wait. */
void ll_attention_cross(const ll_exec *exec, const ll_attention *a);

#endif
