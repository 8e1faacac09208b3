/*
 * Part of a vector kernel set (see kernels_template.h): similarity of a query and one stored row, and comparing scores
 * with a bound. A sum has LL_LANES accumulators for any vector width: number i adds the elements i, i + LL_LANES, ...
 * with fused multiply-adds, and ll_add_lanes adds the accumulators. So the bits are the same on every processor.
 */
#ifndef LL_KERNELS_VECTOR_SIMILARITY_H
#define LL_KERNELS_VECTOR_SIMILARITY_H

#include "kernels/vector/elements_template.h"

#define LANE_VECTORS (LL_LANES / VL)

/* Called with constant is_half and is_distance only. */
static ALWAYS_INLINE float similarity(const bool is_half, const bool is_distance, const float *x, const void *row,
                                      size_t n) {
    vf sum[LANE_VECTORS];
    float lanes[LL_LANES];
    UNROLL for (size_t v = 0; v < LANE_VECTORS; v++) sum[v] = v_zero();
    for (size_t i = 0; i < n; i += LL_LANES) {
        UNROLL for (size_t v = 0; v < LANE_VECTORS; v++) {
            const size_t at = i + v * VL;
            const vf a = v_load(x + at);
            const vf b = is_half ? v_load_f16((const uint16_t *)row + at) : v_load((const float *)row + at);
            const vf d = is_distance ? v_sub(a, b) : a;
            sum[v] = v_fma(d, is_distance ? d : b, sum[v]);
        }
    }
    UNROLL for (size_t v = 0; v < LANE_VECTORS; v++) v_store(lanes + v * VL, sum[v]);
    return ll_add_lanes(lanes);
}

static float dot_f32(const float *x, const void *row, size_t n) { return similarity(false, false, x, row, n); }
static float dot_f16(const float *x, const void *row, size_t n) { return similarity(true, false, x, row, n); }
static float distance_f32(const float *x, const void *row, size_t n) { return similarity(false, true, x, row, n); }
static float distance_f16(const float *x, const void *row, size_t n) { return similarity(true, true, x, row, n); }

static void at_least(const float *y, size_t n_rows, const float *least, uint64_t *bits) {
    for (size_t r = 0; r < n_rows; r++, y += LL_SCORES) {
        const vf bound = v_set1(least[r]);
        uint64_t found = 0;
        UNROLL for (size_t v = 0; v < LL_SCORES / VL; v++) found |= (uint64_t)v_bits_at_least(v_load(y + v * VL), bound)
                                                                    << (v * VL);
        bits[r] = found;
    }
}

#endif
