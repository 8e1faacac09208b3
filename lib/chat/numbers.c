/* Floats as text and back, as Python has them: the shortest text that reads as the same number, and exactly rounded
 * decimals. The digits come from integer arithmetic: a double is m * 2^e, and all its decimal digits are finite.
 * Written by hand because printf reads the locale and stb_sprintf's digits are not exact. */
#include <math.h>
#include <string.h>

#include "chat/lexer.h"
#include "chat/machine.h"
#include "formats/decimal.h"

#define LIMBS 90 /* of 9 digits: 5^1074 * 2^53 has 767 digits */
#define MAX_DIGITS 800
#define BILLION 1000000000u

/* All digits of |v| without leading or trailing zeros: 0.d1d2d3... * 10^point. n 0: v is zero. */
typedef struct digits {
    char d[MAX_DIGITS + 1];
    size_t n;
    int point;
    bool negative;
} digits;

typedef struct big {
    uint32_t limb[LIMBS]; /* least significant first */
    size_t n;
} big;

static void multiply(big *b, uint32_t by) {
    uint64_t carry = 0;
    for (size_t i = 0; i < b->n; i++) {
        carry += (uint64_t)b->limb[i] * by;
        b->limb[i] = (uint32_t)(carry % BILLION);
        carry /= BILLION;
    }
    for (; carry && b->n < LIMBS; carry /= BILLION) b->limb[b->n++] = (uint32_t)(carry % BILLION);
}

static void multiply_power(big *b, uint32_t base, int power) {
    const uint32_t step = base == 2 ? 1u << 24 : 1953125; /* 5^9 */
    const int n = base == 2 ? 24 : 9;
    for (; power >= n; power -= n) multiply(b, step);
    for (; power > 0; power--) multiply(b, base);
}

static void exact_digits(double v, digits *out) {
    int exponent = 0, shift = 0;
    big b = {.n = 0};
    char text[16];
    out->negative = signbit(v) != 0;
    out->n = 0;
    out->point = 0;
    uint64_t bits, m;
    memcpy(&bits, &v, sizeof bits);
    m = bits & ((1ull << 52) - 1);
    exponent = (int)(bits >> 52 & 0x7ff);
    if (exponent) m |= 1ull << 52;
    exponent = (exponent ? exponent : 1) - 1075;
    if (!m) return;
    for (; m; m /= BILLION) b.limb[b.n++] = (uint32_t)(m % BILLION);
    if (exponent >= 0) {
        multiply_power(&b, 2, exponent);
    } else { /* m / 2^k = m * 5^k / 10^k */
        multiply_power(&b, 5, -exponent);
        shift = exponent;
    }
    for (size_t i = b.n; i-- > 0;) {
        ll_format(text, sizeof text, i + 1 == b.n ? "%u" : "%09u", b.limb[i]);
        const size_t len = strlen(text);
        memcpy(out->d + out->n, text, len);
        out->n += len;
    }
    out->point = (int)out->n + shift;
    while (out->n && out->d[out->n - 1] == '0') out->n--;
}

/* Adds one to the last of n digits; true: it became 1 with zeros, and the point moved. */
static bool increment(char *d, size_t n) {
    for (size_t i = n; i-- > 0;) {
        if (d[i] < '9') {
            d[i]++;
            return false;
        }
        d[i] = '0';
    }
    d[0] = '1';
    return true;
}

/* Rounds to the first n digits, half to even. n may be 0 or less: the result is then 0 or 1 digit. */
static void round_digits(digits *x, int n) {
    if (n >= (int)x->n) return;
    if (n < 0) {
        x->n = 0;
        return;
    }
    const char next = x->d[n];
    const bool exact_half = next == '5' && x->n == (size_t)n + 1;
    const bool odd = n > 0 && (x->d[n - 1] - '0') % 2;
    const bool up = next > '5' || (next == '5' && (!exact_half || odd));
    x->n = (size_t)n;
    if (up && n == 0) {
        x->d[0] = '1';
        x->n = 1;
        x->point++;
    } else if (up && increment(x->d, x->n)) {
        x->point++;
    }
}

