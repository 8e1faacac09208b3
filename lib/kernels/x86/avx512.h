/* Vector operations of AVX-512 F, BW, VL and DQ: sixteen floats per vector. */
#ifndef LL_KERNELS_X86_AVX512_H
#define LL_KERNELS_X86_AVX512_H

#include <immintrin.h>

#include "kernels/kernel_sets.h"
#include "kernels/vector/base.h"

typedef __m512 vf;
#define VL 16
/* 6 x 64: twenty-four sums, four columns and a row of x in thirty-two registers. */
#define NR 64
#define MATMUL_ROWS 6
/* 8 x 32: sixteen sums; a whole block of keys, half a value. */
#define ATTEND_ROWS 8
#define ATTEND_VECTORS 2
#define ONE_ROW_BLOCKS 4
#define ONE_ROW_VECTORS 4

static ALWAYS_INLINE vf v_zero(void) { return _mm512_setzero_ps(); }
static ALWAYS_INLINE vf v_set1(float x) { return _mm512_set1_ps(x); }
static ALWAYS_INLINE vf v_load(const float *p) { return _mm512_loadu_ps(p); }
static ALWAYS_INLINE void v_store(float *p, vf v) { _mm512_storeu_ps(p, v); }

/* A bit for each of the first n lanes. */
static ALWAYS_INLINE __mmask16 first_lanes(size_t n) { return (__mmask16)((1u << n) - 1); }
static ALWAYS_INLINE vf v_load_part(const float *p, size_t n) { return _mm512_maskz_loadu_ps(first_lanes(n), p); }
static ALWAYS_INLINE void v_store_part(float *p, vf v, size_t n) { _mm512_mask_storeu_ps(p, first_lanes(n), v); }
static ALWAYS_INLINE vf v_first(vf v, size_t n, vf other) { return _mm512_mask_blend_ps(first_lanes(n), other, v); }

static ALWAYS_INLINE vf v_add(vf a, vf b) { return _mm512_add_ps(a, b); }
static ALWAYS_INLINE vf v_sub(vf a, vf b) { return _mm512_sub_ps(a, b); }
static ALWAYS_INLINE vf v_mul(vf a, vf b) { return _mm512_mul_ps(a, b); }
static ALWAYS_INLINE vf v_div(vf a, vf b) { return _mm512_div_ps(a, b); }
static ALWAYS_INLINE vf v_fma(vf a, vf b, vf c) { return _mm512_fmadd_ps(a, b, c); }
static ALWAYS_INLINE vf v_nfma(vf a, vf b, vf c) { return _mm512_fnmadd_ps(a, b, c); }
/* MINPS and MAXPS give their second operand if either is NaN. */
static ALWAYS_INLINE vf v_min(vf a, vf b) { return _mm512_min_ps(a, b); }
static ALWAYS_INLINE vf v_max(vf a, vf b) { return _mm512_max_ps(a, b); }
static ALWAYS_INLINE vf v_round(vf v) { return _mm512_roundscale_ps(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }

static ALWAYS_INLINE vf v_abs(vf v) { return _mm512_andnot_ps(_mm512_set1_ps(-0.0f), v); }
static ALWAYS_INLINE vf v_copy_sign(vf x, vf sign) {
    const vf bit = _mm512_set1_ps(-0.0f);
    return _mm512_or_ps(_mm512_andnot_ps(bit, x), _mm512_and_ps(bit, sign));
}
static ALWAYS_INLINE vf v_select_less(vf a, vf b, vf yes, vf no) {
    return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(a, b, _CMP_LT_OQ), no, yes);
}
static ALWAYS_INLINE vf v_scale_by_power(vf v, vf n) { return _mm512_scalef_ps(v, n); }
static ALWAYS_INLINE vf v_scale_by_small_power(vf v, vf n) { return _mm512_scalef_ps(v, n); }

static ALWAYS_INLINE vf v_load_f16(const uint16_t *p) {
    return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(const void *)p));
}
static ALWAYS_INLINE void v_store_f16_part(uint16_t *p, vf v, size_t n) {
    const __m256i halves = _mm512_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    _mm256_mask_storeu_epi16(p, first_lanes(n), halves);
}

