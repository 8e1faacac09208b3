/* Vector operations of AVX2, FMA and F16C: eight floats per vector. */
#ifndef LL_KERNELS_X86_AVX2_H
#define LL_KERNELS_X86_AVX2_H

#include <immintrin.h>

#include "kernels/kernel_sets.h"
#include "kernels/vector/base.h"

typedef __m256 vf;
#define VL 8
/* 6 x 16: twelve sums, two columns and a row of x in sixteen registers. */
#define NR 16
#define MATMUL_ROWS 6
/* 6 x 16: half a block of keys, a quarter of a value. */
#define ATTEND_ROWS 6
#define ATTEND_VECTORS 2
#define ONE_ROW_BLOCKS 2
#define ONE_ROW_VECTORS 8

static ALWAYS_INLINE vf v_zero(void) { return _mm256_setzero_ps(); }
static ALWAYS_INLINE vf v_set1(float x) { return _mm256_set1_ps(x); }
static ALWAYS_INLINE vf v_load(const float *p) { return _mm256_loadu_ps(p); }
static ALWAYS_INLINE void v_store(float *p, vf v) { _mm256_storeu_ps(p, v); }

/* All bits of the first n lanes. */
static ALWAYS_INLINE __m256i first_lanes(size_t n) {
    static const int32_t window[2 * VL] = {-1, -1, -1, -1, -1, -1, -1, -1};
    return _mm256_loadu_si256((const __m256i *)(const void *)(window + VL - n));
}
static ALWAYS_INLINE vf v_load_part(const float *p, size_t n) { return _mm256_maskload_ps(p, first_lanes(n)); }
static ALWAYS_INLINE void v_store_part(float *p, vf v, size_t n) { _mm256_maskstore_ps(p, first_lanes(n), v); }
static ALWAYS_INLINE vf v_first(vf v, size_t n, vf other) {
    return _mm256_blendv_ps(other, v, _mm256_castsi256_ps(first_lanes(n)));
}

static ALWAYS_INLINE vf v_add(vf a, vf b) { return _mm256_add_ps(a, b); }
static ALWAYS_INLINE vf v_sub(vf a, vf b) { return _mm256_sub_ps(a, b); }
static ALWAYS_INLINE vf v_mul(vf a, vf b) { return _mm256_mul_ps(a, b); }
static ALWAYS_INLINE vf v_div(vf a, vf b) { return _mm256_div_ps(a, b); }
static ALWAYS_INLINE vf v_fma(vf a, vf b, vf c) { return _mm256_fmadd_ps(a, b, c); }
static ALWAYS_INLINE vf v_nfma(vf a, vf b, vf c) { return _mm256_fnmadd_ps(a, b, c); }
/* MINPS and MAXPS give their second operand if either is NaN. */
static ALWAYS_INLINE vf v_min(vf a, vf b) { return _mm256_min_ps(a, b); }
static ALWAYS_INLINE vf v_max(vf a, vf b) { return _mm256_max_ps(a, b); }
static ALWAYS_INLINE vf v_round(vf v) { return _mm256_round_ps(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }

static ALWAYS_INLINE vf v_abs(vf v) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), v); }
static ALWAYS_INLINE vf v_copy_sign(vf x, vf sign) {
    const vf bit = _mm256_set1_ps(-0.0f);
    return _mm256_or_ps(_mm256_andnot_ps(bit, x), _mm256_and_ps(bit, sign));
}
static ALWAYS_INLINE vf v_select_less(vf a, vf b, vf yes, vf no) {
    return _mm256_blendv_ps(no, yes, _mm256_cmp_ps(a, b, _CMP_LT_OQ));
}

/* In two steps of half the exponent, so that neither factor leaves the normal range. */
static ALWAYS_INLINE vf v_scale_by_power(vf v, vf n) {
    const __m256i whole = _mm256_cvtps_epi32(n), half = _mm256_srai_epi32(whole, 1), bias = _mm256_set1_epi32(127);
    const __m256i first = _mm256_slli_epi32(_mm256_add_epi32(half, bias), 23);
    const __m256i second = _mm256_slli_epi32(_mm256_add_epi32(_mm256_sub_epi32(whole, half), bias), 23);
    return _mm256_mul_ps(_mm256_mul_ps(v, _mm256_castsi256_ps(first)), _mm256_castsi256_ps(second));
}
/* In one step: for v in [0.5, 2) and n in [-125, 1]. */
static ALWAYS_INLINE vf v_scale_by_small_power(vf v, vf n) {
    const __m256i power = _mm256_slli_epi32(_mm256_cvtps_epi32(n), 23);
    return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(v), power));
}

static ALWAYS_INLINE vf v_load_f16(const uint16_t *p) {
    return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)p));
}
static ALWAYS_INLINE void v_store_f16_part(uint16_t *p, vf v, size_t n) {
    uint16_t lanes[VL];
    const __m128i halves = _mm256_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT);
    if (n == VL) {
        _mm_storeu_si128((__m128i *)(void *)p, halves);
        return;
    }
    _mm_storeu_si128((__m128i *)(void *)lanes, halves);
    memcpy(p, lanes, n * sizeof *p);
}

