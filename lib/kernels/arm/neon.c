/* The row for AArch64, whose baseline has Advanced SIMD with fused multiply-add. */
#include "kernels/arm/neon.h"

#include "kernels/vector/row.h"

const ll_kernels ll_kernels_neon = LL_KERNELS_VECTOR_ROW("neon");