/* Lanes of pairs of rows, then of fours, then 128-bit quarters of rows 4 apart and 8 apart. */
static ALWAYS_INLINE void v_transpose(vf r[VL]) {
    __m512 a[VL];
    UNROLL for (size_t i = 0; i < VL; i += 2) {
        a[i] = _mm512_unpacklo_ps(r[i], r[i + 1]);
        a[i + 1] = _mm512_unpackhi_ps(r[i], r[i + 1]);
    }
    UNROLL for (size_t i = 0; i < VL; i += 4) {
        r[i] = _mm512_shuffle_ps(a[i], a[i + 2], 0x44);
        r[i + 1] = _mm512_shuffle_ps(a[i], a[i + 2], 0xee);
        r[i + 2] = _mm512_shuffle_ps(a[i + 1], a[i + 3], 0x44);
        r[i + 3] = _mm512_shuffle_ps(a[i + 1], a[i + 3], 0xee);
    }
    UNROLL for (size_t i = 0; i < 4; i++) {
        a[i] = _mm512_shuffle_f32x4(r[i], r[i + 4], 0x88);
        a[i + 4] = _mm512_shuffle_f32x4(r[i], r[i + 4], 0xdd);
        a[i + 8] = _mm512_shuffle_f32x4(r[i + 8], r[i + 12], 0x88);
        a[i + 12] = _mm512_shuffle_f32x4(r[i + 8], r[i + 12], 0xdd);
    }
    UNROLL for (size_t i = 0; i < 4; i++) {
        r[i] = _mm512_shuffle_f32x4(a[i], a[i + 8], 0x88);
        r[i + 4] = _mm512_shuffle_f32x4(a[i + 4], a[i + 12], 0x88);
        r[i + 8] = _mm512_shuffle_f32x4(a[i], a[i + 8], 0xdd);
        r[i + 12] = _mm512_shuffle_f32x4(a[i + 4], a[i + 12], 0xdd);
    }
}

/* Lanes i and i + 8, then i and i + 4, then i and i + 2, then the last two. */
static ALWAYS_INLINE float v_reduce_add(vf v) {
    const __m256 halves = _mm256_add_ps(_mm512_castps512_ps256(v), _mm512_extractf32x8_ps(v, 1));
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(halves), _mm256_extractf128_ps(halves, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}
static ALWAYS_INLINE float v_reduce_max(vf v) { return _mm512_reduce_max_ps(v); }
static ALWAYS_INLINE uint32_t v_bits_at_least(vf a, vf b) { return _mm512_cmp_ps_mask(a, b, _CMP_GE_OQ); }

static ALWAYS_INLINE vf v_load_bf16_first(const char *p) {
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_loadu_si512(p), 16));
}
static ALWAYS_INLINE vf v_load_bf16_second(const char *p) {
    return _mm512_castsi512_ps(_mm512_and_si512(_mm512_loadu_si512(p), _mm512_set1_epi32((int32_t)0xffff0000u)));
}

/* ---- integers */

typedef __m512i vi;
typedef __m512i vb;
static ALWAYS_INLINE vi vi_zero(void) { return _mm512_setzero_si512(); }
static ALWAYS_INLINE vi vi_set1(int32_t x) { return _mm512_set1_epi32(x); }
static ALWAYS_INLINE vi vi_add(vi a, vi b) { return _mm512_add_epi32(a, b); }
static ALWAYS_INLINE vi vi_shift_left(vi v, int n) { return _mm512_sllv_epi32(v, _mm512_set1_epi32(n)); }
static ALWAYS_INLINE vi vi_shift_right(vi v, int n) { return _mm512_srav_epi32(v, _mm512_set1_epi32(n)); }
static ALWAYS_INLINE vi vi_bits(vf v) { return _mm512_castps_si512(v); }
static ALWAYS_INLINE void vi_store_part(void *p, vi v, size_t n) { _mm512_mask_storeu_epi32(p, first_lanes(n), v); }
/* Rows j, j + 4, j + 8 and j + 12 side by side, then four rows at a time. */
static ALWAYS_INLINE void vi_load_quads(const char *p, size_t stride, vi q[4]) {
    __m512i r[4];
    UNROLL for (size_t j = 0; j < 4; j++) {
        const char *at = p + j * stride;
        r[j] = _mm512_castsi128_si512(_mm_loadu_si128((const __m128i *)(const void *)at));
        r[j] = _mm512_inserti32x4(r[j], _mm_loadu_si128((const __m128i *)(const void *)(at + 4 * stride)), 1);
        r[j] = _mm512_inserti32x4(r[j], _mm_loadu_si128((const __m128i *)(const void *)(at + 8 * stride)), 2);
        r[j] = _mm512_inserti32x4(r[j], _mm_loadu_si128((const __m128i *)(const void *)(at + 12 * stride)), 3);
    }
    const __m512i a = _mm512_unpacklo_epi32(r[0], r[1]), b = _mm512_unpacklo_epi32(r[2], r[3]);
    const __m512i c = _mm512_unpackhi_epi32(r[0], r[1]), d = _mm512_unpackhi_epi32(r[2], r[3]);
    q[0] = _mm512_unpacklo_epi64(a, b);
    q[1] = _mm512_unpackhi_epi64(a, b);
    q[2] = _mm512_unpacklo_epi64(c, d);
    q[3] = _mm512_unpackhi_epi64(c, d);
}
static ALWAYS_INLINE vf v_from_int(vi v) { return _mm512_cvtepi32_ps(v); }
static ALWAYS_INLINE vb vb_load(const char *p) { return _mm512_loadu_si512(p); }
static ALWAYS_INLINE vb vb_low_nibbles(vb v) { return _mm512_and_si512(v, _mm512_set1_epi8(0x0f)); }
static ALWAYS_INLINE vb vb_high_nibbles(vb v) { return vb_low_nibbles(_mm512_srli_epi16(v, 4)); }

#endif
