/* Samples with integers only: the rounding of doubles would leak what the noise should hide (Mironov 2012). */
#include "shop/guard/laplace.h"

#include <sodium.h>

#include "shop/guard/random.h"

static llmcs_status fill_from_system(void *user, uint64_t *words, size_t n) {
    (void)user;
    return shop_random_bytes(words, n * sizeof *words);
}

void shop_bits_init(shop_bits *bits) { *bits = (shop_bits){.fill = fill_from_system}; }

void shop_bits_clear(shop_bits *bits) { sodium_memzero(bits, sizeof *bits); }

static llmcs_status next_word(shop_bits *bits, uint64_t *word) {
    enum { WORDS = sizeof bits->words / sizeof *bits->words };
    if (!bits->left) {
        SHOP_TRY(bits->fill(bits->user, bits->words, WORDS));
        bits->left = WORDS;
    }
    *word = bits->words[WORDS - bits->left--];
    return LLMCS_OK;
}

/* Uniform in 0 .. n-1. */
static llmcs_status sample_below(shop_bits *bits, uint64_t n, uint64_t *x) {
    const uint64_t rest = (UINT64_MAX % n + 1) % n; /* 2^64 mod n: words above the last multiple are rejected */
    uint64_t word;
    do SHOP_TRY(next_word(bits, &word));
    while (word > UINT64_MAX - rest);
    *x = word % n;
    return LLMCS_OK;
}

/* *one with probability exp(-numerator / denominator); numerator <= denominator <= 1e12. Algorithm 1. */
static llmcs_status sample_exp(shop_bits *bits, uint64_t numerator, uint64_t denominator, int *one) {
    for (uint64_t k = 1;; k++) {
        uint64_t x;
        /* Reaching k > 2^20 has a probability below 1 / (2^20)!. The bound also keeps denominator * k below 2^60. */
        if (k > 1 << 20) return shop_fail(LLMCS_INTERNAL, "the source of random bits repeats itself");
        SHOP_TRY(sample_below(bits, denominator * k, &x));
        if (x < numerator) continue;
        *one = k & 1;
        return LLMCS_OK;
    }
}

/* Counts successes with probability exp(-1) before the first failure. */
static llmcs_status count_exp1(shop_bits *bits, uint64_t *n) {
    int one;
    for (*n = 0;; ++*n) {
        SHOP_TRY(sample_exp(bits, 1, 1, &one));
        if (!one) return LLMCS_OK;
        if (*n > 1 << 16) return shop_fail(LLMCS_INTERNAL, "the source of random bits repeats itself");
    }
}

llmcs_status shop_discrete_laplace(shop_bits *bits, uint64_t t, uint64_t s, int64_t *z) {
    for (;;) {
        uint64_t u, v, sign;
        int accepted;
        SHOP_TRY(sample_below(bits, t, &u));
        SHOP_TRY(sample_exp(bits, u, t, &accepted));
        if (!accepted) continue;
        SHOP_TRY(count_exp1(bits, &v));
        const uint64_t y = (u + t * v) / s;
        SHOP_TRY(sample_below(bits, 2, &sign));
        if (sign && !y) continue; /* otherwise zero would be twice as likely */
        *z = sign ? -(int64_t)y : (int64_t)y;
        return LLMCS_OK;
    }
}
