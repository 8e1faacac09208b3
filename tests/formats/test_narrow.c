/* float32 to 8 and 4 bits, against the rules written plainly. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/half.h"
#include "formats/narrow.h"
#include "support/random.h"
#include "support/suite.h"

#define MAX_N 77

/* Nearest, ties to even, of the product in float32; within -127..127. */
static int rounded(float x, float inverse, int zero) {
    const float scaled = x * inverse;
    return (int)rintf(fminf(fmaxf(scaled, -127.0f), 127.0f)) + zero;
}

START_TEST(eight_bits_are_the_nearest) {
    static const int zeros[] = {0, 128};
    uint64_t seed = 61;
    printf("seed 61\n");
    for (size_t n = 0; n <= MAX_N; n++) {
        float x[MAX_N], inverses[MAX_N];
        uint8_t all[MAX_N + 1], each[MAX_N + 1];
        const float inverse = 40.0f + random_float(&seed, 40.0f);
        const int zero = zeros[n % 2];
        int n_wrong = 0;
        random_fill(&seed, 4.0f, x, n);
        for (size_t i = 0; i < n; i++) inverses[i] = random_float(&seed, 90.0f);
        all[n] = each[n] = 0x5a;
        ll_narrow_q8(x, n, inverse, zero, all);
        ll_narrow_q8_each(x, n, inverses, zero, each);
        for (size_t i = 0; i < n; i++) {
            n_wrong += all[i] != (uint8_t)rounded(x[i], inverse, zero);
            n_wrong += each[i] != (uint8_t)rounded(x[i], inverses[i], zero);
        }
        ck_assert_int_eq(n_wrong, 0);
        ck_assert(all[n] == 0x5a && each[n] == 0x5a);
    }
}
END_TEST

START_TEST(ties_go_to_even_and_ends_are_kept) {
    static const float x[] = {0.5f,    -0.5f, 1.5f,    2.5f,   -2.5f,    0.49999997f, -1.5f, 126.5f,
                              127.49f, 128,   -127.6f, -1e30f, INFINITY, -INFINITY,   0,     -0.0f};
    static const int expected[] = {0, 0, 2, 2, -2, 0, -2, 126, 127, 127, -127, -127, 127, -127, 0, 0};
    uint8_t out[16];
    ll_narrow_q8(x, 16, 1.0f, 128, out);
    for (size_t i = 0; i < 16; i++) ck_assert_int_eq(out[i] - 128, expected[i]);
}
END_TEST

static int code_of(const uint8_t packed[16], size_t i) { return i < 16 ? packed[i] & 15 : packed[i - 16] >> 4; }

/* Whatever is in the other codes, the largest is kept to what a binary16 scale allows. */
static void check_block(const float x[32]) {
    uint8_t packed[16];
    const double d = (double)ll_half_to_float(ll_narrow_q4_block(x, packed));
    double largest = 0;
    for (size_t i = 0; i < 32; i++) largest = fmax(largest, fabs((double)x[i]));
    ck_assert_double_eq_tol(fabs(d) * 8, largest, largest * 0x1p-11);
    for (size_t i = 0; i < 32; i++) {
        const double held = d * (code_of(packed, i) - 8), away = fabs(held - (double)x[i]);
        /* Half a step, and a whole one at the end opposite to the largest, where there are only seven. */
        const double step = fabs(d), bound = (double)x[i] / d > 7.5 ? 1.0 : 0.5;
        if (away > bound * step * 1.01 + largest * 0x1p-11)
            ck_abort_msg("%g held as %g, step %g", (double)x[i], held, step);
    }
}

START_TEST(four_bits_are_near) {
    uint64_t seed = 62;
    printf("seed 62\n");
    for (int c = 0; c < 2000; c++) {
        float x[32];
        random_fill(&seed, ldexpf(1.0f, c % 12 - 8), x, 32);
        check_block(x);
        for (size_t i = 0; i < 32; i++) x[i] = fabsf(x[i]);
        check_block(x);
        x[random_below(&seed, 32)] *= -50.0f;
        check_block(x);
    }
}
END_TEST

/* Numbers that the format holds exactly come back, each in its own half byte. */
START_TEST(what_four_bits_hold_is_kept) {
    uint64_t seed = 63;
    printf("seed 63\n");
    for (int c = 0; c < 200; c++) {
        const float d = ldexpf(c % 2 ? 1.0f : -1.0f, c % 20 - 14);
        int codes[32];
        float x[32];
        for (size_t i = 0; i < 32; i++) codes[i] = (int)random_below(&seed, 16);
        codes[random_below(&seed, 32)] = 0; /* the largest size: without one, the scale would be another */
        for (size_t i = 0; i < 32; i++) x[i] = d * (float)(codes[i] - 8);
        uint8_t packed[16];
        ck_assert(ll_half_to_float(ll_narrow_q4_block(x, packed)) == d);
        for (size_t i = 0; i < 32; i++) ck_assert_int_eq(code_of(packed, i), codes[i]);
    }
}
END_TEST

START_TEST(zeros_and_what_is_nearly_zero) {
    float x[32] = {0};
    uint8_t packed[16];
    ck_assert(ll_half_to_float(ll_narrow_q4_block(x, packed)) == 0.0f);
    for (size_t i = 0; i < 32; i++) ck_assert_int_eq(code_of(packed, i), 8);
    x[5] = 1e-44f; /* the inverse of whose scale would be infinite */
    x[9] = -1e-44f;
    ck_assert(ll_half_to_float(ll_narrow_q4_block(x, packed)) == 0.0f);
}
END_TEST

static void add(TCase *t) {
    tcase_add_test(t, eight_bits_are_the_nearest);
    tcase_add_test(t, ties_go_to_even_and_ends_are_kept);
    tcase_add_test(t, four_bits_are_near);
    tcase_add_test(t, what_four_bits_hold_is_kept);
    tcase_add_test(t, zeros_and_what_is_nearly_zero);
}

SUITE_MAIN("formats/narrow", add)