static double value_of(const digits *x) {
    char text[40];
    ll_decimal d;
    double v = 0;
    const int n = ll_format(text, sizeof text, "%.*se%d", (int)ll_min(x->n, 20), x->d, x->point - (int)x->n);
    if (!x->n || !ll_decimal_scan(text, (size_t)n, &d)) return 0;
    return ll_decimal_double(&d, &v) ? v : (double)__builtin_inf();
}

/* The n digits that read as v, if there are: those next to it, below or above. */
static bool shortest_of(const digits *all, size_t n, double v, digits *out) {
    *out = *all;
    round_digits(out, (int)n);
    if (value_of(out) == v) return true;
    *out = *all; /* the neighbour on the other side, where the doubles below are closer than those above */
    out->n = n;
    const double down = value_of(out);
    if (down == v) return true;
    if (increment(out->d, out->n)) out->point++;
    return value_of(out) == v;
}

static size_t put_exponent(char *out, int exponent) {
    return (size_t)ll_format(out, 16, "e%c%02d", exponent < 0 ? '-' : '+', exponent < 0 ? -exponent : exponent);
}

/* Digits with the point in their middle, zeros around them as needed, and ".0" for an integer. */
static size_t put_plain(char *out, const digits *x) {
    size_t n = 0;
    if (x->point <= 0) {
        out[n++] = '0';
        out[n++] = '.';
        for (int i = x->point; i < 0; i++) out[n++] = '0';
    }
    for (size_t i = 0; i < x->n || (int)i < x->point; i++) {
        if (x->point > 0 && (int)i == x->point) out[n++] = '.';
        out[n++] = i < x->n ? x->d[i] : '0';
    }
    if ((int)x->n <= x->point) {
        out[n++] = '.';
        out[n++] = '0';
    }
    return n;
}

static size_t put_special(char *out, double v) {
    const char *text = isnan(v) ? "nan" : v > 0 ? "inf" : "-inf";
    size_t n = 0;
    for (; text[n]; n++) out[n] = text[n];
    return n;
}

size_t ll_float_repr(double v, char out[LL_NUMBER_BYTES]) {
    digits all, x;
    size_t n = 0;
    if (!isfinite(v)) return put_special(out, v);
    exact_digits(v, &all);
    if (all.negative) out[n++] = '-';
    if (!all.n) {
        out[n++] = '0';
        out[n++] = '.';
        out[n++] = '0';
        return n;
    }
    for (size_t digits_wanted = 1; digits_wanted <= 17; digits_wanted++)
        if (shortest_of(&all, digits_wanted, fabs(v), &x)) break;
    while (x.n > 1 && x.d[x.n - 1] == '0') x.n--;
    if (x.point > -4 && x.point <= 16) return n + put_plain(out + n, &x);
    out[n++] = x.d[0];
    if (x.n > 1) out[n++] = '.';
    memcpy(out + n, x.d + 1, x.n - 1);
    n += x.n - 1;
    return n + put_exponent(out + n, x.point - 1);
}

size_t ll_float_fixed(double v, int decimals, char out[LL_NUMBER_BYTES]) {
    digits x;
    size_t n = 0;
    if (!isfinite(v)) return put_special(out, v);
    exact_digits(v, &x);
    const bool negative = x.negative;
    if (x.n) round_digits(&x, x.point + decimals);
    const int whole = x.n && x.point > 0 ? x.point : 0;
    if (whole + decimals > LL_NUMBER_BYTES - 8) return 0;
    if (negative) out[n++] = '-';
    if (!whole) out[n++] = '0';
    for (int i = 0; i < whole; i++) out[n++] = (size_t)i < x.n ? x.d[i] : '0';
    if (decimals > 0) out[n++] = '.';
    for (int i = 0; i < decimals; i++) {
        const int at = x.n ? x.point + i : -1;
        out[n++] = at >= 0 && (size_t)at < x.n ? x.d[at] : '0';
    }
    return n;
}

