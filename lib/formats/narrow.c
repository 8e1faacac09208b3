#include "formats/narrow.h"

#include <math.h>

#include "base/half.h"

/* Adding 1.5 * 2^23, whose last bit is worth 1, rounds to a whole number. */
static inline uint8_t value_of(float scaled, int zero) {
    scaled = scaled < -127.0f ? -127.0f : scaled;
    scaled = scaled > 127.0f ? 127.0f : scaled;
    return (uint8_t)(ll_float_bits(scaled + 0x1.8p23f) + (uint32_t)zero);
}

void ll_narrow_q8(const float *x, size_t n, float inverse, int zero, uint8_t *out) {
    for (size_t i = 0; i < n; i++) out[i] = value_of(x[i] * inverse, zero);
}

void ll_narrow_q8_each(const float *x, size_t n, const float *inverse, int zero, uint8_t *out) {
    for (size_t i = 0; i < n; i++) out[i] = value_of(x[i] * inverse[i], zero);
}

uint16_t ll_narrow_q4_block(const float x[32], uint8_t out[16]) {
    float largest = 0.0f, extreme = 0.0f;
    for (size_t i = 0; i < 32; i++) {
        const float size = fabsf(x[i]);
        extreme = size > largest ? x[i] : extreme;
        largest = size > largest ? size : largest;
    }
    const float d = extreme / -8.0f, inverse = largest > 0.0f && isfinite(1.0f / d) ? 1.0f / d : 0.0f;
    for (size_t i = 0; i < 16; i++) {
        const float low = x[i] * inverse + 8.5f, high = x[i + 16] * inverse + 8.5f;
        const int a = low < 15.0f ? (int)low : 15, b = high < 15.0f ? (int)high : 15;
        out[i] = (uint8_t)(a | b << 4);
    }
    return ll_float_to_half(d);
}
