/* The kernel sets, each defined in its own file. */
#ifndef LL_KERNELS_KERNEL_SETS_H
#define LL_KERNELS_KERNEL_SETS_H

#include "kernels/kernels.h"

extern const ll_kernels ll_kernels_scalar;
#if defined(__x86_64__)
extern const ll_kernels ll_kernels_avx2;
extern const ll_kernels ll_kernels_avxvnni;
extern const ll_kernels ll_kernels_avx512;
extern const ll_kernels ll_kernels_avx512vnni;
extern const ll_kernels ll_kernels_amx;
#elif defined(__aarch64__)
extern const ll_kernels ll_kernels_neon;
extern const ll_kernels ll_kernels_dotprod;
extern const ll_kernels ll_kernels_i8mm;
#endif

#endif
