/* Vector operations of Advanced SIMD: four floats per vector. */
#ifndef LL_KERNELS_ARM_NEON_H
#define LL_KERNELS_ARM_NEON_H

#include <arm_neon.h>

#include "kernels/kernel_sets.h"
#include "kernels/vector/base.h"

typedef float32x4_t vf;
#define VL 4
/* 6 x 16: 24 sums, four columns and a row of x in 32 registers. */
#define NR 16
#define MATMUL_ROWS 6
/* 6 x 16: half a block of keys, a quarter of a value. */
#define ATTEND_ROWS 6
#define ATTEND_VECTORS 4
#define ONE_ROW_BLOCKS 1
#define ONE_ROW_VECTORS 16

static ALWAYS_INLINE vf v_zero(void) { return vdupq_n_f32(0.0f); }
static ALWAYS_INLINE vf v_set1(float x) { return vdupq_n_f32(x); }
static ALWAYS_INLINE vf v_load(const float *p) { return vld1q_f32(p); }
static ALWAYS_INLINE void v_store(float *p, vf v) { vst1q_f32(p, v); }

static ALWAYS_INLINE vf v_load_part(const float *p, size_t n) {
    float lanes[VL] = {0};
    memcpy(lanes, p, n * sizeof *p);
    return vld1q_f32(lanes);
}
static ALWAYS_INLINE void v_store_part(float *p, vf v, size_t n) {
    float lanes[VL];
    vst1q_f32(lanes, v);
    memcpy(p, lanes, n * sizeof *p);
}
static ALWAYS_INLINE vf v_first(vf v, size_t n, vf other) {
    static const uint32_t lanes[VL] = {0, 1, 2, 3};
    return vbslq_f32(vcltq_u32(vld1q_u32(lanes), vdupq_n_u32((uint32_t)n)), v, other);
}

static ALWAYS_INLINE vf v_add(vf a, vf b) { return vaddq_f32(a, b); }
static ALWAYS_INLINE vf v_sub(vf a, vf b) { return vsubq_f32(a, b); }
static ALWAYS_INLINE vf v_mul(vf a, vf b) { return vmulq_f32(a, b); }
static ALWAYS_INLINE vf v_div(vf a, vf b) { return vdivq_f32(a, b); }
static ALWAYS_INLINE vf v_fma(vf a, vf b, vf c) { return vfmaq_f32(c, a, b); }
static ALWAYS_INLINE vf v_nfma(vf a, vf b, vf c) { return vfmsq_f32(c, a, b); }
/* FMIN and FMAX give NaN if either operand is NaN. */
static ALWAYS_INLINE vf v_min(vf a, vf b) { return vminq_f32(a, b); }
static ALWAYS_INLINE vf v_max(vf a, vf b) { return vmaxq_f32(a, b); }
static ALWAYS_INLINE vf v_round(vf v) { return vrndnq_f32(v); }

static ALWAYS_INLINE vf v_abs(vf v) { return vabsq_f32(v); }
static ALWAYS_INLINE vf v_copy_sign(vf x, vf sign) { return vbslq_f32(vdupq_n_u32(0x80000000u), sign, x); }
static ALWAYS_INLINE vf v_select_less(vf a, vf b, vf yes, vf no) { return vbslq_f32(vcltq_f32(a, b), yes, no); }

/* In two steps of half the exponent, so that neither factor leaves the normal range. */
static ALWAYS_INLINE vf v_scale_by_power(vf v, vf n) {
    const int32x4_t whole = vcvtq_s32_f32(n), half = vshrq_n_s32(whole, 1), bias = vdupq_n_s32(127);
    const int32x4_t first = vshlq_n_s32(vaddq_s32(half, bias), 23);
    const int32x4_t second = vshlq_n_s32(vaddq_s32(vsubq_s32(whole, half), bias), 23);
    return vmulq_f32(vmulq_f32(v, vreinterpretq_f32_s32(first)), vreinterpretq_f32_s32(second));
}
/* In one step: for v in [0.5, 2) and n in [-125, 1]. */
static ALWAYS_INLINE vf v_scale_by_small_power(vf v, vf n) {
    return vreinterpretq_f32_s32(vaddq_s32(vreinterpretq_s32_f32(v), vshlq_n_s32(vcvtq_s32_f32(n), 23)));
}

