/* The activations between two linears, by the names of Transformers' ACT2FN. */
#ifndef LL_KERNELS_ACTIVATION_H
#define LL_KERNELS_ACTIVATION_H

typedef enum ll_activation {
    LL_ACT_NONE = -1,
    LL_ACT_GELU,     /* x/2 (1 + erf(x/sqrt 2)) */
    LL_ACT_GELU_NEW, /* the tanh form; also written gelu_pytorch_tanh, gelu_fast, gelu_accurate */
    LL_ACT_RELU,
    LL_ACT_TANH,
    LL_ACT_SILU,      /* x / (1 + exp(-x)); also written swish */
    LL_ACT_QUICK_GELU /* x / (1 + exp(-1.702 x)) */
} ll_activation;

#endif
