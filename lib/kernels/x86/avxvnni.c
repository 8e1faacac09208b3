/* The kernel set for x86-64 with AVX-VNNI in addition to AVX2, FMA and F16C (Alder Lake 2021, Zen 5 2024, and later):
 * VPDPBUSD, which adds four products of bytes to each lane, for vectors of 256 bits. */
#include "kernels/x86/avx2.h"

#define Q_BYTES 1
#define Q_UNSIGNED 1
#define Q_SUMS 1
#define Q8_ROWS 6
#define Q4_ROWS 6
#define Q4_VECTORS(n_rows) ((n_rows) < 3 ? 2 : 1)

typedef __m256i q_weights;
typedef __m256i q_four;

/* The lowest byte of each lane, in order. */
static ALWAYS_INLINE void q_store(char *p, vf v) {
    const __m256i whole = _mm256_cvtps_epi32(v);
    const __m128i words = _mm_packs_epi32(_mm256_castsi256_si128(whole), _mm256_extracti128_si256(whole, 1));
    _mm_storel_epi64((__m128i *)(void *)p, _mm_packs_epi16(words, words));
}
static ALWAYS_INLINE q_four q_load_four(const char *p) {
    int32_t four;
    memcpy(&four, p, sizeof four);
    return _mm256_set1_epi32(four);
}
static ALWAYS_INLINE q_weights q8_weights(vb v) { return v; }
static ALWAYS_INLINE q_weights q4_weights(vb v) { return v; }
static ALWAYS_INLINE void q_dot(vi sum[Q_SUMS], q_weights w, q_four x) {
    sum[0] = _mm256_dpbusd_avx_epi32(sum[0], w, x);
}
static ALWAYS_INLINE vi q_total(const vi sum[Q_SUMS]) { return sum[0]; }

#include "kernels/vector/kernels_template.h"

const ll_kernels ll_kernels_avxvnni = LL_KERNELS_VECTOR_SET("avxvnni", matmul_bf16, matmul_q8, NULL);
