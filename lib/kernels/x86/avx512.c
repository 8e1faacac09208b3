/* The kernel set for x86-64 with AVX-512 F, BW, VL and DQ (Skylake-X 2017 and later). Products of bytes are computed as
 * in avx2.c: VPMADDWD on even and odd bytes widened to 16 bits, activations kept as 16-bit words in the order 0, 2,
 * 1, 3.
 */
#include "kernels/x86/avx512.h"

#define Q_BYTES 2
#define Q_UNSIGNED 1
#define Q_SUMS 1
#define Q8_ROWS 5
#define Q4_ROWS 5
#define Q4_VECTORS(n_rows) ((n_rows) < 3 ? 4 : 2)

typedef struct q_weights {
    __m512i even, odd;
} q_weights;
typedef struct q_four {
    __m512i even, odd;
} q_four;

static ALWAYS_INLINE void q_store(char *p, vf v) {
    const __m512i ordered = _mm512_shuffle_epi32(_mm512_cvtps_epi32(v), _MM_PERM_DBCA);
    _mm256_storeu_si256((__m256i *)(void *)p, _mm512_cvtepi32_epi16(ordered));
}
static ALWAYS_INLINE q_four q_load_four(const char *p) {
    int32_t pairs[2];
    memcpy(pairs, p, sizeof pairs);
    return (q_four){_mm512_set1_epi32(pairs[0]), _mm512_set1_epi32(pairs[1])};
}
static ALWAYS_INLINE q_weights q8_weights(vb v) {
    return (q_weights){_mm512_and_si512(v, _mm512_set1_epi16(0x00ff)), _mm512_srli_epi16(v, 8)};
}
static ALWAYS_INLINE q_weights q4_weights(vb v) { return q8_weights(v); }
static ALWAYS_INLINE void q_dot(vi sum[Q_SUMS], q_weights w, q_four x) {
    const __m512i products = _mm512_add_epi32(_mm512_madd_epi16(w.even, x.even), _mm512_madd_epi16(w.odd, x.odd));
    sum[0] = _mm512_add_epi32(sum[0], products);
}
static ALWAYS_INLINE vi q_total(const vi sum[Q_SUMS]) { return sum[0]; }

#include "kernels/vector/kernels_template.h"

const ll_kernels ll_kernels_avx512 = LL_KERNELS_VECTOR_SET("avx512", matmul_bf16, matmul_q8, NULL);