static ALWAYS_INLINE vf v_load_f16(const uint16_t *p) { return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p))); }
static ALWAYS_INLINE void v_store_f16_part(uint16_t *p, vf v, size_t n) {
    uint16_t lanes[VL];
    vst1_u16(lanes, vreinterpret_u16_f16(vcvt_f16_f32(v)));
    memcpy(p, lanes, n * sizeof *p);
}

static ALWAYS_INLINE void v_transpose(vf r[VL]) {
    const float32x4x2_t low = vtrnq_f32(r[0], r[1]), high = vtrnq_f32(r[2], r[3]);
    r[0] = vcombine_f32(vget_low_f32(low.val[0]), vget_low_f32(high.val[0]));
    r[1] = vcombine_f32(vget_low_f32(low.val[1]), vget_low_f32(high.val[1]));
    r[2] = vcombine_f32(vget_high_f32(low.val[0]), vget_high_f32(high.val[0]));
    r[3] = vcombine_f32(vget_high_f32(low.val[1]), vget_high_f32(high.val[1]));
}

static ALWAYS_INLINE float v_reduce_add(vf v) { return vaddvq_f32(v); }
static ALWAYS_INLINE float v_reduce_max(vf v) { return vmaxvq_f32(v); }
static ALWAYS_INLINE uint32_t v_bits_at_least(vf a, vf b) {
    static const uint32_t lanes[VL] = {1, 2, 4, 8};
    return vaddvq_u32(vandq_u32(vcgeq_f32(a, b), vld1q_u32(lanes)));
}

static ALWAYS_INLINE vf v_load_bf16_first(const char *p) {
    return vreinterpretq_f32_u32(vshlq_n_u32(vreinterpretq_u32_u8(vld1q_u8((const uint8_t *)p)), 16));
}
static ALWAYS_INLINE vf v_load_bf16_second(const char *p) {
    return vreinterpretq_f32_u32(
        vandq_u32(vreinterpretq_u32_u8(vld1q_u8((const uint8_t *)p)), vdupq_n_u32(0xffff0000u)));
}

/* ---- integers */

typedef int32x4_t vi;
typedef uint8x16_t vb;
static ALWAYS_INLINE vi vi_zero(void) { return vdupq_n_s32(0); }
static ALWAYS_INLINE vi vi_set1(int32_t x) { return vdupq_n_s32(x); }
static ALWAYS_INLINE vi vi_add(vi a, vi b) { return vaddq_s32(a, b); }
static ALWAYS_INLINE vi vi_shift_left(vi v, int n) { return vshlq_s32(v, vdupq_n_s32(n)); }
static ALWAYS_INLINE vi vi_shift_right(vi v, int n) { return vshlq_s32(v, vdupq_n_s32(-n)); }
static ALWAYS_INLINE vi vi_bits(vf v) { return vreinterpretq_s32_f32(v); }
static ALWAYS_INLINE void vi_store_part(void *p, vi v, size_t n) {
    int32_t lanes[VL];
    vst1q_s32(lanes, v);
    memcpy(p, lanes, n * sizeof *lanes);
}
static ALWAYS_INLINE void vi_load_quads(const char *p, size_t stride, vi q[4]) {
    vf r[VL];
    UNROLL for (size_t j = 0; j < VL; j++) r[j] = vreinterpretq_f32_u8(vld1q_u8((const uint8_t *)p + j * stride));
    v_transpose(r);
    UNROLL for (size_t j = 0; j < VL; j++) q[j] = vi_bits(r[j]);
}
static ALWAYS_INLINE vf v_from_int(vi v) { return vcvtq_f32_s32(v); }
static ALWAYS_INLINE vb vb_load(const char *p) { return vld1q_u8((const uint8_t *)p); }
static ALWAYS_INLINE vb vb_low_nibbles(vb v) { return vandq_u8(v, vdupq_n_u8(0x0f)); }
static ALWAYS_INLINE vb vb_high_nibbles(vb v) { return vshrq_n_u8(v, 4); }

#define Q_BYTES 1
/* Stores four integers of -128..127 as bytes. */
static ALWAYS_INLINE void q_store(char *p, vf v) {
    const int16x4_t words = vmovn_s32(vcvtq_s32_f32(v));
    const int8x8_t bytes = vmovn_s16(vcombine_s16(words, words));
    const int32_t four = vget_lane_s32(vreinterpret_s32_s8(bytes), 0);
    memcpy(p, &four, sizeof four);
}
static ALWAYS_INLINE int8x16_t load_four(const char *p) {
    int32_t four;
    memcpy(&four, p, sizeof four);
    return vreinterpretq_s8_s32(vdupq_n_s32(four));
}

#endif
