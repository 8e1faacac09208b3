/* The product with AMX on tiles that are arrays (emulated_amx.c), for processors with AVX-512 VNNI. */
#ifndef TESTS_SUPPORT_EMULATED_AMX_H
#define TESTS_SUPPORT_EMULATED_AMX_H

#include "kernels/kernels.h"

void emulated_amx_matmul_q8(const ll_product *p);
/* Products of two tiles so far. */
extern size_t emulated_amx_n_products;

#endif
