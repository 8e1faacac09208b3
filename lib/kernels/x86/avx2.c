/* The kernel set for x86-64 with AVX2, FMA and F16C (Haswell 2013, Zen 2017, and later).
 *
 * Q8: VPMADDUBSW would saturate, so even and odd bytes of the weights are widened to 16 bits, which VPMADDWD multiplies
 * and adds in pairs without overflow. The activations are kept as 16-bit words in the order 0, 2, 1, 3.
 * Q4: VPMADDUBSW adds two products of at most 15 * 127 to a word. A block needs eight of them, 30,480 in all, so a
 * block is summed in 16 bits and widened once. The activations are kept as bytes, too.
 */
#include "kernels/x86/avx2.h"

#define Q_BYTES 3 /* of each four activations: four words, then the same as bytes */
#define Q_UNSIGNED 1
#define Q_SUMS 1
#define Q8_ROWS 6
#define Q4_ROWS 6
#define Q4_VECTORS(n_rows) ((n_rows) < 3 ? 2 : 1)

typedef struct q_weights {
    __m256i even, odd;
} q_weights;
typedef struct q_four {
    __m256i even, odd;
} q_four;

static ALWAYS_INLINE void q_store(char *p, vf v) {
    const __m256i whole = _mm256_cvtps_epi32(v), ordered = _mm256_shuffle_epi32(whole, _MM_SHUFFLE(3, 1, 2, 0));
    const __m128i words = _mm_packs_epi32(_mm256_castsi256_si128(ordered), _mm256_extracti128_si256(ordered, 1));
    const __m128i in_order = _mm_packs_epi32(_mm256_castsi256_si128(whole), _mm256_extracti128_si256(whole, 1));
    const __m128i bytes = _mm_packs_epi16(in_order, in_order);
    _mm_storel_epi64((__m128i *)(void *)p, words);
    _mm_storeu_si32(p + 8, bytes);
    _mm_storel_epi64((__m128i *)(void *)(p + 12), _mm_unpackhi_epi64(words, words));
    _mm_storeu_si32(p + 20, _mm_shuffle_epi32(bytes, 1));
}
static ALWAYS_INLINE __m256i broadcast_four(const char *p) {
    int32_t four;
    memcpy(&four, p, sizeof four);
    return _mm256_set1_epi32(four);
}
static ALWAYS_INLINE q_four q_load_four(const char *p) { return (q_four){broadcast_four(p), broadcast_four(p + 4)}; }
static ALWAYS_INLINE q_weights q8_weights(vb v) {
    return (q_weights){_mm256_and_si256(v, _mm256_set1_epi16(0x00ff)), _mm256_srli_epi16(v, 8)};
}
/* UNKNOWN ends each sum before the next one begins: gcc interleaves them otherwise, and spills. */
static ALWAYS_INLINE void q_dot(vi sum[Q_SUMS], q_weights w, q_four x) {
    const __m256i products = _mm256_add_epi32(_mm256_madd_epi16(w.even, x.even), _mm256_madd_epi16(w.odd, x.odd));
    sum[0] = _mm256_add_epi32(sum[0], products);
    UNKNOWN(sum[0]);
}
static ALWAYS_INLINE vi q_total(const vi sum[Q_SUMS]) { return sum[0]; }

#define Q4_BLOCK_SUMS
typedef vb q4_column;
typedef __m256i q4_four;
static ALWAYS_INLINE q4_column q4_weights(vb v) { return v; }
static ALWAYS_INLINE q4_four q4_load_four(const char *p) { return broadcast_four(p + 8); }
static ALWAYS_INLINE void q4_dot(vi sum[Q_SUMS], q4_column w, q4_four x) {
    sum[0] = _mm256_add_epi16(sum[0], _mm256_maddubs_epi16(w, x));
    UNKNOWN(sum[0]);
}
static ALWAYS_INLINE vi q4_start(int32_t offset) {
    (void)offset;
    return vi_zero();
}
static ALWAYS_INLINE vi q4_total(const vi sum[Q_SUMS], int32_t offset) {
    return _mm256_add_epi32(_mm256_madd_epi16(sum[0], _mm256_set1_epi16(1)), _mm256_set1_epi32(offset));
}

#include "kernels/vector/kernels_template.h"

const ll_kernels ll_kernels_avx2 = LL_KERNELS_VECTOR_SET("avx2", matmul_bf16, matmul_q8, NULL);
