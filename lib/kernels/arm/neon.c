/* The kernel set for the AArch64 baseline: Advanced SIMD with fused multiply-add. The four products of bytes of a lane
 * go to two accumulators, each of which adds 16-bit products in pairs. */
#include "kernels/arm/neon.h"

#define Q_UNSIGNED 0
#define Q_SUMS 2
#define Q8_ROWS 3
#define Q4_ROWS 1
#define Q4_VECTORS(n_rows) 4

typedef int8x16_t q_weights;
typedef int8x8_t q_four;

static ALWAYS_INLINE q_four q_load_four(const char *p) { return vget_low_s8(load_four(p)); }
static ALWAYS_INLINE q_weights q8_weights(vb v) { return vreinterpretq_s8_u8(veorq_u8(v, vdupq_n_u8(LL_Q8_ZERO))); }
static ALWAYS_INLINE q_weights q4_weights(vb v) { return vreinterpretq_s8_u8(v); }
static ALWAYS_INLINE void q_dot(vi sum[Q_SUMS], q_weights w, q_four x) {
    sum[0] = vpadalq_s16(sum[0], vmull_s8(vget_low_s8(w), x));
    sum[1] = vpadalq_s16(sum[1], vmull_s8(vget_high_s8(w), x));
}
static ALWAYS_INLINE vi q_total(const vi sum[Q_SUMS]) { return vpaddq_s32(sum[0], sum[1]); }

#include "kernels/vector/kernels_template.h"

const ll_kernels ll_kernels_neon = LL_KERNELS_VECTOR_SET("neon", matmul_bf16, matmul_q8, NULL);
