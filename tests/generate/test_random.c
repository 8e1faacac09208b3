#include <math.h>
#include <stdio.h>

#include "generate/random.h"
#include "support/suite.h"

/* The known answers that come with Random123 (file kat_vectors): zeros, ones, and digits of pi. A number is made of the
 * first 53 bits of the first two words, low word first. */
START_TEST(numbers_are_the_published_answers) {
    static const struct {
        uint32_t counter[4], key[2], expect[2];
    } cases[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d}},
        {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}, {0x408f276d, 0x41c83b0e}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}, {0xd16cfe09, 0x94fdcceb}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const uint32_t *c = cases[i].counter, *k = cases[i].key, *e = cases[i].expect;
        const uint64_t seed = (uint64_t)k[1] << 32 | k[0], draw = (uint64_t)c[3] << 32 | c[2];
        const double expected = (double)(((uint64_t)e[1] << 32 | e[0]) >> 11) / 9007199254740992.0;
        ck_assert(ll_uniform(seed, c[1], c[0], draw) == expected);
    }
}
END_TEST

/* Every argument changes the number, and no two are related in a way a mean or a correlation would show. */
START_TEST(uniform_numbers_are_uniform_and_independent) {
    enum { N = 200000, BINS = 64 };
    int bins[BINS] = {0};
    double sum = 0, lag = 0, previous = 0;
    for (uint32_t i = 0; i < N; i++) {
        double u = ll_uniform(1, i % 7, i / 7, 0);
        ck_assert(u >= 0 && u < 1);
        bins[(int)(u * BINS)]++;
        sum += u;
        lag += (u - 0.5) * (previous - 0.5);
        previous = u;
    }
    double chi2 = 0;
    for (int b = 0; b < BINS; b++) {
        double d = bins[b] - (double)N / BINS;
        chi2 += d * d / ((double)N / BINS);
    }
    ck_assert_double_lt(fabs(sum / N - 0.5), 4.0 / sqrt(12.0 * N));
    ck_assert_double_lt(fabs(lag / N), 4.0 / (12.0 * sqrt(N)));
    ck_assert_double_lt(chi2, 63 + 4 * sqrt(2.0 * 63)); /* 63 degrees of freedom */
    double base = ll_uniform(5, 1, 2, 3);
    ck_assert_double_ne(base, ll_uniform(6, 1, 2, 3));
    ck_assert_double_ne(base, ll_uniform(5ull | 1ull << 40, 1, 2, 3));
    ck_assert_double_ne(base, ll_uniform(5, 2, 2, 3));
    ck_assert_double_ne(base, ll_uniform(5, 1, 3, 3));
    ck_assert_double_ne(base, ll_uniform(5, 1, 2, 4));
    ck_assert_double_ne(base, ll_uniform(5, 1, 2, 3ull | 1ull << 40));
    ck_assert(base == ll_uniform(5, 1, 2, 3));
}
END_TEST

static void add(TCase *t) {
    tcase_add_test(t, numbers_are_the_published_answers);
    tcase_add_test(t, uniform_numbers_are_uniform_and_independent);
}

SUITE_MAIN("generate/random", add)
