/* Quantises weights to the blocks of GGUF files, whole blocks at a time; convert.h describes the blocks. */
#include <math.h>

#include "base/half.h"
#include "formats/convert.h"

static void store16(unsigned char *to, uint16_t v) {
    to[0] = (unsigned char)v;
    to[1] = (unsigned char)(v >> 8);
}

static void store32(unsigned char *to, uint32_t v) {
    store16(to, (uint16_t)v);
    store16(to + 2, (uint16_t)(v >> 16));
}

/* ------------------------------------------------------------------------------------------------------ floats */

static bool put_f32(const float *values, size_t n, unsigned char *to, size_t *bad) {
    for (size_t i = 0; i < n; i++) {
        const uint32_t bits = ll_float_bits(values[i]);
        if ((bits & 0x7f800000u) == 0x7f800000u) {
            *bad = i;
            return false;
        }
        store32(to + 4 * i, bits);
    }
    return true;
}

/* True if every 16-bit float is finite. */
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
    for (size_t i = 0; i < n; i++) store16(to + 2 * i, ll_float_to_half(values[i]));
    return halves_are_finite(to, n, 0x7c00u, bad);
}

static bool put_bf16(const float *values, size_t n, unsigned char *to, size_t *bad) {
    for (size_t i = 0; i < n; i++) store16(to + 2 * i, ll_float_to_bfloat(values[i]));
    return halves_are_finite(to, n, 0x7f80u, bad);
}

/* ------------------------------------------------------------------------------------------------------ blocks */

#define BLOCK 32
#define SMALLEST_SCALE 0x1p-100f /* far below the smallest float16; its inverse is still finite */

/* Index of the first value of largest magnitude in the block, or of one that is not finite. */
static size_t largest_of(const float *x) {
    uint32_t most = 0;
    size_t at = 0;
    for (size_t i = 0; i < BLOCK; i++) {
        uint32_t magnitude =
            ll_float_bits(x[i]) & 0x7fffffffu; /* ordered as the numbers, infinity and NaN above them */
        if (magnitude <= most) continue;
        most = magnitude;
        at = i;
    }
    return at;
}

/* Stores the scale as float16; false if that is not finite. */
static bool put_scale(float d, unsigned char *to) {
    uint16_t h = ll_float_to_half(d);
    store16(to, h);
    return (h & 0x7c00u) != 0x7c00u;
}

/* d = max |x| / 127. The stored d is rounded, the divisor is not. */
static bool put_q8_0_block(const float *x, unsigned char *to, size_t *bad) {
    *bad = largest_of(x);
    float d = fabsf(x[*bad]) / 127.0f, inverse = d > SMALLEST_SCALE ? 1.0f / d : 0.0f;
    if (!put_scale(d, to)) return false;
    for (size_t i = 0; i < BLOCK; i++) to[2 + i] = (unsigned char)(int8_t)roundf(x[i] * inverse);
    return true;
}

/* d = x / -8 for the x of largest magnitude, with its sign: x becomes the code 0, which stands for -8. */
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
