/* Attention in plain C, part of the scalar kernel set (scalar.c). */
#ifndef LL_KERNELS_SCALAR_ATTENTION_H
#define LL_KERNELS_SCALAR_ATTENTION_H

#include "kernels/attend.h"

void ll_scalar_attend(const ll_attend *a);
void ll_scalar_kv_store(const ll_kv_rows *part);

#endif
