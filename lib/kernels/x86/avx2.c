/* The kernel set for x86-64 with AVX2, FMA and F16C (Haswell 2013, Zen 2017, and later). Each lane adds four products
 * of bytes: even and odd bytes are widened to 16 bits, which VPMADDWD multiplies and adds in pairs without overflow.
 * Activations are kept as 16-bit words in the order 0, 2, 1, 3. */
#include "kernels/x86/avx2.h"

#define Q_BYTES 2
#define Q_UNSIGNED 1
#define Q_SUMS 1
#define Q8_ROWS 6
#define Q4_ROWS 3
#define Q4_VECTORS(n_rows) ((n_rows) < 3 ? 2 : 1)

typedef struct q_weights {
    __m256i even, odd;
} q_weights;
typedef struct q_four {
    __m256i even, odd;
} q_four;

static ALWAYS_INLINE void q_store(char *p, vf v) {
    const __m256i ordered = _mm256_shuffle_epi32(_mm256_cvtps_epi32(v), _MM_SHUFFLE(3, 1, 2, 0));
    _mm_storeu_si128((__m128i *)(void *)p,
                     _mm_packs_epi32(_mm256_castsi256_si128(ordered), _mm256_extracti128_si256(ordered, 1)));
}
static ALWAYS_INLINE q_four q_load_four(const char *p) {
    int32_t pairs[2];
    memcpy(pairs, p, sizeof pairs);
    return (q_four){_mm256_set1_epi32(pairs[0]), _mm256_set1_epi32(pairs[1])};
}
static ALWAYS_INLINE q_weights q8_weights(vb v) {
    return (q_weights){_mm256_and_si256(v, _mm256_set1_epi16(0x00ff)), _mm256_srli_epi16(v, 8)};
}
static ALWAYS_INLINE q_weights q4_weights(vb v) { return q8_weights(v); }
static ALWAYS_INLINE void q_dot(vi sum[Q_SUMS], q_weights w, q_four x) {
    const __m256i products = _mm256_add_epi32(_mm256_madd_epi16(w.even, x.even), _mm256_madd_epi16(w.odd, x.odd));
    sum[0] = _mm256_add_epi32(sum[0], products);
}
static ALWAYS_INLINE vi q_total(const vi sum[Q_SUMS]) { return sum[0]; }

#include "kernels/vector/kernels_template.h"

const ll_kernels ll_kernels_avx2 = LL_KERNELS_VECTOR_SET("avx2", matmul_bf16, matmul_q8, NULL);
