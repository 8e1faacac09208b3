/* Discrete Laplace noise, sampled exactly (Canonne, Kamath, Steinke 2020, algorithms 1 and 2). */
#ifndef SHOP_GUARD_LAPLACE_H
#define SHOP_GUARD_LAPLACE_H

#include <stdint.h>

#include "shop/base/status.h"

/* Where random bits come from: the system's, or a generator of a test. */
typedef struct shop_bits {
    llmcs_status (*fill)(void *user, uint64_t *words, size_t n);
    void *user;
    uint64_t words[32];
    size_t left; /* words not used yet, at the end */
} shop_bits;

/* Bits of the system. */
void shop_bits_init(shop_bits *bits);
/* Overwrites what is left: with it the noise could be taken away. */
void shop_bits_clear(shop_bits *bits);

/* *z has the probability (e^(s/t) - 1) / (e^(s/t) + 1) * e^(-|z| s / t). 1 <= s, t <= 1e12. */
llmcs_status shop_discrete_laplace(shop_bits *bits, uint64_t t, uint64_t s, int64_t *z);

#endif
