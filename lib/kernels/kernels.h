/*
 * The dispatch table: a kernel set is one struct of function pointers for one instruction set. scalar.c and
 * scalar_attention.c define every entry and are the oracle of its tests; x86/ and arm/ are fast. Kernels know pointers
 * and sizes, nothing else.
 *
 * Contract 4 (ARCHITECTURE.md): every output element is one sum over k = 0, 1, 2, ... in that order, whatever the
 * number of rows or columns computed together, so its bits do not depend on how the work was divided.
 */
#ifndef LL_KERNELS_KERNELS_H
#define LL_KERNELS_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cpu.h"
#include "base/status.h"
#include "kernels/activation.h"
#include "kernels/attend.h"
#include "kernels/panels.h"

/* y = x W^T + bias + residual for some rows and the panels that hold n_out outputs. Columns past n_out exist in the
 * last panel but not in y. With float weights an output is one sum over the inputs in order, with fused multiply-adds
 * in the vector kernel sets. With integer weights the sum is exact in 32 bits (Q4: per block), and the same float
 * operations follow on every processor: Q8: sum * x's scale * W's scale; Q4: sums times scales of the blocks,
 * accumulated in order with fused multiply-adds, then times x's scale. Bias and residual are added last. */
typedef struct ll_product {
    const void *x;   /* [n_rows] rows of n_in floats; for Q8 and Q4 rows that `quantize` wrote */
    size_t x_stride; /* bytes from one row of x to the next */
    size_t n_rows;
    const void *w;      /* panels, see panels.h; float panels may begin at a later input (BF16: an even one) */
    size_t panel_bytes; /* from one panel to the next */
    size_t n_in, n_out;
    const float *acc;      /* shape of y, or NULL; may be y: sums over earlier inputs to continue; float weights only */
    const float *bias;     /* [n_out], or NULL */
    const float *residual; /* shape of y, or NULL; may be y */
    float *y;              /* [n_rows, n_out of ldy] */
    size_t ldy;
    const void *next; /* the weights that are read next, to prefetch, or NULL */
} ll_product;

/* Accumulators of a similarity, and the order in which they are added: fixed, so that the bits are the same everywhere.
 */
#define LL_LANES 16
static inline float ll_add_lanes(float *lanes) {
    for (size_t width = LL_LANES / 2; width > 0; width /= 2)
        for (size_t i = 0; i < width; i++) lanes[i] += lanes[i + width];
    return lanes[0];
}

/* Scores that at_least compares at a time, one bit each. */
#define LL_SCORES 64

/* Scores of a row that share one maximum: block_max below, and generate/scores.h. */
#define LL_ROW_BLOCK 32
static inline size_t ll_row_blocks(size_t n) { return (n + LL_ROW_BLOCK - 1) / LL_ROW_BLOCK; }

