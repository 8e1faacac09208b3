/* The row for x86-64 with AVX2, FMA and F16C (Haswell 2013, Zen 2017, and later). */
#include "kernels/x86/avx2.h"

#include "kernels/vector/row.h"

const ll_kernels ll_kernels_avx2 = LL_KERNELS_VECTOR_ROW("avx2");
