/*
 * An index as a file. All numbers are little-endian.
 *
 *     offset  bytes
 *          0      8  "LLMCSIDX"
 *          8      4  version of the format, 1
 *         12      4  type (llmcs_vector_type)
 *         16      4  metric (llmcs_metric)
 *         20      4  flags (LLMCS_INDEX_*)
 *         24      4  dim
 *         28      4  n_lists; 0: flat
 *         32      4  n_probe; 0: flat
 *         36      4  0
 *         40      8  n_vectors
 *         48      8  the model's fingerprint
 *         56      8  bytes of the attachment
 *         64      8  bytes of the file
 *         72      8  XXH64 of the bytes before
 *
 * Then the sections, contiguous, each followed by its XXH64 (8 bytes):
 *
 *     ids         [n_vectors] uint64
 *     tags        [n_vectors] uint64
 *     numbers     [n_vectors] float64
 *     lists       [n_lists] uint64: vectors of each list; vectors are in the order of their lists
 *     centroids   [n_lists, dim] float32
 *     vectors     [n_vectors, dim] F32: float32; F16, and INT8 with a float16 copy: float16; else each vector is a
 *                 float32 scale and dim int8
 *     attachment
 *
 * The XXH64 of a section is that of its chunks, each the seed of the next; a chunk is as many elements as fit
 * LL_INDEX_CHUNK bytes, at least one; that of an empty section is 0. An element is a number, a vector, or a byte of the
 * attachment.
 */
#ifndef LL_SEARCH_FILE_H
#define LL_SEARCH_FILE_H

#include "search/index.h"

#define LL_INDEX_MAGIC "LLMCSIDX"
#define LL_INDEX_VERSION 1
#define LL_INDEX_HEAD_BYTES 80
#define LL_INDEX_CHUNK ((size_t)1 << 20)
#define LL_INDEX_MAX_LISTS 65536

typedef enum ll_section {
    LL_SECTION_IDS,
    LL_SECTION_TAGS,
    LL_SECTION_NUMBERS,
    LL_SECTION_LISTS,
    LL_SECTION_CENTROIDS,
    LL_SECTION_VECTORS,
    LL_SECTION_ATTACHMENT,
    LL_N_SECTIONS
} ll_section;

typedef struct ll_index_head {
    uint32_t type, metric, flags, dim, n_lists, n_probe;
    uint64_t n_vectors, model_fingerprint, n_attachment, file_bytes;
} ll_index_head;

typedef struct ll_section_size {
    uint64_t n, element_bytes; /* elements */
} ll_section_size;

ll_section_size ll_index_section(const ll_index_head *h, ll_section section);
/* Bytes of the whole file; UINT64_MAX on overflow. */
uint64_t ll_index_file_bytes(const ll_index_head *h);

static inline void ll_put_le(unsigned char *to, uint64_t value, size_t n_bytes) {
    for (size_t i = 0; i < n_bytes; i++) to[i] = (unsigned char)(value >> (8 * i));
}
static inline uint64_t ll_get_le(const unsigned char *from, size_t n_bytes) {
    uint64_t value = 0;
    for (size_t i = 0; i < n_bytes; i++) value |= (uint64_t)from[i] << (8 * i);
    return value;
}
/* Numbers of 2, 4 or 8 bytes between memory and file; on little-endian machines a copy. */
static inline void ll_copy_le(void *to, const void *from, size_t n, size_t size) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    __builtin_memcpy(to, from, n * size);
#else
    for (size_t i = 0; i < n * size; i++)
        ((unsigned char *)to)[i] = ((const unsigned char *)from)[i / size * size + size - 1 - i % size];
#endif
}

#endif