typedef struct ll_kernels {
    const char *name; /* "scalar", "avx2", "avx512vnni", "neon", ...: what LLMCS_CPU names */
    size_t nr;        /* outputs (columns) of one panel of packed weights */

    /* Called when weights of a type are created, before their first product, to get permission from the system (AMX).
     * May be NULL. */
    void (*prepare)(ll_weight_type type);
    /* Products, by the type of the weights. */
    void (*matmul[LL_N_WEIGHT_TYPES])(const ll_product *p);
    /* Quantises a row of n activations for Q8 and Q4 weights, see panels.h. with_blocks: also the offsets for Q4.
     * q_bytes: bytes of one quantised activation. */
    size_t q_bytes;
    void (*quantize)(const float *x, size_t n, bool with_blocks, void *row);
    /* Converts GGUF's Q8_0 to Q8: n_rows <= nr consecutive rows of n_blocks blocks each. A block is a finite binary16
     * scale and LL_Q_BLOCK signed bytes; a weight is their product, which is exact in float32. The Q8 value is
     * rint(weight * inverse[row]), ties to even, and must be in -127..127. to: the place of the first row's first four
     * values in the panel. */
    void (*pack_q8_0)(const unsigned char *rows, size_t n_rows, size_t n_blocks, const float *inverse, void *to);

    /* Element by element, n floats; y may be x. */
    void (*gelu_erf)(const float *x, float *y, size_t n);  /* x/2 (1 + erf(x / sqrt 2)) */
    void (*gelu_tanh)(const float *x, float *y, size_t n); /* x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) */
    void (*relu)(const float *x, float *y, size_t n);
    void (*tanh)(const float *x, float *y, size_t n);
    void (*silu)(const float *x, float *y, size_t n);       /* x / (1 + exp(-x)) */
    void (*quick_gelu)(const float *x, float *y, size_t n); /* x / (1 + exp(-1.702 x)) */
    void (*add)(const float *a, const float *b, float *y, size_t n);
    void (*multiply)(const float *a, const float *b, float *y, size_t n);

    /* Rotates the pairs x[i], x[i + n_dims / 2] of one head, in place: rotation is n_dims / 2 cosines, then as many
     * sines. Products and sums are rounded one by one, as in scalar.c: the same bits with every kernel set. */
    void (*rope)(float *x, const float *rotation, size_t n_dims);

    /* y = x / sqrt(mean(x^2) + eps) * weight over n floats (Zhang and Sennrich 2019). */
    void (*rms_norm)(const float *x, const float *weight, float eps, float *y, size_t n);
    /* y = (x - mean) / sqrt(var + eps) * weight + bias over n floats (Ba et al. 2016; biased variance). bias may be
     * NULL. */
    void (*layer_norm)(const float *x, const float *weight, const float *bias, float eps, float *y, size_t n);

    /* A row of n >= 1 scores. block_max: max[ll_row_blocks(n)] gets the maximum of each block of LL_ROW_BLOCK scores;
     * false if a score is infinite or NaN, and max is then undefined. exp_sum: the sum of e^(x[i] - max), no x above
     * max, to about seven digits. */
    bool (*block_max)(const float *x, size_t n, float *max);
    double (*exp_sum)(const float *x, size_t n, float max);
    /* The same sum by ll_sum_of_exps (exponential.h), with the same bits in every kernel set: used for sampling. */
    double (*sum_of_exps)(const float *x, size_t n, float max);

    /* Similarity of a query x and a stored row, float32 or binary16, of n elements, a multiple of LL_LANES: their dot
     * product, and the square of their distance. Lane i sums over the elements i, i + LL_LANES, ... in order with fused
     * multiply-adds; ll_add_lanes ends it. */
    float (*dot_f32)(const float *x, const void *row, size_t n);
    float (*dot_f16)(const float *x, const void *row, size_t n);
    float (*distance_f32)(const float *x, const void *row, size_t n);
    float (*distance_f16)(const float *x, const void *row, size_t n);
    /* Bit i of bits[r]: y[r, i] >= least[r]; y is [n_rows, LL_SCORES]. */
    void (*at_least)(const float *y, size_t n_rows, const float *least, uint64_t *bits);

    /* Attention of one tile of rows of one head, and storing keys and values (attend.h). */
    void (*attend)(const ll_attend *a);
    void (*kv_store)(const ll_kv_rows *part);
} ll_kernels;

/* The best kernel set for `cpu`, or the one that the environment variable LLMCS_CPU names (ignored in setuid programs).
 * UNSUPPORTED for a name that this processor or this build does not have; the message lists the valid ones. */
llmcs_status ll_kernels_pick(const ll_cpu *cpu, const ll_kernels **out);

/* All kernel sets of this build that `cpu` can run (NULL: whether it can or not), best first; for tests and bench.
 * Returns how many (at most max). */
size_t ll_kernels_list(const ll_cpu *cpu, const ll_kernels **sets, size_t max);

#endif
