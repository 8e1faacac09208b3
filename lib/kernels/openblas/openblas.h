/*
 * OpenBLAS as a plug-in, opened only for LLMCS_BACKEND_OPENBLAS. It is a shared object of its own,
 * libllmcs_openblas.so (plugin/), because linked into this library OpenBLAS would bring 25 MB, a constructor, printf
 * and exit into every host. Its symbols are hidden inside the plug-in, and it is serial: each thread of our pool calls
 * it for its own columns. A host that uses OpenBLAS itself keeps its own copy and its own number of threads.
 *
 * OpenBLAS packs its operands into one buffer per product in progress. By default it allocates 128 MB for each, never
 * frees them, and in a serial build takes no lock; past a fixed number of buffers it prints and overruns, and without
 * memory it retries endlessly. So the buffers are ours: a fixed number per model, from the caller's allocator, of the
 * size measured when the plug-in is opened. A product waits while all are in use. Models share nothing, so a model
 * opened in a forked child does not use a lock of its parent.
 */
#ifndef LL_KERNELS_OPENBLAS_H
#define LL_KERNELS_OPENBLAS_H

#include "base/alloc.h"
#include "kernels/kernels.h"

/* The two functions of the plug-in. Their names carry a version, raised when they change. */
#define LL_OPENBLAS_PRODUCT "llmcs_openblas_product_v2"
#define LL_OPENBLAS_MEASURE "llmcs_openblas_buffer_bytes_v2"

/* y[n_rows, n_out of ldy] += x[n_rows, n_in of ldx] w[n_out, n_in]^T with a buffer of the measured size, aligned to a
 * page. Sizes are OpenBLAS's int: those of models are int32_t from config.json on. */
typedef void (*ll_openblas_product_fn)(void *buffer, const float *x, size_t ldx, size_t n_rows, const float *w,
                                       size_t n_in, size_t n_out, float *y, size_t ldy);
/* Bytes of a buffer that suffice for every product on this processor; 0 if there is no memory to measure it. */
typedef size_t (*ll_openblas_measure_fn)(void);

typedef struct ll_openblas {
    void *library;
    ll_openblas_product_fn product;
    size_t buffer_bytes;
    ll_kernels kernels; /* the native kernel set with nr = 1: panels of one output are plain rows [n_out][n_in] */
    struct ll_openblas_buffers *buffers; /* NULL until reserved */
} ll_openblas;

/* Opens the plug-in from the folder of this library, or else from the dynamic linker's search path. UNSUPPORTED if it
 * is not found: the message says how to get it. NOMEM. */
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
