/* Both kinds of half precision against their definitions, written in double: every code, and rounding. */
#include <fenv.h>
#include <math.h>
#include <stdio.h>

#include "base/half.h"
#include "support/random.h"
#include "support/suite.h"

/* A kind of half: its fraction's bits and the exponent of its smallest number. */
typedef struct half_kind {
    int fraction_bits, smallest;
    uint16_t infinite;
    double too_large; /* half way from the largest number to what would follow: the first that becomes infinite */
    float (*to_float)(uint16_t);
    uint16_t (*from_float)(float);
} half_kind;

static float half_to_float(uint16_t h) { return ll_half_to_float(h); }
static float bfloat_to_float(uint16_t h) { return ll_bfloat_to_float(h); }
static uint16_t float_to_half(float x) { return ll_float_to_half(x); }
static uint16_t float_to_bfloat(float x) { return ll_float_to_bfloat(x); }

static const half_kind kinds[2] = {
    {10, -24, 0x7c00, 65520.0, half_to_float, float_to_half},
    {7, -133, 0x7f80, 0x1.ffp127, bfloat_to_float, float_to_bfloat},
};

static bool is_nan_code(const half_kind *k, unsigned h) { return (h & 0x7fffu) > k->infinite; }

/* The value of a code that is no NaN. */
static double value_of(const half_kind *k, unsigned h) {
    const unsigned one = 1u << k->fraction_bits, fraction = h & (one - 1), exponent = (h & 0x7fffu) / one;
    double size = INFINITY;
    if ((h & 0x7fffu) != k->infinite)
        size = exponent ? ldexp(one + fraction, k->smallest + (int)exponent - 1) : ldexp(fraction, k->smallest);
    return h & 0x8000u ? -size : size;
}

/* The nearest number of this kind, ties to even. */
static double rounded(const half_kind *k, double x) {
    int exponent;
    frexp(x, &exponent); /* |x| in [2^(exponent-1), 2^exponent) */
    const int last = exponent - 1 - k->fraction_bits;
    const double unit = ldexp(1.0, last > k->smallest ? last : k->smallest);
    return fabs(x) >= k->too_large ? copysign(INFINITY, x) : rint(x / unit) * unit;
}

/* Check writes a line for each assertion that holds, which is slow: those in loops are made only when they do not. */
#define ASSERT_OFTEN(what, ...)                            \
    do {                                                   \
        if (!(what)) ck_abort_msg(#what ": " __VA_ARGS__); \
    } while (0)

static void check_rounding(const half_kind *k, float x) {
    const uint16_t h = k->from_float(x);
    ASSERT_OFTEN(!is_nan_code(k, h) && value_of(k, h) == rounded(k, x) && !signbit(x) == !(h & 0x8000u),
                 "%a became %a, expected %a", (double)x, value_of(k, h), rounded(k, x));
}

START_TEST(every_code_has_its_value) {
    const half_kind *k = &kinds[_i];
    for (unsigned h = 0; h < 65536; h++) {
        const uint32_t bits = ll_float_bits(k->to_float((uint16_t)h));
        const uint32_t fraction = h & ((1u << k->fraction_bits) - 1), sign = (h & 0x8000u) << 16;
        const bool nan = is_nan_code(k, h);
        const uint32_t quiet = sign | 0x7fc00000u | fraction << (23 - k->fraction_bits);
        ASSERT_OFTEN(bits == (nan ? quiet : ll_float_bits((float)value_of(k, h))), "code %x became %x", h, bits);
    }
}
END_TEST

START_TEST(every_code_comes_back) {
    const half_kind *k = &kinds[_i];
    for (unsigned h = 0; h < 65536; h++) {
        const uint16_t back = k->from_float(k->to_float((uint16_t)h));
        const bool nan = is_nan_code(k, h) && is_nan_code(k, back) && (back & 0x8000u) == (h & 0x8000u);
        ASSERT_OFTEN(nan || back == h, "code %x became %x", h, back);
    }
}
END_TEST

/* Between each two neighbours: half way, and a float32 to either side of it and of the neighbours. */
START_TEST(rounds_to_the_nearest_ties_to_even) {
    const half_kind *k = &kinds[_i];
    for (unsigned h = 0; h < k->infinite; h++) {
        const double low = value_of(k, h), high = h + 1u < k->infinite ? value_of(k, h + 1) : 2 * k->too_large - low;
        const float middle = (float)((low + high) / 2), near[] = {(float)low, middle};
        for (size_t i = 0; i < 2; i++) {
            check_rounding(k, near[i]);
            check_rounding(k, nextafterf(near[i], INFINITY));
            check_rounding(k, -nextafterf(near[i], -INFINITY));
            check_rounding(k, -near[i]);
        }
    }
}
END_TEST

START_TEST(rounds_any_float) {
    const half_kind *k = &kinds[_i];
    uint64_t seed = 20261122;
    printf("seed %llu\n", (unsigned long long)seed);
    for (int i = 0; i < 100000; i++) {
        const uint32_t bits = (uint32_t)random_next(&seed);
        const float x = ll_float_from_bits(bits);
        if (x != x)
            ASSERT_OFTEN(is_nan_code(k, k->from_float(x)), "a NaN became a number");
        else
            check_rounding(k, x);
        check_rounding(k, random_float(&seed, 1e-6f)); /* where binary16 has its subnormal numbers */
    }
    check_rounding(k, INFINITY);
    check_rounding(k, -INFINITY);
    check_rounding(k, 3.4e38f);
}
END_TEST

/* What is exact is so in every mode: a host may have set another. */
START_TEST(expanding_knows_no_rounding_mode) {
    static const int modes[] = {FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO};
    if (suite_emulated(NULL)) {
        suite_skip("expanding_knows_no_rounding_mode", "an emulator keeps its own floating-point environment");
        return;
    }
    const half_kind *k = &kinds[_i];
    static float expected[65536];
    for (unsigned h = 0; h < 65536; h++) expected[h] = k->to_float((uint16_t)h);
    for (size_t m = 0; m < 3; m++) {
        unsigned n_wrong = 0;
        ck_assert_int_eq(fesetround(modes[m]), 0);
        for (unsigned h = 0; h < 65536; h++)
            n_wrong += ll_float_bits(k->to_float((uint16_t)h)) != ll_float_bits(expected[h]);
        fesetround(FE_TONEAREST);
        ck_assert_uint_eq(n_wrong, 0);
    }
}
END_TEST

static void add(TCase *t) {
    tcase_add_loop_test(t, every_code_has_its_value, 0, 2);
    tcase_add_loop_test(t, every_code_comes_back, 0, 2);
    tcase_add_loop_test(t, rounds_to_the_nearest_ties_to_even, 0, 2);
    tcase_add_loop_test(t, rounds_any_float, 0, 2);
    tcase_add_loop_test(t, expanding_knows_no_rounding_mode, 0, 2);
}

SUITE_MAIN("base/half", add)
