/* The kernel set for x86-64 with AVX-512 VNNI in addition to AVX-512 F, BW, VL and DQ (Cascade Lake 2019, Zen 4 2022,
 * and later): VPDPBUSD adds four products of bytes to each lane. */
#include "kernels/x86/amx.h"
#include "kernels/x86/avx512.h"

#define Q_BYTES 1
#define Q_UNSIGNED 1
#define Q_SUMS 1
#define Q8_ROWS 6
#define Q4_ROWS 5
#define Q4_VECTORS(n_rows) ((n_rows) < 4 ? 4 : 2)

typedef __m512i q_weights;
typedef __m512i q_four;

static ALWAYS_INLINE void q_store(char *p, vf v) {
    _mm_storeu_si128((__m128i *)(void *)p, _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(v)));
}
static ALWAYS_INLINE q_four q_load_four(const char *p) {
    int32_t four;
    memcpy(&four, p, sizeof four);
    return _mm512_set1_epi32(four);
}
static ALWAYS_INLINE q_weights q8_weights(vb v) { return v; }
static ALWAYS_INLINE q_weights q4_weights(vb v) { return v; }
static ALWAYS_INLINE void q_dot(vi sum[Q_SUMS], q_weights w, q_four x) { sum[0] = _mm512_dpbusd_epi32(sum[0], w, x); }
static ALWAYS_INLINE vi q_total(const vi sum[Q_SUMS]) { return sum[0]; }

#include "kernels/vector/kernels_template.h"

const ll_kernels ll_kernels_avx512vnni = LL_KERNELS_VECTOR_SET("avx512vnni", matmul_bf16, matmul_q8, NULL);
/* With AMX in addition: only the product of many rows and 8-bit weights differs. */
const ll_kernels ll_kernels_amx = LL_KERNELS_VECTOR_SET("amx", matmul_bf16, ll_amx_matmul_q8, ll_amx_prepare);
