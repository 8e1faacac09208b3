/* The row for x86-64 with AVX-512 F, BW, VL and DQ (Skylake-X 2017 and later). */
#include "kernels/x86/avx512.h"

#include "kernels/vector/row.h"

const ll_kernels ll_kernels_avx512 = LL_KERNELS_VECTOR_ROW("avx512");
