/* The kernel set for AArch64 with products of small matrices of bytes (FEAT_I8MM, Armv8.6; Neoverse V1 and N2, Apple
 * M2, and later). USMMLA multiplies eight inputs of two outputs by those of two rows, twice as many products as USDOT,
 * which is used for a single row. Both read weights as unsigned bytes, as they are stored. */
#include "kernels/arm/neon.h"

#define Q_UNSIGNED 1
#define Q_SUMS 1
#define Q8_ROWS 6
/* A Q4 tile of two rows x 16 columns has float and integer accumulators: sixteen registers. */
#define Q4_ROWS 2
#define Q4_VECTORS(n_rows) 4

typedef uint8x16_t q_weights;
typedef int8x16_t q_four;

static ALWAYS_INLINE q_four q_load_four(const char *p) { return load_four(p); }
static ALWAYS_INLINE q_weights q8_weights(vb v) { return v; }
static ALWAYS_INLINE q_weights q4_weights(vb v) { return v; }
static ALWAYS_INLINE void q_dot(vi sum[Q_SUMS], q_weights w, q_four x) { sum[0] = vusdotq_s32(sum[0], w, x); }
static ALWAYS_INLINE vi q_total(const vi sum[Q_SUMS]) { return sum[0]; }

#define Q_PAIRS
typedef int8x16_t pair_of_rows;
/* Eight inputs of outputs 0 and 1, and of 2 and 3. */
typedef struct eight_inputs {
    uint8x16_t first, second;
} eight_inputs;
/* Of outputs 0 and 1, and of 2 and 3: each with the even row and with the odd one. */
typedef struct pair_acc {
    vi first, second;
} pair_acc;

static ALWAYS_INLINE pair_of_rows load_pair(const char *even, const char *odd) {
    return vcombine_s8(vld1_s8((const int8_t *)even), vld1_s8((const int8_t *)odd));
}
static ALWAYS_INLINE eight_inputs zip_steps(vb one, vb other) {
    const uint32x4_t a = vreinterpretq_u32_u8(one), b = vreinterpretq_u32_u8(other);
    return (eight_inputs){vreinterpretq_u8_u32(vzip1q_u32(a, b)), vreinterpretq_u8_u32(vzip2q_u32(a, b))};
}
static ALWAYS_INLINE void dot_pair(pair_acc *sum, eight_inputs w, pair_of_rows x) {
    sum->first = vusmmlaq_s32(sum->first, w.first, x);
    sum->second = vusmmlaq_s32(sum->second, w.second, x);
}
static ALWAYS_INLINE vi sum_of_row(pair_acc sum, size_t row) {
    return row ? vuzp2q_s32(sum.first, sum.second) : vuzp1q_s32(sum.first, sum.second);
}

#include "kernels/vector/kernels_template.h"

const ll_kernels ll_kernels_i8mm = LL_KERNELS_VECTOR_SET("i8mm", matmul_bf16, matmul_q8, NULL);
