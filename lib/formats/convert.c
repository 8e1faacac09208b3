#include "formats/convert.h"

#include <string.h>

#define PART 512 /* elements that are copied aside before they are converted */

/* All three rules are written on bits, without branches, so that compilers make vector code of them. */

static inline float float_of(uint32_t bits) {
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

static inline uint32_t quieted(uint32_t bits) { return bits | ((bits & 0x7fffffffu) > 0x7f800000u ? 0x00400000u : 0u); }

/* binary16 (IEEE 754-2019, 3.6): 5 bits of exponent, bias 15, 10 of fraction. A subnormal is its fraction times
 * 2^-24: both steps of that product are exact, so no rounding mode shows. */
float ll_f16_to_f32(uint16_t h) {
    uint32_t sign = (uint32_t)(h & 0x8000u) << 16, magnitude = h & 0x7fffu;
    uint32_t normal = (magnitude << 13) + (112u << 23);
    uint32_t infinite = quieted((magnitude << 13) + (224u << 23));
    float small = (float)(int32_t)(magnitude & 0x3ffu) * 0x1p-24f;
    uint32_t subnormal;
    memcpy(&subnormal, &small, sizeof subnormal);
    uint32_t bits = magnitude >= 0x7c00u ? infinite : magnitude >= 0x400u ? normal : subnormal;
    return float_of(bits | sign);
}

/* bfloat16 is the upper half of a float32. */
float ll_bf16_to_f32(uint16_t h) { return float_of(quieted((uint32_t)h << 16)); }

ll_dtype_block ll_dtype_block_of(ll_dtype dtype) {
    static const ll_dtype_block blocks[] = {
        [LL_DTYPE_F32] = {1, 4},      [LL_DTYPE_F16] = {1, 2},    [LL_DTYPE_BF16] = {1, 2},
        [LL_DTYPE_Q8_0] = {32, 34},   [LL_DTYPE_Q4_0] = {32, 18}, [LL_DTYPE_Q4_1] = {32, 20},
        [LL_DTYPE_Q6_K] = {256, 210}, [LL_DTYPE_OTHER] = {1, 0},
    };
    return blocks[dtype];
}

static uint16_t load16(const unsigned char *p) { return (uint16_t)(p[0] | p[1] << 8); }

static uint32_t load32(const unsigned char *p) {
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void convert_f32(const unsigned char *from, size_t n, float *to) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    if (from != (const unsigned char *)to) memcpy(to, from, n * sizeof *to);
    (void)load32;
#else
    for (size_t i = 0; i < n; i++) to[i] = float_of(load32(from + 4 * i));
#endif
}

static void convert_halves(ll_dtype dtype, const unsigned char *from, size_t n, float *to) {
    for (size_t done = 0; done < n; done += PART) {
        unsigned char raw[2 * PART];
        size_t part = ll_min(PART, n - done);
        float *out = to + done;
        memcpy(raw, from + 2 * done, 2 * part);
        if (dtype == LL_DTYPE_F16)
            for (size_t i = 0; i < part; i++) out[i] = ll_f16_to_f32(load16(raw + 2 * i));
        else
            for (size_t i = 0; i < part; i++) out[i] = ll_bf16_to_f32(load16(raw + 2 * i));
    }
}

/* ------------------------------------------------------------------------------------------------------ blocks */

static void expand_q8_0(const unsigned char *block, float *out) {
    float d = ll_f16_to_f32(load16(block));
    for (size_t i = 0; i < 32; i++) out[i] = d * (float)(int8_t)block[2 + i];
}

static void expand_q4_0(const unsigned char *block, float *out) {
    float d = ll_f16_to_f32(load16(block));
    for (size_t i = 0; i < 16; i++) {
        out[i] = d * (float)((block[2 + i] & 15) - 8);
        out[i + 16] = d * (float)((block[2 + i] >> 4) - 8);
    }
}

static void expand_q4_1(const unsigned char *block, float *out) {
    float d = ll_f16_to_f32(load16(block)), m = ll_f16_to_f32(load16(block + 2));
    for (size_t i = 0; i < 16; i++) {
        out[i] = d * (float)(block[4 + i] & 15) + m;
        out[i + 16] = d * (float)(block[4 + i] >> 4) + m;
    }
}

/* Two halves of 128 elements: of each, four runs of 32 that share bytes of `high`, and 16 elements for each scale. */
static void expand_q6_k(const unsigned char *block, float *out) {
    float d = ll_f16_to_f32(load16(block + 208));
    for (size_t half = 0; half < 2; half++) {
        const unsigned char *low = block + 64 * half, *high = block + 128 + 32 * half, *scales = block + 192 + 8 * half;
        for (size_t run = 0; run < 4; run++)
            for (size_t i = 0; i < 32; i++) {
                unsigned four = low[32 * (run & 1) + i] >> (run < 2 ? 0 : 4) & 15;
                unsigned two = high[i] >> (2 * run) & 3;
                float scale = d * (float)(int8_t)scales[2 * run + i / 16];
                out[128 * half + 32 * run + i] = scale * (float)((int)(four | two << 4) - 32);
            }
    }
}

void ll_convert_to_f32(ll_dtype dtype, const unsigned char *from, size_t n, float *to) {
    static void (*const expand[])(const unsigned char *, float *) = {[LL_DTYPE_Q8_0] = expand_q8_0,
                                                                     [LL_DTYPE_Q4_0] = expand_q4_0,
                                                                     [LL_DTYPE_Q4_1] = expand_q4_1,
                                                                     [LL_DTYPE_Q6_K] = expand_q6_k};
    if (dtype == LL_DTYPE_F32) {
        convert_f32(from, n, to);
    } else if (dtype == LL_DTYPE_F16 || dtype == LL_DTYPE_BF16) {
        convert_halves(dtype, from, n, to);
    } else {
        ll_dtype_block b = ll_dtype_block_of(dtype);
        for (size_t i = 0; i < n / b.elements; i++) {
            unsigned char raw[LL_MAX_BLOCK_BYTES];
            memcpy(raw, from + i * b.bytes, b.bytes);
            expand[dtype](raw, to + i * b.elements);
        }
    }
}
