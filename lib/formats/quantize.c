#include <math.h>
#include <string.h>

#include "formats/convert.h"

static uint32_t bits_of(float f) {
    uint32_t bits;
    memcpy(&bits, &f, sizeof bits);
    return bits;
}

static void store16(unsigned char *to, uint16_t v) {
    to[0] = (unsigned char)v;
    to[1] = (unsigned char)(v >> 8);
}

static void store32(unsigned char *to, uint32_t v) {
    store16(to, (uint16_t)v);
    store16(to + 2, (uint16_t)(v >> 16));
}

/* v without its lowest n bits, to nearest, ties to even. n is 1 to 31. */
static uint32_t shift_rounded(uint32_t v, unsigned n) {
    uint32_t half = 1u << (n - 1), rest = v & ((1u << n) - 1), kept = v >> n;
    return kept + (rest > half || (rest == half && (kept & 1)));
}

/* IEEE 754 binary16 of a finite number; infinity where it is too large. 0x38800000 is 2^-14, the smallest normal. */
static uint16_t f16_of(float f) {
    uint32_t bits = bits_of(f), sign = bits >> 16 & 0x8000u, magnitude = bits & 0x7fffffffu, h;
    if (magnitude >= 0x38800000u) {
        h = shift_rounded(magnitude - (112u << 23), 13);
    } else if (magnitude < 0x33000000u) { /* at most half of the smallest subnormal */
        h = 0;
    } else { /* units of 2^-24 */
        unsigned exponent = magnitude >> 23;
        h = shift_rounded((magnitude & 0x7fffffu) | 0x800000u, 126 - exponent);
    }
    if (h > 0x7c00u) h = 0x7c00u;
    return (uint16_t)(sign | h);
}

static uint16_t bf16_of(float f) {
    uint32_t bits = bits_of(f);
    return (bits & 0x7fffffffu) >= 0x7f800000u ? 0x7f80u : (uint16_t)shift_rounded(bits, 16);
}

/* ------------------------------------------------------------------------------------------------------ floats */

static bool put_f32(const float *values, size_t n, unsigned char *to, size_t *bad) {
    (void)bad;
    for (size_t i = 0; i < n; i++) store32(to + 4 * i, bits_of(values[i]));
    return true;
}

/* True if every half that was made is finite. */
static bool halves_are_finite(const unsigned char *halves, size_t n, uint16_t infinity, size_t *bad) {
    for (size_t i = 0; i < n; i++) {
        uint16_t h = (uint16_t)(halves[2 * i] | halves[2 * i + 1] << 8);
        if ((h & infinity) != infinity) continue;
        *bad = i;
        return false;
    }
    return true;
}

static bool put_f16(const float *values, size_t n, unsigned char *to, size_t *bad) {
    for (size_t i = 0; i < n; i++) store16(to + 2 * i, f16_of(values[i]));
    return halves_are_finite(to, n, 0x7c00u, bad);
}

static bool put_bf16(const float *values, size_t n, unsigned char *to, size_t *bad) {
    for (size_t i = 0; i < n; i++) store16(to + 2 * i, bf16_of(values[i]));
    return halves_are_finite(to, n, 0x7f80u, bad);
}

/* ------------------------------------------------------------------------------------------------------ blocks */

#define BLOCK 32
#define SMALLEST_SCALE 0x1p-100f /* far below what a float16 shows; its inverse is still finite */

/* Which value of the block is the first of the largest magnitude, or is not finite. */
static size_t largest_of(const float *x) {
    uint32_t most = 0;
    size_t at = 0;
    for (size_t i = 0; i < BLOCK; i++) {
        uint32_t magnitude = bits_of(x[i]) & 0x7fffffffu; /* ordered as the numbers, infinity and NaN above them */
        if (magnitude <= most) continue;
        most = magnitude;
        at = i;
    }
    return at;
}

/* The scale as it is stored; false if that is not finite. */
static bool put_scale(float d, unsigned char *to) {
    uint16_t h = f16_of(d);
    store16(to, h);
    return (h & 0x7c00u) != 0x7c00u;
}

/* d = max |x| / 127; what is stored of it is rounded, what is divided by is not. */
static bool put_q8_0_block(const float *x, unsigned char *to, size_t *bad) {
    *bad = largest_of(x);
    float d = fabsf(x[*bad]) / 127.0f, inverse = d > SMALLEST_SCALE ? 1.0f / d : 0.0f;
    if (!put_scale(d, to)) return false;
    for (size_t i = 0; i < BLOCK; i++) to[2 + i] = (unsigned char)(int8_t)roundf(x[i] * inverse);
    return true;
}

/* d = the value of largest magnitude / -8, with its sign: that value becomes 0 - 8. */
static bool put_q4_0_block(const float *x, unsigned char *to, size_t *bad) {
    *bad = largest_of(x);
    float d = x[*bad] / -8.0f, inverse = fabsf(d) > SMALLEST_SCALE ? 1.0f / d : 0.0f;
    if (!put_scale(d, to)) return false;
    for (size_t i = 0; i < BLOCK / 2; i++) {
        int low = (int)(x[i] * inverse + 8.5f), high = (int)(x[i + BLOCK / 2] * inverse + 8.5f);
        to[2 + i] = (unsigned char)((low < 15 ? low : 15) | (high < 15 ? high : 15) << 4);
    }
    return true;
}

bool ll_convert_from_f32(ll_dtype dtype, const float *values, size_t n, unsigned char *to, size_t *bad) {
    *bad = 0;
    if (dtype == LL_DTYPE_F32) return put_f32(values, n, to, bad);
    if (dtype == LL_DTYPE_F16) return put_f16(values, n, to, bad);
    if (dtype == LL_DTYPE_BF16) return put_bf16(values, n, to, bad);
    size_t bytes = ll_dtype_block_of(dtype).bytes;
    for (size_t i = 0; i < n / BLOCK; i++) {
        const float *x = values + i * BLOCK;
        unsigned char *block = to + i * bytes;
        bool good = dtype == LL_DTYPE_Q8_0 ? put_q8_0_block(x, block, bad) : put_q4_0_block(x, block, bad);
        *bad += i * BLOCK;
        if (!good) return false;
    }
    return true;
}
