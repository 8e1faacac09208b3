/* Discrete Laplace noise, sampled exactly (Canonne, Kamath, Steinke 2020, algorithms 1 and 2). */
#ifndef SHOP_GUARD_LAPLACE_H
#define SHOP_GUARD_LAPLACE_H

#include <stdint.h>

#include "shop/base/status.h"

/* A source of random bits: the system, or a test's generator. */
typedef struct shop_bits {
    llmcs_status (*fill)(void *user, uint64_t *words, size_t n);
    void *user;
    uint64_t words[32];
    size_t left; /* number of unused words, at the end of the array */
} shop_bits;

/* Uses the system's random bits. */
void shop_bits_init(shop_bits *bits);
/* Overwrites the words: with them the noise could be reconstructed. */
void shop_bits_clear(shop_bits *bits);

/* *z has the probability (e^(s/t) - 1) / (e^(s/t) + 1) * e^(-|z| s / t). 1 <= s, t <= 1e12. */
llmcs_status shop_discrete_laplace(shop_bits *bits, uint64_t t, uint64_t s, int64_t *z);

#endif
