/* Converts decimal numbers to the nearest double with long integers. strtod_l in the C locale with the rounding mode
 * set would work, but it allocates memory and needs a NUL after the number, which text that is parsed in place lacks.
 */
#include "formats/decimal.h"

#include <string.h>

/* ------------------------------------------------------------------------------------------------ grammar */

static bool digit_at(const char *s, size_t len, size_t i) { return i < len && s[i] >= '0' && s[i] <= '9'; }

/* Reads the optional exponent at *i. */
static bool scan_exponent(const char *s, size_t len, size_t *i, ll_decimal *n) {
    const int64_t far = (int64_t)1 << 40; /* beyond any position of a digit, below any overflow */
    if (*i >= len || (s[*i] != 'e' && s[*i] != 'E')) return true;
    ++*i;
    n->integer = false;
    bool negative = *i < len && s[*i] == '-';
    if (*i < len && (s[*i] == '-' || s[*i] == '+')) ++*i;
    if (!digit_at(s, len, *i)) return false;
    for (; digit_at(s, len, *i); ++*i)
        if (n->exponent < far) n->exponent = n->exponent * 10 + (s[*i] - '0');
    if (negative) n->exponent = -n->exponent;
    return true;
}

/* Reads sign, digits, fraction and exponent, and stops at the first byte that breaks the grammar. */
static bool scan_parts(const char *s, size_t len, size_t *i, ll_decimal *n) {
    if (*i < len && s[*i] == '-') {
        n->negative = true;
        ++*i;
    }
    if (!digit_at(s, len, *i)) return false;
    size_t first = *i;
    while (digit_at(s, len, *i) && (s[first] != '0' || *i == first)) ++*i;
    if (digit_at(s, len, *i)) return false; /* a digit after a leading 0 */
    n->zero = s[first] == '0';
    n->magnitude = n->zero ? 0 : (int64_t)(*i - first);
    if (*i < len && s[*i] == '.') {
        size_t point = (*i)++;
        n->integer = false;
        if (!digit_at(s, len, *i)) return false;
        for (; digit_at(s, len, *i); ++*i)
            if (n->zero && s[*i] != '0') {
                n->zero = false;
                n->magnitude = -(int64_t)(*i - point - 1);
            }
    }
    return scan_exponent(s, len, i, n);
}

bool ll_decimal_scan(const char *s, size_t len, ll_decimal *n) {
    *n = (ll_decimal){.text = s, .integer = true};
    bool good = scan_parts(s, len, &n->len, n);
    n->magnitude += n->exponent;
    return good;
}

/* ------------------------------------------------------------------------------------ exact big integers */

/* Significant digits that are kept. No double and no midpoint of two doubles has more than 767, so all that matters of
 * further digits is whether one of them is not 0. */
#define KEPT_DIGITS 770
#define LIMBS 128 /* of 32 bits: 10^(326 + 771) has 3645 bits, and both numbers stay below twice that power */

typedef struct big {
    size_t n; /* limbs in use, the top one not 0; 0 is the number 0 */
    uint32_t limb[LIMBS];
} big;

static void big_multiply_add(big *b, uint32_t factor, uint32_t carry) {
    uint64_t sum = carry;
    for (size_t i = 0; i < b->n; i++) {
        sum += (uint64_t)b->limb[i] * factor;
        b->limb[i] = (uint32_t)sum;
        sum >>= 32;
    }
    if (sum) b->limb[b->n++] = (uint32_t)sum;
}

static void big_multiply_power_of_ten(big *b, int64_t power) {
    for (; power >= 9; power -= 9) big_multiply_add(b, 1000000000u, 0);
    for (; power > 0; power--) big_multiply_add(b, 10, 0);
}

static int64_t big_bits(const big *b) { return b->n ? (int64_t)b->n * 32 - __builtin_clz(b->limb[b->n - 1]) : 0; }

static void big_shift_left(big *b, int64_t bits) {
    size_t limbs = (size_t)bits / 32, rest = (size_t)bits % 32;
    if (limbs && b->n) {
        memmove(b->limb + limbs, b->limb, b->n * sizeof *b->limb);
        memset(b->limb, 0, limbs * sizeof *b->limb);
        b->n += limbs;
    }
    if (rest) big_multiply_add(b, (uint32_t)1 << rest, 0);
}

