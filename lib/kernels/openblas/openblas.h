/*
 * OpenBLAS as a plug-in, opened only for LLMCS_BACKEND_OPENBLAS. It is a shared object of its own,
 * libllmcs_openblas.so (plugin/), because linked into this library OpenBLAS would bring 25 MB, a constructor, printf
 * and exit into every host. Inside the plug-in its names are hidden and it is serial: each thread of our pool calls it
 * for its own columns, and a host's own OpenBLAS with its number of threads is another one.
 *
 * OpenBLAS packs its operands into a buffer for each product in progress. Left to itself it allocates 128 MB for each
 * of them, for ever, without a lock in a serial build; past a fixed number it prints and overruns, and without memory
 * it retries endlessly. So the buffers are ours: a fixed number for each model, from the caller's allocator, of the
 * size that was measured when the plug-in was opened. A product waits while all are in use. Nothing is shared between
 * models, so a forked child's own model meets no lock of its parent.
 */
#ifndef LL_KERNELS_OPENBLAS_H
#define LL_KERNELS_OPENBLAS_H

#include "base/alloc.h"
#include "kernels/kernels.h"

/* The two functions of the plug-in. The version in the names moves when they change. */
#define LL_OPENBLAS_PRODUCT "llmcs_openblas_product_v2"
#define LL_OPENBLAS_MEASURE "llmcs_openblas_buffer_bytes_v2"

/* y[n_rows, n_out of ldy] += x[n_rows, n_in of ldx] w[n_out, n_in]^T with a buffer of the measured size, aligned to a
 * page. Sizes are OpenBLAS's int: those of models are int32_t from config.json on. */
typedef void (*ll_openblas_product_fn)(void *buffer, const float *x, size_t ldx, size_t n_rows, const float *w,
                                       size_t n_in, size_t n_out, float *y, size_t ldy);
/* Bytes of a buffer that suffice for every product on this processor; 0 if there is no memory to find out. */
typedef size_t (*ll_openblas_measure_fn)(void);

typedef struct ll_openblas {
    void *library;
    ll_openblas_product_fn product;
    size_t buffer_bytes;
    ll_kernels kernels; /* the native kernel set with nr = 1: panels of one output are plain rows [n_out][n_in] */
    struct ll_openblas_buffers *buffers; /* NULL until reserved */
} ll_openblas;

/* Opens the plug-in: in the folder of this library, else where the dynamic linker looks. UNSUPPORTED if it is not
 * there, the message says how to get it; NOMEM. */
llmcs_status ll_openblas_open(const llmcs_allocator *a, const ll_kernels *native, ll_openblas **out);
/* The same from one path. */
llmcs_status ll_openblas_open_at(const llmcs_allocator *a, const ll_kernels *native, const char *path,
                                 ll_openblas **out);

/* Allocates the buffers for a model with a pool of n_threads; before the first product. NOMEM THREAD. */
llmcs_status ll_openblas_reserve(ll_openblas *openblas, const llmcs_allocator *a, size_t n_threads);
/* Bytes ll_openblas_reserve allocates. */
uint64_t ll_openblas_reserve_bytes(const ll_openblas *openblas, size_t n_threads);

/* y = x W^T + bias + residual as ll_product says, for float32 weights in plain rows. Waits while all buffers are in
 * use. Its bits may depend on the number of rows. */
void ll_openblas_matmul(const ll_openblas *openblas, const ll_product *p);

/* *openblas may be NULL and becomes NULL. */
void ll_openblas_close(const llmcs_allocator *a, ll_openblas **openblas);

#endif
