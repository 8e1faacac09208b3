/* The buffer that OpenBLAS packs its operands into: the caller's, not OpenBLAS's own. */
#ifndef LL_KERNELS_OPENBLAS_PLUGIN_BUFFER_H
#define LL_KERNELS_OPENBLAS_PLUGIN_BUFFER_H

#include <stddef.h>

/* What this thread's calls into OpenBLAS use from now on. */
void ll_openblas_use_buffer(void *buffer);

#endif