static int big_compare(const big *a, const big *b) {
    if (a->n != b->n) return a->n < b->n ? -1 : 1;
    for (size_t i = a->n; i-- > 0;)
        if (a->limb[i] != b->limb[i]) return a->limb[i] < b->limb[i] ? -1 : 1;
    return 0;
}

/* a -= b, where a >= b. */
static void big_subtract(big *a, const big *b) {
    int64_t borrow = 0;
    for (size_t i = 0; i < a->n; i++) {
        int64_t d = (int64_t)a->limb[i] - (i < b->n ? b->limb[i] : 0) + borrow;
        a->limb[i] = (uint32_t)d;
        borrow = d < 0 ? -1 : 0;
    }
    while (a->n && !a->limb[a->n - 1]) a->n--;
}

/* ------------------------------------------------------------------------------------------------ double */

/* The significant digits as an integer; *scale is the power of ten to multiply it by. */
static void read_digits(const ll_decimal *n, big *b, int64_t *scale) {
    int64_t kept = 0;
    bool more = false;
    b->n = 0;
    for (size_t i = 0; i < n->len && n->text[i] != 'e' && n->text[i] != 'E'; i++) {
        char c = n->text[i];
        if (c < '0' || c > '9' || (c == '0' && !kept)) continue;
        if (kept < KEPT_DIGITS) {
            big_multiply_add(b, 10, (uint32_t)(c - '0'));
            kept++;
        } else if (c != '0') {
            more = true;
        }
    }
    if (more) {
        big_multiply_add(b, 10, 1);
        kept++;
    }
    *scale = n->magnitude - kept;
}

/* The bits of the double nearest to a / b, both positive. Long division in base two: after scaling a / b into [1, 2)
 * each step yields one bit of the significand, and the remainder decides the rounding. */
static uint64_t divide_to_bits(big *a, big *b) {
    int64_t exponent = big_bits(a) - big_bits(b);
    if (exponent > 0) big_shift_left(b, exponent);
    if (exponent < 0) big_shift_left(a, -exponent);
    if (big_compare(a, b) < 0) {
        big_shift_left(a, 1);
        exponent--;
    }
    int64_t n_bits = exponent >= -1022 ? 53 : 53 - (-1022 - exponent); /* fewer for subnormal numbers */
    uint64_t significand = 0;
    if (n_bits < 0) return 0;
    for (int64_t i = 0; i < n_bits; i++) {
        int bit = big_compare(a, b) >= 0;
        if (bit) big_subtract(a, b);
        big_shift_left(a, 1);
        significand = significand << 1 | (uint64_t)bit;
    }
    int half = big_compare(a, b);
    if (half > 0 || (half == 0 && (significand & 1))) significand++;
    /* Adding the significand with its leading bit, and a carry out of it, increments the exponent. */
    return exponent >= -1022 ? ((uint64_t)(exponent + 1022) << 52) + significand : significand;
}

bool ll_decimal_double(const ll_decimal *n, double *out) {
    uint64_t bits = 0;
    if (!n->zero && n->magnitude > 310) return false;
    if (!n->zero && n->magnitude > -326) {
        big a, b = {.n = 1, .limb = {1}};
        int64_t scale;
        read_digits(n, &a, &scale);
        big_multiply_power_of_ten(scale > 0 ? &a : &b, scale > 0 ? scale : -scale);
        bits = divide_to_bits(&a, &b);
    }
    if (bits >= (uint64_t)0x7ff << 52) return false;
    bits |= (uint64_t)n->negative << 63;
    memcpy(out, &bits, sizeof *out);
    return true;
}

/* ---------------------------------------------------------------------------------------------- integers */

bool ll_decimal_uint64(const ll_decimal *n, uint64_t *out) {
    uint64_t v = 0;
    if (!n->integer || n->negative) return false;
    for (size_t i = 0; i < n->len; i++)
        if (__builtin_mul_overflow(v, 10u, &v) || __builtin_add_overflow(v, (uint64_t)(n->text[i] - '0'), &v))
            return false;
    *out = v;
    return true;
}

bool ll_decimal_int64(const ll_decimal *n, int64_t *out) {
    int64_t v = 0;
    if (!n->integer) return false;
    for (size_t i = n->negative; i < n->len; i++) {
        int64_t digit = n->text[i] - '0';
        if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, n->negative ? -digit : digit, &v))
            return false;
    }
    *out = v;
    return true;
}
