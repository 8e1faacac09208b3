/* binary16 (IEEE 754-2019, 3.6) by its bits: 5 of exponent, bias 15, 10 of fraction. What F16C and FCVT do, for
 * processors and for places that have no vector of them. */
#ifndef LL_KERNELS_HALF_H
#define LL_KERNELS_HALF_H

#include <stdint.h>
#include <string.h>

static inline float ll_half_to_float(uint16_t half) {
    const uint32_t sign = (uint32_t)(half & 0x8000u) << 16, magnitude = half & 0x7fffu;
    uint32_t bits = (magnitude << 13) + (112u << 23); /* the exponent's bias is 112 more */
    if (magnitude >= 0x7c00u) bits = (magnitude << 13) | 0x7f800000u | (magnitude > 0x7c00u ? 0x00400000u : 0u);
    float value;
    if (magnitude < 0x0400u) { /* subnormal: so many times 2^-24, exact */
        value = (float)magnitude * 0x1p-24f;
        memcpy(&bits, &value, sizeof bits);
    }
    bits |= sign;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* To nearest, ties to even; from 65520 up infinity. */
static inline uint16_t ll_half_from_float(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    const uint16_t sign = (uint16_t)(bits >> 16 & 0x8000u);
    const uint32_t magnitude = bits & 0x7fffffffu;
    if (magnitude > 0x7f800000u) return (uint16_t)(sign | 0x7e00u | (magnitude >> 13 & 0x3ffu));
    if (magnitude >= 0x477ff000u) return (uint16_t)(sign | 0x7c00u);
    if (magnitude < 0x38800000u) { /* below 2^-14: a sum with 1/2 leaves units of 2^-24, rounded by the addition */
        float small;
        memcpy(&small, &magnitude, sizeof small);
        small += 0.5f;
        memcpy(&bits, &small, sizeof bits);
        return (uint16_t)(sign | (bits - 0x3f000000u));
    }
    const uint32_t odd = magnitude >> 13 & 1u;
    return (uint16_t)(sign | ((magnitude - (112u << 23) + 0xfffu + odd) >> 13));
}

#endif
