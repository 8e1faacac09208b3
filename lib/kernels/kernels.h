/*
 * The dispatch table: one struct of function pointers for each kind of processor. scalar.c is the meaning of every
 * entry and the oracle of its tests; x86/ and arm/ are the speed. Kernels know pointers and sizes, nothing else.
 *
 * Contract 4 lives here: every output element is one sum over k = 0, 1, 2, ... in that order, whatever the number
 * of rows or columns worked together, so its bits do not depend on how work was cut.
 */
#ifndef LL_KERNELS_KERNELS_H
#define LL_KERNELS_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cpu.h"
#include "base/status.h"
#include "kernels/attend.h"

typedef struct ll_kernels {
    const char *name; /* "scalar", "avx2", "neon": what LLMCS_CPU names */
    size_t nr;        /* outputs (columns) of one panel of packed weights */

    /* y[r*ldy + j] = sum over k of x[r*ldx + k] * w[k*nr + j] + bias[j] + residual[r*ldy + j], for r < n_rows and
     * j < n_out; panel p of nr columns begins at w + p * n_in * nr and writes y + p * nr. Columns past n_out exist in
     * w (zeros) and not in y. bias and residual may be NULL; residual may be y. */
    void (*matmul_f32)(const float *x, size_t ldx, size_t n_rows, const float *w, size_t n_in, size_t n_out,
                       const float *bias, const float *residual, float *y, size_t ldy);

    /* Element-wise, in place or apart, n floats. */
    void (*gelu_erf)(const float *x, float *y, size_t n);  /* x/2 (1 + erf(x / sqrt 2)) */
    void (*gelu_tanh)(const float *x, float *y, size_t n); /* x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) */
    void (*relu)(const float *x, float *y, size_t n);
    void (*tanh)(const float *x, float *y, size_t n);
    void (*add)(const float *a, const float *b, float *y, size_t n);

    /* y = (x - mean) / sqrt(var + eps) * weight + bias over n floats (Ba et al. 2016; biased variance). */
    void (*layer_norm)(const float *x, const float *weight, const float *bias, float eps, float *y, size_t n);

    /* Attention of one tile of rows of one head, and the storing of what it reads (attend.h). */
    void (*attend)(const ll_attend *a);
    void (*kv_store)(const ll_kv_part *part);
} ll_kernels;

/* The best row for `cpu`, or the row that the environment variable LLMCS_CPU names (ignored in setuid programs).
 * UNSUPPORTED for a name that this processor or this build does not have; the message lists those there are. */
llmcs_status ll_kernels_pick(const ll_cpu *cpu, const ll_kernels **out);

/* All rows this build has and `cpu` can run, best first; for tests and bench. Returns how many (at most max). */
size_t ll_kernels_list(const ll_cpu *cpu, const ll_kernels **rows, size_t max);

#endif
