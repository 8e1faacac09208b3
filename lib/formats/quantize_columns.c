/* float32 to 8 and 4 bits, several columns at a time. */
#include "formats/quantize_columns.h"

#include "base/half.h"

#define SMALLEST_SCALE 1e-36f /* the inverse of a smaller scale may be infinite; panels.h: LL_Q_SMALLEST */

static const float zeros[LL_QUANTIZE_COLUMNS];

/* The same four bytes as they must be in memory: little-endian. */
static inline uint32_t in_memory(uint32_t four) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    return four;
#else
    return __builtin_bswap32(four);
#endif
}

/* --------------------------------------------------------------------------------------------------- 8 bits */

float ll_q8_scale(float largest) { return largest * (1.0f / 127.0f); }

float ll_q8_inverse(float scale) { return scale >= SMALLEST_SCALE ? 1.0f / scale : 0.0f; }

/* Adding 1.5 * 2^23, whose last bit is worth 1, rounds to an integer: its lower bits in two's complement. */
static inline uint32_t rounded_bits(float scaled) { return ll_float_bits(scaled + 0x1.8p23f); }

/* The lowest bytes of four numbers, and 128 added to each. */
static inline uint32_t four_bytes(uint32_t a, uint32_t b, uint32_t c, uint32_t d) {
    return in_memory(((a & 255u) | (b & 255u) << 8 | (c & 255u) << 16 | d << 24) ^ 0x80808080u);
}

void ll_quantize_q8_columns(const float *x, size_t ld, size_t n_rows, size_t n, const float *inverse,
                            uint32_t *restrict out) {
    const float *a = x, *b = n_rows > 1 ? x + ld : zeros, *c = n_rows > 2 ? x + 2 * ld : zeros;
    const float *d = n_rows > 3 ? x + 3 * ld : zeros;
    for (size_t j = 0; j < n; j++)
        out[j] = four_bytes(rounded_bits(a[j] * inverse[j]), rounded_bits(b[j] * inverse[j]),
                            rounded_bits(c[j] * inverse[j]), rounded_bits(d[j] * inverse[j]));
}

/* --------------------------------------------------------------------------------------------------- 4 bits */

/* Keeps the value of larger magnitude in each column, on ties the first. Magnitudes are compared as integers: their
 * bits have the same order. */
static void keep_larger(const float *x, size_t n, uint32_t *restrict extreme) {
    for (size_t j = 0; j < n; j++) {
        const uint32_t fresh = ll_float_bits(x[j]), old = extreme[j];
        extreme[j] = (int32_t)(fresh & 0x7fffffffu) > (int32_t)(old & 0x7fffffffu) ? fresh : old;
    }
}

/* 1 / d; 0 where d is zero or the inverse would be infinite. Separate loops, so that compilers vectorise each. */
static void invert_scales(const float *d, size_t n, float *restrict inverse) {
    for (size_t j = 0; j < n; j++) {
        const uint32_t zero = (ll_float_bits(d[j]) & 0x7fffffffu) == 0;
        inverse[j] = ll_float_from_bits(ll_float_bits(d[j]) | zero * 0x7f800000u);
    }
    for (size_t j = 0; j < n; j++) inverse[j] = 1.0f / inverse[j];
    for (size_t j = 0; j < n; j++) {
        const uint32_t bits = ll_float_bits(inverse[j]), finite = (bits & 0x7f800000u) != 0x7f800000u;
        inverse[j] = ll_float_from_bits(bits & (0 - finite));
    }
}

static inline uint32_t q4_code(float x, float inverse) {
    const int32_t q = (int32_t)(x * inverse + 8.5f);
    return (uint32_t)(q < 15 ? q : 15);
}

static inline uint32_t two_codes(float low, float high, float inverse) {
    return q4_code(low, inverse) | q4_code(high, inverse) << 4;
}

void ll_quantize_q4_columns(const float *x, size_t ld, size_t n_rows, size_t n, uint16_t *scales, uint32_t *out,
                            size_t ld_out) {
    const float *row[LL_QUANTIZE_BLOCK];
    uint32_t extreme[LL_QUANTIZE_COLUMNS] = {0};
    float d[LL_QUANTIZE_COLUMNS], inverse[LL_QUANTIZE_COLUMNS];
    for (size_t i = 0; i < LL_QUANTIZE_BLOCK; i++) row[i] = i < n_rows ? x + i * ld : zeros;
    for (size_t i = 0; i < n_rows; i++) keep_larger(row[i], n, extreme);
    for (size_t j = 0; j < n; j++) d[j] = ll_float_from_bits(extreme[j]) / -8.0f;
    invert_scales(d, n, inverse);
    for (size_t j = 0; j < n; j++) scales[j] = ll_float_to_half(d[j]);
    for (size_t g = 0; g < 4; g++) {
        const float *const *low = row + 4 * g, *const *high = row + 16 + 4 * g;
        for (size_t j = 0; j < n; j++) {
            const float by = inverse[j];
            const uint32_t first = two_codes(low[0][j], high[0][j], by), second = two_codes(low[1][j], high[1][j], by);
            const uint32_t third = two_codes(low[2][j], high[2][j], by), fourth = two_codes(low[3][j], high[3][j], by);
            out[g * ld_out + j] = in_memory(first | second << 8 | third << 16 | fourth << 24);
        }
    }
}
