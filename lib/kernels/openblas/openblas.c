/* The library's side of the OpenBLAS plug-in: opening it, its buffers, and products. See openblas.h. */
#include "kernels/openblas/openblas.h"

#include <dlfcn.h>
#include <string.h>
#include <unistd.h>

#include "base/thread.h"

#define FILE_NAME "libllmcs_openblas.so"
#define FOLDER_BYTES 3072 /* on the stack; with a longer path the dynamic linker searches */
/* A model without a pool has one product in progress per caller: at most this many at once, or one per core if that is
 * less. */
#define MAX_BUFFERS_OF_CALLERS 8
#define BUFFER_ALIGNMENT 4096 /* OpenBLAS expects a page of its own */

/* ------------------------------------------------------------------------------------------------- opening */

static llmcs_status find_functions(void *library, const char *path, ll_openblas *o) {
    ll_openblas_measure_fn measure;
    void *product_entry = dlsym(library, LL_OPENBLAS_PRODUCT), *measure_entry = dlsym(library, LL_OPENBLAS_MEASURE);
    if (!product_entry || !measure_entry)
        return ll_fail(
            LLMCS_UNSUPPORTED,
            "backend openblas: %s has no " LL_OPENBLAS_PRODUCT ": it belongs to another version of this library", path);
    memcpy(&o->product, &product_entry, sizeof product_entry); /* POSIX: a pointer from dlsym may be a function */
    memcpy(&measure, &measure_entry, sizeof measure_entry);
    o->buffer_bytes = measure();
    if (!o->buffer_bytes) return ll_fail(LLMCS_NOMEM, "backend openblas: no memory to measure its buffers");
    return LLMCS_OK;
}

llmcs_status ll_openblas_open_at(const llmcs_allocator *a, const ll_kernels *native, const char *path,
                                 ll_openblas **out) {
    *out = NULL;
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library)
        return ll_fail(LLMCS_UNSUPPORTED,
                       "backend openblas: %s cannot be opened (build it with libopenblas-serial-dev "
                       "installed, or use the native backend): %s",
                       FILE_NAME, dlerror());
    ll_openblas opened = {.library = library, .kernels = *native}, *o = NULL;
    opened.kernels.nr = 1;
    llmcs_status st = find_functions(library, path, &opened);
    if (!st) st = ll_alloc(a, 1, sizeof *o, "OpenBLAS backend", &o);
    if (st) {
        dlclose(library);
        return st;
    }
    *o = opened;
    *out = o;
    return LLMCS_OK;
}

/* The plug-in's path in the folder of the library this code is in; false if that is not known. */
static bool path_next_to_this_library(char *path, size_t size) {
    static const char here = 0; /* an address of ours */
    Dl_info info;
    if (!dladdr(&here, &info) || !info.dli_fname) return false;
    const char *slash = strrchr(info.dli_fname, '/');
    const size_t folder = slash ? (size_t)(slash - info.dli_fname) + 1 : 0;
    if (folder == 0 || folder + sizeof FILE_NAME > size) return false;
    memcpy(path, info.dli_fname, folder);
    memcpy(path + folder, FILE_NAME, sizeof FILE_NAME);
    return true;
}

llmcs_status ll_openblas_open(const llmcs_allocator *a, const ll_kernels *native, ll_openblas **out) {
    char path[FOLDER_BYTES];
    if (path_next_to_this_library(path, sizeof path) && ll_openblas_open_at(a, native, path, out) != LLMCS_UNSUPPORTED)
        return *out ? LLMCS_OK : LLMCS_NOMEM;
    return ll_openblas_open_at(a, native, FILE_NAME, out);
}

/* ------------------------------------------------------------------------------------------------- buffers */

typedef struct ll_openblas_buffers {
    pid_t owner; /* a forked child must not touch lock and condition */
    pthread_mutex_t lock;
    pthread_cond_t returned;
    size_t n_idle;
    void *memory; /* of all of them */
    void *idle[]; /* [n_idle] */
} ll_openblas_buffers;

static size_t n_buffers_for(size_t n_threads) {
    if (n_threads > 1) return n_threads;
    return ll_min((size_t)ll_cpu_usable(), MAX_BUFFERS_OF_CALLERS);
}

