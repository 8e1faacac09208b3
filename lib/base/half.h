/*
 * Half precision by its bits: IEEE 754 binary16, and bfloat16, which is the upper half of a float32. All codes convert;
 * NaN stays NaN, quieted. Without branches, so that loops over them vectorise; exact results do not depend on the
 * rounding mode.
 *
 * Written by hand because Debian's libfp16-dev converts binary16 only, and C11 has no type for either.
 */
#ifndef LL_BASE_HALF_H
#define LL_BASE_HALF_H

#include <stdint.h>
#include <string.h>

static inline uint32_t ll_float_bits(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline float ll_float_from_bits(uint32_t bits) {
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* binary16 (IEEE 754-2019, 3.6): 5 bits of exponent, bias 15, 10 of fraction. A subnormal is its fraction times
 * 2^-24: both steps of that product are exact. */
static inline float ll_half_to_float(uint16_t h) {
    const uint32_t sign = (uint32_t)(h & 0x8000u) << 16, magnitude = h & 0x7fffu;
    const uint32_t normal = (magnitude << 13) + (112u << 23), special = (magnitude << 13) + (224u << 23);
    const uint32_t quiet = magnitude > 0x7c00u ? 0x00400000u : 0u;
    const uint32_t subnormal = ll_float_bits((float)(int32_t)(magnitude & 0x3ffu) * 0x1p-24f);
    return ll_float_from_bits(sign | (magnitude >= 0x7c00u  ? special | quiet
                                      : magnitude >= 0x400u ? normal
                                                            : subnormal));
}

static inline float ll_bfloat_to_float(uint16_t h) {
    const uint32_t bits = (uint32_t)h << 16;
    return ll_float_from_bits(bits | ((bits & 0x7fffffffu) > 0x7f800000u ? 0x00400000u : 0u));
}

/* Rounds to nearest, ties to even; overflow becomes infinity. A normal number keeps ten bits of its fraction: adding
 * half a unit minus one, plus the last kept bit, rounds to even, and a carry moves into the exponent. For a subnormal,
 * adding 0.5, whose last bit is 2^-24 like that of a half, makes the float addition round. */
static inline uint16_t ll_float_to_half(float x) {
    const uint32_t bits = ll_float_bits(x), sign = bits >> 16 & 0x8000u, magnitude = bits & 0x7fffffffu;
    const uint32_t normal = (magnitude - (112u << 23) + 0xfffu + (magnitude >> 13 & 1u)) >> 13;
    const uint32_t subnormal = ll_float_bits(ll_float_from_bits(magnitude) + 0.5f) - 0x3f000000u;
    const uint32_t finite = magnitude < 0x38800000u ? subnormal : normal;
    const uint32_t special = magnitude > 0x7f800000u ? 0x7e00u : 0x7c00u; /* NaN or infinity */
    return (uint16_t)(sign | (magnitude >= 0x477ff000u ? special : finite));
}

static inline uint16_t ll_float_to_bfloat(float x) {
    const uint32_t bits = ll_float_bits(x);
    const uint32_t rounded = (bits + 0x7fffu + (bits >> 16 & 1u)) >> 16, nan = bits >> 16 | 0x40u;
    return (uint16_t)((bits & 0x7fffffffu) > 0x7f800000u ? nan : rounded);
}

#endif
