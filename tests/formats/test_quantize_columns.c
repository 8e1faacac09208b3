/* float32 to 8 and 4 bits, against the rules written plainly. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/half.h"
#include "formats/quantize_columns.h"
#include "support/random.h"
#include "support/suite.h"

#define MAX_LD (LL_QUANTIZE_COLUMNS + 7)

/* Nearest, ties to even, of the product in float32; within -127..127. */
static int rounded(float x, float inverse) {
    const float scaled = x * inverse;
    return (int)rintf(fminf(fmaxf(scaled, -127.0f), 127.0f)) + 128;
}

/* Byte i of what stands in memory. */
static int byte_of(const uint32_t *four, size_t i) { return ((const unsigned char *)four)[i]; }

START_TEST(eight_bits_are_the_nearest) {
    uint64_t seed = 61;
    printf("seed 61\n");
    for (size_t c = 0; c < 4 * LL_QUANTIZE_COLUMNS; c++) {
        const size_t n_rows = c % 4 + 1, n = c / 4 + 1, ld = n + c % 7;
        float x[4 * MAX_LD], inverses[LL_QUANTIZE_COLUMNS];
        uint32_t out[LL_QUANTIZE_COLUMNS + 1];
        int n_wrong = 0;
        random_fill(&seed, 1.0f, x, 4 * ld);
        for (size_t j = 0; j < n; j++) inverses[j] = random_float(&seed, 127.0f);
        out[n] = 0x5a5a5a5au;
        ll_quantize_q8_columns(x, ld, n_rows, n, inverses, out);
        for (size_t i = 0; i < 4 * n; i++) {
            const size_t row = i % 4, j = i / 4;
            n_wrong += byte_of(out, i) != (row < n_rows ? rounded(x[row * ld + j], inverses[j]) : 128);
        }
        ck_assert_int_eq(n_wrong, 0);
        ck_assert_uint_eq(out[n], 0x5a5a5a5au);
    }
}
END_TEST

START_TEST(ties_go_to_even_and_ends_are_kept) {
    static const float x[] = {0.5f,   -0.5f,   1.5f, 2.5f, -2.5f,   0.49999997f, -1.5f, 126.5f,
                              125.5f, -126.5f, 127,  -127, 127.49f, -127.49f,    0,     -0.0f};
    static const int expected[] = {0, 0, 2, 2, -2, 0, -2, 126, 126, -126, 127, -127, 127, -127, 0, 0};
    const float ones[4] = {1, 1, 1, 1};
    uint32_t out[4];
    ll_quantize_q8_columns(x, 4, 4, 4, ones, out);
    for (size_t i = 0; i < 16; i++) ck_assert_int_eq(byte_of(out, i % 4 * 4 + i / 4) - 128, expected[i]);
}
END_TEST

/* What a scale is made of fits it, whatever the size. */
START_TEST(the_largest_becomes_127) {
    uint64_t seed = 64;
    printf("seed 64\n");
    for (int c = 0; c < 100000; c++) {
        const float x = ldexpf(1.0f + fabsf(random_float(&seed, 1.0f)), c % 200 - 100);
        const float inverse = ll_q8_inverse(ll_q8_scale(x)), minus = -x;
        uint32_t out[2];
        ll_quantize_q8_columns(&x, 1, 1, 1, &inverse, out);
        ll_quantize_q8_columns(&minus, 1, 1, 1, &inverse, out + 1);
        ck_assert_int_eq(byte_of(out, 0), 255);
        ck_assert_int_eq(byte_of(out + 1, 0), 1);
    }
    ck_assert(ll_q8_inverse(0.0f) == 0.0f && ll_q8_inverse(1e-40f) == 0.0f && ll_q8_inverse(2.0f) == 0.5f);
}
END_TEST

/* One column: the scale, and sixteen bytes. */
static uint16_t quantize_block(const float x[32], uint8_t packed[16]) {
    uint16_t scale;
    uint32_t out[4];
    ll_quantize_q4_columns(x, 1, 32, 1, &scale, out, 1);
    memcpy(packed, out, sizeof out);
    return scale;
}

static int code_of(const uint8_t packed[16], size_t i) { return i < 16 ? packed[i] & 15 : packed[i - 16] >> 4; }

/* Whatever is in the other codes, the largest is kept to what a binary16 scale allows. */
static void check_block(const float x[32]) {
    uint8_t packed[16];
    const double d = (double)ll_half_to_float(quantize_block(x, packed));
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
        ck_assert(ll_half_to_float(quantize_block(x, packed)) == d);
        for (size_t i = 0; i < 32; i++) ck_assert_int_eq(code_of(packed, i), codes[i]);
    }
}
END_TEST

/* Neighbouring columns do not show, and rows that are missing are zeros. */
START_TEST(each_column_is_by_itself) {
    uint64_t seed = 66;
    printf("seed 66\n");
    for (size_t n = 1; n <= LL_QUANTIZE_COLUMNS; n++) {
        const size_t ld = n + n % 7, n_rows = n % 3 ? 32 : 1 + n % 31, ld_out = n + n % 5;
        float x[32 * MAX_LD];
        uint16_t scales[LL_QUANTIZE_COLUMNS + 1];
        uint32_t out[4 * (LL_QUANTIZE_COLUMNS + 5)];
        memset(out, 0x5a, sizeof out);
        scales[n] = 0x5a5a;
        random_fill(&seed, 2.0f, x, 32 * ld);
        ll_quantize_q4_columns(x, ld, n_rows, n, scales, out, ld_out);
        for (size_t j = 0; j < n; j++) {
            float block[32] = {0};
            uint8_t packed[16];
            for (size_t i = 0; i < n_rows; i++) block[i] = x[i * ld + j];
            ck_assert_uint_eq(quantize_block(block, packed), scales[j]);
            for (size_t g = 0; g < 4; g++) ck_assert_mem_eq(packed + 4 * g, &out[g * ld_out + j], 4);
        }
        ck_assert_uint_eq(scales[n], 0x5a5a);
        if (ld_out > n) ck_assert_uint_eq(out[n], 0x5a5a5a5au);
    }
}
END_TEST

START_TEST(zeros_and_what_is_nearly_zero) {
    float x[32] = {0};
    uint8_t packed[16];
    ck_assert(ll_half_to_float(quantize_block(x, packed)) == 0.0f);
    for (size_t i = 0; i < 32; i++) ck_assert_int_eq(code_of(packed, i), 8);
    x[5] = 1e-44f; /* the inverse of whose scale would be infinite */
    x[9] = -1e-44f;
    ck_assert(ll_half_to_float(quantize_block(x, packed)) == 0.0f);
}
END_TEST

static void add(TCase *t) {
    tcase_add_test(t, eight_bits_are_the_nearest);
    tcase_add_test(t, ties_go_to_even_and_ends_are_kept);
    tcase_add_test(t, the_largest_becomes_127);
    tcase_add_test(t, four_bits_are_near);
    tcase_add_test(t, what_four_bits_hold_is_kept);
    tcase_add_test(t, each_column_is_by_itself);
    tcase_add_test(t, zeros_and_what_is_nearly_zero);
}

SUITE_MAIN("formats/quantize_columns", add)