uint64_t ll_openblas_reserve_bytes(const ll_openblas *openblas, size_t n_threads) {
    const size_t n = n_buffers_for(n_threads);
    return sizeof(ll_openblas_buffers) + n * sizeof(void *) + n * openblas->buffer_bytes + BUFFER_ALIGNMENT;
}

static llmcs_status make_buffers(ll_openblas_buffers *b, const ll_openblas *openblas, const llmcs_allocator *a,
                                 size_t n) {
    LL_TRY(ll_alloc(a, 1, n * openblas->buffer_bytes + BUFFER_ALIGNMENT, "OpenBLAS buffers", &b->memory));
    char *first = (char *)b->memory + (BUFFER_ALIGNMENT - (uintptr_t)b->memory % BUFFER_ALIGNMENT);
    for (size_t i = 0; i < n; i++) b->idle[i] = first + i * openblas->buffer_bytes;
    b->n_idle = n;
    if (pthread_mutex_init(&b->lock, NULL) != 0) return ll_fail(LLMCS_THREAD, "a lock could not be created");
    if (ll_condition_init(&b->returned) == 0) return LLMCS_OK;
    pthread_mutex_destroy(&b->lock);
    return ll_fail(LLMCS_THREAD, "a condition could not be created");
}

llmcs_status ll_openblas_reserve(ll_openblas *openblas, const llmcs_allocator *a, size_t n_threads) {
    const size_t n = n_buffers_for(n_threads);
    ll_openblas_buffers *b;
    LL_TRY(ll_alloc(a, 1, sizeof *b + n * sizeof(void *), "OpenBLAS buffers", &b));
    *b = (ll_openblas_buffers){.owner = getpid()};
    llmcs_status st = make_buffers(b, openblas, a, n);
    if (st) {
        ll_free(a, b->memory);
        ll_free(a, b);
        return st;
    }
    openblas->buffers = b;
    return LLMCS_OK;
}

static void free_buffers(ll_openblas_buffers *b, const llmcs_allocator *a) {
    if (b->owner == getpid()) {
        pthread_cond_destroy(&b->returned);
        pthread_mutex_destroy(&b->lock);
    }
    ll_free(a, b->memory);
    ll_free(a, b);
}

static void *acquire_buffer(ll_openblas_buffers *b) {
    pthread_mutex_lock(&b->lock);
    while (!b->n_idle) ll_condition_wait(&b->returned, &b->lock, UINT64_MAX);
    void *buffer = b->idle[--b->n_idle];
    pthread_mutex_unlock(&b->lock);
    return buffer;
}

static void return_buffer(ll_openblas_buffers *b, void *buffer) {
    pthread_mutex_lock(&b->lock);
    b->idle[b->n_idle++] = buffer;
    pthread_cond_signal(&b->returned);
    pthread_mutex_unlock(&b->lock);
}

void ll_openblas_close(const llmcs_allocator *a, ll_openblas **openblas) {
    if (!*openblas) return;
    if ((*openblas)->buffers) free_buffers((*openblas)->buffers, a);
    dlclose((*openblas)->library);
    ll_free(a, *openblas);
    *openblas = NULL;
}

/* ------------------------------------------------------------------------------------------------ products */

void ll_openblas_matmul(const ll_openblas *openblas, const ll_product *p) {
    for (size_t r = 0; r < p->n_rows; r++) {
        float *row = p->y + r * p->ldy;
        const float *residual = p->residual ? p->residual + r * p->ldy : NULL;
        if (residual && p->bias)
            openblas->kernels.add(residual, p->bias, row, p->n_out);
        else if (residual || p->bias)
            memmove(row, residual ? residual : p->bias, p->n_out * sizeof *row);
        else
            memset(row, 0, p->n_out * sizeof *row);
    }
    void *buffer = acquire_buffer(openblas->buffers);
    openblas->product(buffer, p->x, p->x_stride / sizeof(float), p->n_rows, p->w, p->n_in, p->n_out, p->y, p->ldy);
    return_buffer(openblas->buffers, buffer);
}