double ll_float_round(double v, int decimals) {
    digits x;
    if (!isfinite(v)) return v;
    exact_digits(v, &x);
    if (!x.n) return v;
    const bool negative = x.negative;
    round_digits(&x, x.point + decimals);
    if (x.n > 20) return v;
    const double rounded = value_of(&x);
    return negative ? -rounded : rounded;
}

/* ---- reading */

static void trim(const char **text, size_t *n) {
    size_t len;
    while (*n && (len = ll_space_at(*text, *n, 0))) *text += len, *n -= len;
    while (*n) {
        size_t i = *n - 1;
        while (i > 0 && ((unsigned char)(*text)[i] & 0xc0) == 0x80) i--;
        if (!ll_space_at(*text, *n, i)) return;
        *n = i;
    }
}

static bool same_word(const char *text, size_t n, const char *word) {
    if (n != strlen(word)) return false;
    for (size_t i = 0; i < n; i++)
        if ((text[i] | 0x20) != word[i]) return false;
    return true;
}

/* Python's float() as JSON's grammar: digits on both sides of the point, no leading zeros or plus sign. */
static bool to_json_number(const char *text, size_t n, char *out, size_t size, size_t *len) {
    size_t i = 0, k = 0, before = 0;
    if (i < n && text[i] == '+') i++;
    if (i < n && text[i] == '-') out[k++] = text[i++];
    while (i + 1 < n && text[i] == '0' && text[i + 1] >= '0' && text[i + 1] <= '9') i++;
    for (; i < n; i++) {
        const char c = text[i];
        const bool digit = c >= '0' && c <= '9';
        if (k + 4 > size) return false;
        if (c == '_') { /* between digits only */
            const bool between = i > 0 && i + 1 < n && text[i - 1] >= '0' && text[i - 1] <= '9' && text[i + 1] >= '0' &&
                                 text[i + 1] <= '9';
            if (!between) return false;
            continue;
        }
        if (c == '.' && !before) out[k++] = '0';
        out[k++] = c;
        before += digit;
        const bool digit_follows = i + 1 < n && text[i + 1] >= '0' && text[i + 1] <= '9';
        if (c == '.' && !digit_follows) {
            if (!before) return false;
            out[k++] = '0';
        }
    }
    *len = k;
    return true;
}

bool ll_parse_float(const char *text, size_t n, double *out) {
    char json[400];
    size_t len;
    ll_decimal d;
    trim(&text, &n);
    const bool sign = n && (text[0] == '-' || text[0] == '+');
    const char *word = text + sign;
    const size_t left = n - sign;
    if (same_word(word, left, "nan")) {
        *out = (double)__builtin_nan("");
        return true;
    }
    if (same_word(word, left, "inf") || same_word(word, left, "infinity")) {
        *out = text[0] == '-' ? -(double)__builtin_inf() : (double)__builtin_inf();
        return true;
    }
    if (!to_json_number(text, n, json, sizeof json, &len) || !ll_decimal_scan(json, len, &d) || d.len != len)
        return false;
    if (!ll_decimal_double(&d, out)) *out = d.negative ? -(double)__builtin_inf() : (double)__builtin_inf();
    return true;
}

bool ll_parse_int(const char *text, size_t n, int base, int64_t *out, bool *too_large) {
    *too_large = false;
    *out = 0;
    trim(&text, &n);
    const bool negative = n && text[0] == '-';
    if (n && (text[0] == '-' || text[0] == '+')) text++, n--;
    const char mark = n > 1 && text[0] == '0' ? (char)(text[1] | 0x20) : 0;
    if ((base == 16 && mark == 'x') || (base == 8 && mark == 'o') || (base == 2 && mark == 'b')) text += 2, n -= 2;
    if (!n) return false;
    for (size_t i = 0; i < n; i++) {
        if (text[i] == '_' && i > 0 && i + 1 < n && text[i - 1] != '_') continue;
        const int digit = ll_digit_value(text[i]);
        if (digit >= base) return false;
        const int64_t step = negative ? -digit : digit;
        if (__builtin_mul_overflow(*out, base, out) || __builtin_add_overflow(*out, step, out)) *too_large = true;
    }
    return true;
}
