/* Decimal numbers of JSON: grammar, and the nearest double by integer arithmetic. Written by hand because strtod
 * depends on the host's locale and rounding mode, and strtod_l needs a NUL at the end of every number. */
#ifndef LL_FORMATS_DECIMAL_H
#define LL_FORMATS_DECIMAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct ll_decimal {
    const char *text;
    size_t len;
    bool negative;
    bool integer;      /* neither fraction nor exponent */
    bool zero;         /* every digit is 0 */
    int64_t exponent;  /* as written after e; saturates far outside what a double holds */
    int64_t magnitude; /* unless zero: the value is in [10^(magnitude-1), 10^magnitude) */
} ll_decimal;

/* True if s begins with a number of RFC 8259, section 6; n->len is its length. False: n->len is the position of the
 * first byte that breaks the grammar. */
bool ll_decimal_scan(const char *s, size_t len, ll_decimal *n);

/* The nearest double, ties to even (IEEE 754, 5.12.2). False if that is infinite. */
bool ll_decimal_double(const ll_decimal *n, double *out);

/* The digit's value in a base of up to 36: 0 to 35 for a digit or a letter, 99 for other characters. */
static inline int ll_digit_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'z') return c - 'a' + 10;
    return c >= 'A' && c <= 'Z' ? c - 'A' + 10 : 99;
}

/* False if the number is not written as an integer or does not fit. "-0" fits int64 only. */
bool ll_decimal_int64(const ll_decimal *n, int64_t *out);
bool ll_decimal_uint64(const ll_decimal *n, uint64_t *out);

#endif
