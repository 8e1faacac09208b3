/* Addresses of weights in a linear's panels (kernels/panels.h). */
#ifndef LL_NN_PANEL_H
#define LL_NN_PANEL_H

#include "nn/nn.h"

static inline char *ll_panel_of(const ll_linear *linear, size_t out) {
    return (char *)linear->packed + out / linear->nr * linear->panel_bytes;
}

/* Q8: the scale of an output. */
static inline float *ll_scale_of(const ll_linear *linear, size_t out) {
    return (float *)(void *)ll_panel_of(linear, out) + out % linear->nr;
}

/* The address of output `out`'s weights for a unit of inputs: one input of F32 and F16, two of BF16, four of Q8, in 4
 * bytes (F16: 2). The next unit is nr times as many bytes further. */
static inline char *ll_unit_of(const ll_linear *linear, size_t out, size_t k) {
    const size_t nr = linear->nr, j = out % nr;
    char *panel = ll_panel_of(linear, out);
    switch (linear->type) {
        case LL_F16:
            return panel + (k * nr + j) * 2;
        case LL_BF16:
            return panel + (k / 2 * nr + j) * 4;
        case LL_Q8:
            return panel + (nr + k / 4 * nr + j) * 4;
        default:
            return panel + (k * nr + j) * 4;
    }
}

static inline size_t ll_unit_inputs(ll_weight_type type) { return type == LL_Q8 ? 4 : type == LL_BF16 ? 2 : 1; }

/* A block of Q4: its scale and the first of its four groups of bytes. */
typedef struct ll_q4_block {
    uint16_t *scale;
    char *bytes; /* group g is 4 * nr * g bytes further */
} ll_q4_block;

static inline ll_q4_block ll_q4_block_of(const ll_linear *linear, size_t out, size_t k) {
    const size_t nr = linear->nr, j = out % nr;
    char *block = ll_panel_of(linear, out) + k / LL_Q_BLOCK * nr * (2 + LL_Q_BLOCK / 2);
    return (ll_q4_block){(uint16_t *)(void *)block + j, block + nr * 2 + j * 4};
}

#endif
