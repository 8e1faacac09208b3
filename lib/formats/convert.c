/* Elements of a file to float32, type by type; convert.h describes the types. */
#include "formats/convert.h"

#include <string.h>

#include "base/half.h"
#include "formats/bytes.h"

#define PART 512 /* elements per copy: the source may overlap the destination */

ll_dtype_block ll_dtype_block_of(ll_dtype dtype) {
    static const ll_dtype_block blocks[] = {
        [LL_DTYPE_F32] = {1, 4},    [LL_DTYPE_F16] = {1, 2},      [LL_DTYPE_BF16] = {1, 2},
        [LL_DTYPE_F64] = {1, 8},    [LL_DTYPE_Q8_0] = {32, 34},   [LL_DTYPE_Q4_0] = {32, 18},
        [LL_DTYPE_Q4_1] = {32, 20}, [LL_DTYPE_Q6_K] = {256, 210}, [LL_DTYPE_OTHER] = {1, 0},
    };
    return blocks[dtype];
}

static void convert_f32(const unsigned char *from, size_t n, float *to) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    if (from != (const unsigned char *)to) memcpy(to, from, n * sizeof *to);
#else
    for (size_t i = 0; i < n; i++) to[i] = ll_float_from_bits(ll_load_u32(from + 4 * i));
#endif
}

/* Rounds to nearest: every public call sets that rounding mode (base/call.h). */
static void convert_f64(const unsigned char *from, size_t n, float *to) {
    for (size_t i = 0; i < n; i++) {
        const uint64_t bits = ll_load_u64(from + 8 * i);
        double d;
        memcpy(&d, &bits, sizeof d);
        to[i] = (float)d;
    }
}

static void convert_halves(ll_dtype dtype, const unsigned char *from, size_t n, float *to) {
    for (size_t done = 0; done < n; done += PART) {
        unsigned char raw[2 * PART];
        size_t part = ll_min(PART, n - done);
        float *out = to + done;
        memcpy(raw, from + 2 * done, 2 * part);
        if (dtype == LL_DTYPE_F16)
            for (size_t i = 0; i < part; i++) out[i] = ll_half_to_float(ll_load_u16(raw + 2 * i));
        else
            for (size_t i = 0; i < part; i++) out[i] = ll_bfloat_to_float(ll_load_u16(raw + 2 * i));
    }
}

/* ------------------------------------------------------------------------------------------------------ blocks */

static void expand_q8_0(const unsigned char *block, float *out) {
    float d = ll_half_to_float(ll_load_u16(block));
    for (size_t i = 0; i < 32; i++) out[i] = d * (float)(int8_t)block[2 + i];
}

static void expand_q4_0(const unsigned char *block, float *out) {
    float d = ll_half_to_float(ll_load_u16(block));
    for (size_t i = 0; i < 16; i++) {
        out[i] = d * (float)((block[2 + i] & 15) - 8);
        out[i + 16] = d * (float)((block[2 + i] >> 4) - 8);
    }
}

static void expand_q4_1(const unsigned char *block, float *out) {
    float d = ll_half_to_float(ll_load_u16(block)), m = ll_half_to_float(ll_load_u16(block + 2));
    for (size_t i = 0; i < 16; i++) {
        out[i] = d * (float)(block[4 + i] & 15) + m;
        out[i + 16] = d * (float)(block[4 + i] >> 4) + m;
    }
}

/* Two halves of 128 elements. In each, four groups of 32 share the bytes of `high`, and every 16 elements share a
 * scale. */
static void expand_q6_k(const unsigned char *block, float *out) {
    float d = ll_half_to_float(ll_load_u16(block + 208));
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
    } else if (dtype == LL_DTYPE_F64) {
        convert_f64(from, n, to);
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