/* Lanes of pairs of rows, then of fours, then the halves of rows 4 apart. */
static ALWAYS_INLINE void v_transpose(vf r[VL]) {
    __m256 a[VL];
    UNROLL for (size_t i = 0; i < VL; i += 2) {
        a[i] = _mm256_unpacklo_ps(r[i], r[i + 1]);
        a[i + 1] = _mm256_unpackhi_ps(r[i], r[i + 1]);
    }
    UNROLL for (size_t i = 0; i < VL; i += 4) {
        r[i] = _mm256_shuffle_ps(a[i], a[i + 2], 0x44);
        r[i + 1] = _mm256_shuffle_ps(a[i], a[i + 2], 0xee);
        r[i + 2] = _mm256_shuffle_ps(a[i + 1], a[i + 3], 0x44);
        r[i + 3] = _mm256_shuffle_ps(a[i + 1], a[i + 3], 0xee);
    }
    UNROLL for (size_t i = 0; i < 4; i++) {
        a[i] = _mm256_permute2f128_ps(r[i], r[i + 4], 0x20);
        a[i + 4] = _mm256_permute2f128_ps(r[i], r[i + 4], 0x31);
    }
    UNROLL for (size_t i = 0; i < VL; i++) r[i] = a[i];
}

/* Lanes i and i + 4, then i and i + 2, then the last two. */
static ALWAYS_INLINE float v_reduce_add(vf v) {
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}
static ALWAYS_INLINE float v_reduce_max(vf v) {
    __m128 s = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    s = _mm_max_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_max_ss(s, _mm_movehdup_ps(s)));
}

static ALWAYS_INLINE uint32_t v_bits_at_least(vf a, vf b) {
    return (uint32_t)_mm256_movemask_ps(_mm256_cmp_ps(a, b, _CMP_GE_OQ));
}

static ALWAYS_INLINE vf v_load_bf16_first(const char *p) {
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_loadu_si256((const __m256i *)(const void *)p), 16));
}
static ALWAYS_INLINE vf v_load_bf16_second(const char *p) {
    return _mm256_castsi256_ps(_mm256_and_si256(_mm256_loadu_si256((const __m256i *)(const void *)p),
                                                _mm256_set1_epi32((int32_t)0xffff0000u)));
}

/* ---- integers */

typedef __m256i vi;
typedef __m256i vb;
static ALWAYS_INLINE vi vi_zero(void) { return _mm256_setzero_si256(); }
static ALWAYS_INLINE vi vi_set1(int32_t x) { return _mm256_set1_epi32(x); }
static ALWAYS_INLINE vi vi_add(vi a, vi b) { return _mm256_add_epi32(a, b); }
static ALWAYS_INLINE vi vi_shift_left(vi v, int n) { return _mm256_sllv_epi32(v, _mm256_set1_epi32(n)); }
static ALWAYS_INLINE vi vi_shift_right(vi v, int n) { return _mm256_srav_epi32(v, _mm256_set1_epi32(n)); }
static ALWAYS_INLINE vi vi_bits(vf v) { return _mm256_castps_si256(v); }
static ALWAYS_INLINE void vi_store_part(void *p, vi v, size_t n) { _mm256_maskstore_epi32(p, first_lanes(n), v); }
/* Rows j and j + 4 side by side, then four rows at a time. */
static ALWAYS_INLINE void vi_load_quads(const char *p, size_t stride, vi q[4]) {
    __m256i r[4];
    UNROLL for (size_t j = 0; j < 4; j++) {
        const __m128i low = _mm_loadu_si128((const __m128i *)(const void *)(p + j * stride));
        const __m128i high = _mm_loadu_si128((const __m128i *)(const void *)(p + (j + 4) * stride));
        r[j] = _mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1);
    }
    const __m256i a = _mm256_unpacklo_epi32(r[0], r[1]), b = _mm256_unpacklo_epi32(r[2], r[3]);
    const __m256i c = _mm256_unpackhi_epi32(r[0], r[1]), d = _mm256_unpackhi_epi32(r[2], r[3]);
    q[0] = _mm256_unpacklo_epi64(a, b);
    q[1] = _mm256_unpackhi_epi64(a, b);
    q[2] = _mm256_unpacklo_epi64(c, d);
    q[3] = _mm256_unpackhi_epi64(c, d);
}
static ALWAYS_INLINE vf v_from_int(vi v) { return _mm256_cvtepi32_ps(v); }
static ALWAYS_INLINE vb vb_load(const char *p) { return _mm256_loadu_si256((const __m256i *)(const void *)p); }
static ALWAYS_INLINE vb vb_low_nibbles(vb v) { return _mm256_and_si256(v, _mm256_set1_epi8(0x0f)); }
static ALWAYS_INLINE vb vb_high_nibbles(vb v) { return vb_low_nibbles(_mm256_srli_epi16(v, 4)); }

#endif
