/*
 * libllmcs_openblas.so: the two functions that the library calls. See kernels/openblas/openblas.h.
 *
 * How much of its buffer a product uses follows from OpenBLAS's block sizes, which depend on the processor and are not
 * public: a block of w, and the x of all rows for a block of inputs. So rows are multiplied ROWS at a time, which
 * bounds the second, and one such product that is large in every other direction is made in a buffer of OpenBLAS's own
 * size, to see how far it gets.
 */
#include <cblas.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kernels/openblas/openblas.h"
#include "kernels/openblas/plugin/buffer.h"

#define ROWS 256
/* A matrix by a vector uses a float for each input and output: of these many at a time. */
#define VECTOR_INPUTS 65536
#define VECTOR_OUTPUTS 16384
#define VECTOR_BYTES ((VECTOR_INPUTS + VECTOR_OUTPUTS + 1024) * sizeof(float))

/* For the measurement: more inputs and outputs than two blocks of any processor's, and what OpenBLAS allocates. */
#define LARGE 2048
#define OWN_BUFFER_BYTES ((size_t)128 << 20)
#define OPERAND_BYTES ((size_t)LARGE * LARGE * sizeof(float))

LLMCS_API void llmcs_openblas_product_v2(void *buffer, const float *x, size_t ldx, size_t n_rows, const float *w,
                                         size_t n_in, size_t n_out, float *y, size_t ldy);
LLMCS_API size_t llmcs_openblas_buffer_bytes_v2(void);

static size_t at_most(size_t n, size_t limit) { return n < limit ? n : limit; }

static void multiply_vector(const float *x, const float *w, size_t n_in, size_t n_out, float *y) {
    for (size_t out = 0; out < n_out; out += VECTOR_OUTPUTS) {
        for (size_t k = 0; k < n_in; k += VECTOR_INPUTS) {
            cblas_sgemv(CblasRowMajor, CblasNoTrans, (int)at_most(n_out - out, VECTOR_OUTPUTS),
                        (int)at_most(n_in - k, VECTOR_INPUTS), 1.0f, w + out * n_in + k, (int)n_in, x + k, 1, 1.0f,
                        y + out, 1);
        }
    }
}

void llmcs_openblas_product_v2(void *buffer, const float *x, size_t ldx, size_t n_rows, const float *w, size_t n_in,
                               size_t n_out, float *y, size_t ldy) {
    ll_openblas_use_buffer(buffer);
    if (n_rows == 1) {
        multiply_vector(x, w, n_in, n_out, y);
        return;
    }
    for (size_t r = 0; r < n_rows; r += ROWS)
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)at_most(n_rows - r, ROWS), (int)n_out, (int)n_in,
                    1.0f, x + r * ldx, (int)ldx, w, (int)n_in, 1.0f, y + r * ldy, (int)ldy);
}

static void *map_zeros(size_t n_bytes) {
    void *p = mmap(NULL, n_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

static void unmap(void *p, size_t n_bytes) {
    if (p) munmap(p, n_bytes);
}

/* Bytes up to the end of the last page that was touched, of which the kernel knows. */
static size_t touched_bytes(void *area) {
    const size_t page = (size_t)sysconf(_SC_PAGESIZE), n_pages = OWN_BUFFER_BYTES / page;
    unsigned char *present = map_zeros(n_pages);
    size_t n = 0;
    if (present && mincore(area, OWN_BUFFER_BYTES, present) == 0)
        for (n = n_pages; n > 0 && !(present[n - 1] & 1); n--) {
        }
    unmap(present, n_pages);
    return n * page;
}

size_t llmcs_openblas_buffer_bytes_v2(void) {
    void *area = map_zeros(OWN_BUFFER_BYTES);
    float *operand = map_zeros(OPERAND_BYTES), *y = map_zeros(OPERAND_BYTES);
    size_t n_bytes = 0;
    if (area && operand && y) {
        madvise(area, OWN_BUFFER_BYTES, MADV_NOHUGEPAGE); /* pages one by one; without it the answer is larger */
        llmcs_openblas_product_v2(area, operand, LARGE, ROWS, operand, LARGE, LARGE, y, LARGE);
        n_bytes = touched_bytes(area);
    }
    unmap(area, OWN_BUFFER_BYTES);
    unmap(operand, OPERAND_BYTES);
    unmap(y, OPERAND_BYTES);
    return n_bytes && n_bytes < VECTOR_BYTES ? (VECTOR_BYTES + 4095) / 4096 * 4096 : n_bytes;
}
