/* The product with AMX that ll_kernels_amx uses in place of AVX-512 VNNI's. */
#ifndef LL_KERNELS_X86_AMX_H
#define LL_KERNELS_X86_AMX_H

#include "kernels/kernel_sets.h"

void ll_amx_matmul_q8(const ll_product *p);
/* Requests the system's permission to use tiles, if weights of this type need them. */
void ll_amx_prepare(ll_weight_type type);

#endif
