/* The kernel set for AArch64 with the dot product extension (FEAT_DotProd, Armv8.2; Neoverse N1, Apple M1, and later).
 */
#include "kernels/arm/neon.h"

#define Q_UNSIGNED 0
#define Q_SUMS 1
#define Q8_ROWS 6
#define Q4_ROWS 5
#define Q4_VECTORS(n_rows) ((n_rows) < 4 ? 4 : 2)

typedef int8x16_t q_weights;
typedef int8x16_t q_four;

static ALWAYS_INLINE q_four q_load_four(const char *p) { return load_four(p); }
static ALWAYS_INLINE q_weights q8_weights(vb v) { return vreinterpretq_s8_u8(veorq_u8(v, vdupq_n_u8(LL_Q8_ZERO))); }
static ALWAYS_INLINE q_weights q4_weights(vb v) { return vreinterpretq_s8_u8(v); }
static ALWAYS_INLINE void q_dot(vi sum[Q_SUMS], q_weights w, q_four x) { sum[0] = vdotq_s32(sum[0], w, x); }
static ALWAYS_INLINE vi q_total(const vi sum[Q_SUMS]) { return sum[0]; }

#include "kernels/vector/kernels_template.h"

const ll_kernels ll_kernels_dotprod = LL_KERNELS_VECTOR_SET("dotprod", matmul_bf16, matmul_q8, NULL);
