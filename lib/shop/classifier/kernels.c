/* Each kernel is written once and compiled for the baseline and, on x86-64, for AVX2. Both perform the same operations
 * in the same order (no FMA), so they give the same bits. */
#include "shop/classifier/kernels.h"

#define INLINE static inline __attribute__((always_inline))

/* ---------------------------------------------------------------------------------------------------- float */

/* Eight columns. Only 4-byte aligned, because they point into arrays of floats. */
typedef float lanes __attribute__((vector_size(4 * SHOP_LANES), aligned(4), may_alias));

/* 4 * SHOP_LANES columns from `matrix` on; their sums stay in registers. */
INLINE void sum_wide(const float *matrix, size_t stride, const uint32_t *rows, const float *values, size_t n,
                     float *out) {
    lanes *sums = (lanes *)out;
    lanes s0 = sums[0], s1 = sums[1], s2 = sums[2], s3 = sums[3];
    for (size_t k = 0; k < n; k++) {
        const lanes *row = (const lanes *)(matrix + (size_t)rows[k] * stride);
        const float value = values[k];
        s0 += value * row[0];
        s1 += value * row[1];
        s2 += value * row[2];
        s3 += value * row[3];
    }
    sums[0] = s0, sums[1] = s1, sums[2] = s2, sums[3] = s3;
}

INLINE void sum_narrow(const float *matrix, size_t stride, const uint32_t *rows, const float *values, size_t n,
                       float *out) {
    lanes sum = *(lanes *)out;
    for (size_t k = 0; k < n; k++) sum += values[k] * *(const lanes *)(matrix + (size_t)rows[k] * stride);
    *(lanes *)out = sum;
}

INLINE void sum_rows(const float *matrix, size_t stride, const uint32_t *rows, const float *values, size_t n,
                     float *out) {
    size_t c = 0;
    for (; c + 4 * SHOP_LANES <= stride; c += 4 * SHOP_LANES) sum_wide(matrix + c, stride, rows, values, n, out + c);
    for (; c < stride; c += SHOP_LANES) sum_narrow(matrix + c, stride, rows, values, n, out + c);
}

/* Four rows of `left` by 2 * SHOP_LANES columns of `right`. */
INLINE void product_4_wide(const float *left, size_t left_stride, const float *right, size_t n, size_t stride,
                           float *out) {
    lanes *out0 = (lanes *)out, *out1 = (lanes *)(out + stride), *out2 = (lanes *)(out + 2 * stride),
          *out3 = (lanes *)(out + 3 * stride);
    lanes a0 = out0[0], a1 = out0[1], b0 = out1[0], b1 = out1[1], c0 = out2[0], c1 = out2[1], d0 = out3[0],
          d1 = out3[1];
    for (size_t k = 0; k < n; k++) {
        const lanes *row = (const lanes *)(right + k * stride);
        const lanes r0 = row[0], r1 = row[1];
        a0 += left[k] * r0, a1 += left[k] * r1;
        b0 += left[left_stride + k] * r0, b1 += left[left_stride + k] * r1;
        c0 += left[2 * left_stride + k] * r0, c1 += left[2 * left_stride + k] * r1;
        d0 += left[3 * left_stride + k] * r0, d1 += left[3 * left_stride + k] * r1;
    }
    out0[0] = a0, out0[1] = a1, out1[0] = b0, out1[1] = b1;
    out2[0] = c0, out2[1] = c1, out3[0] = d0, out3[1] = d1;
}

INLINE void product_1_narrow(const float *left, const float *right, size_t n, size_t stride, float *out) {
    lanes sum = *(lanes *)out;
    for (size_t k = 0; k < n; k++) sum += left[k] * *(const lanes *)(right + k * stride);
    *(lanes *)out = sum;
}

INLINE void product(const float *left, size_t left_stride, size_t n_left, const float *right, size_t n, size_t stride,
                    float *out) {
    for (size_t i = 0; i < n_left; i += 4) {
        const float *l = left + i * left_stride;
        const size_t height = n_left - i < 4 ? n_left - i : 4;
        size_t c = 0;
        if (height == 4)
            for (; c + 2 * SHOP_LANES <= stride; c += 2 * SHOP_LANES)
                product_4_wide(l, left_stride, right + c, n, stride, out + i * stride + c);
        for (size_t k = 0; k < height; k++)
            for (size_t from = c; from < stride; from += SHOP_LANES)
                product_1_narrow(l + k * left_stride, right + from, n, stride, out + (i + k) * stride + from);
    }
}

/* ---------------------------------------------------------------------------------------------------- int8 */

INLINE void sum_columns_int8(const int8_t *restrict matrix, size_t stride, const uint32_t *restrict rows,
                             const int16_t *restrict values, size_t n, int32_t *restrict out, size_t width) {
    int32_t sums[32];
    for (size_t c = 0; c < width; c++) sums[c] = out[c];
#if defined(__clang__) /* clang would vectorise over many rows, with 5 KiB of sums on the stack */
#pragma clang loop vectorize(disable) unroll(disable) interleave(disable)
#endif
    for (size_t k = 0; k < n; k++) {
        const int8_t *restrict row = matrix + (size_t)rows[k] * stride;
        const int16_t value = values[k];
        for (size_t c = 0; c < width; c++) sums[c] += (int32_t)value * (int16_t)row[c];
    }
    for (size_t c = 0; c < width; c++) out[c] = sums[c];
}

INLINE void sum_rows_int8(const int8_t *matrix, size_t stride, const uint32_t *rows, const int16_t *values, size_t n,
                          int32_t *out) {
    size_t c = 0;
    for (; c + 32 <= stride; c += 32) sum_columns_int8(matrix + c, stride, rows, values, n, out + c, 32);
    for (; c < stride; c += 16) sum_columns_int8(matrix + c, stride, rows, values, n, out + c, 16);
}

/* ------------------------------------------------------------------------------------------------- dispatch */

#if defined(__x86_64__)
#define AVX2 __attribute__((target("avx2")))
AVX2 static void sum_rows_avx2(const float *m, size_t s, const uint32_t *r, const float *v, size_t n, float *o) {
    sum_rows(m, s, r, v, n, o);
}
AVX2 static void product_avx2(const float *l, size_t ls, size_t nl, const float *r, size_t n, size_t s, float *o) {
    product(l, ls, nl, r, n, s, o);
}
AVX2 static void sum_rows_int8_avx2(const int8_t *m, size_t s, const uint32_t *r, const int16_t *v, size_t n,
                                    int32_t *o) {
    sum_rows_int8(m, s, r, v, n, o);
}
#define DISPATCH(name, ...)             \
    if (__builtin_cpu_supports("avx2")) \
        name##_avx2(__VA_ARGS__);       \
    else                                \
        name(__VA_ARGS__)
#else
#define DISPATCH(name, ...) name(__VA_ARGS__)
#endif

void shop_sum_rows(const float *matrix, size_t stride, const uint32_t *rows, const float *values, size_t n,
                   float *out) {
    DISPATCH(sum_rows, matrix, stride, rows, values, n, out);
}

void shop_product(const float *left, size_t left_stride, size_t n_left, const float *right, size_t n, size_t stride,
                  float *out) {
    DISPATCH(product, left, left_stride, n_left, right, n, stride, out);
}

void shop_sum_rows_int8(const int8_t *matrix, size_t stride, const uint32_t *rows, const int16_t *values, size_t n,
                        int32_t *sums) {
    DISPATCH(sum_rows_int8, matrix, stride, rows, values, n, sums);
}
