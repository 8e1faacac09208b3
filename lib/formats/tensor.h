/* A tensor's entry in a file's header: name, type, shape, and position of the data. */
#ifndef LL_FORMATS_TENSOR_H
#define LL_FORMATS_TENSOR_H

#include "base/arena.h"

#define LL_MAX_TENSORS 65536 /* of a checkpoint */
#define LL_MAX_TENSOR_NAME_BYTES 1024

typedef enum ll_dtype {
    LL_DTYPE_F32,
    LL_DTYPE_F16,
    LL_DTYPE_BF16,
    LL_DTYPE_F64,
    /* Block types of GGUF files; see convert.h. */
    LL_DTYPE_Q8_0,
    LL_DTYPE_Q4_0,
    LL_DTYPE_Q4_1,
    LL_DTYPE_Q6_K,
    LL_DTYPE_OTHER /* a type of the format (I64, BOOL, F8_*...) that is not supported */
} ll_dtype;

#define LL_DTYPE_NAMES "F64, F32, F16, BF16, Q8_0, Q4_0, Q4_1 and Q6_K" /* all but OTHER */

#define LL_MAX_RANK 8

typedef struct ll_tensor {
    const char *name; /* NUL-terminated, no NUL inside */
    size_t name_bytes;
    ll_dtype dtype;
    const char *dtype_name; /* as written: "BF16" */
    int rank;
    uint64_t shape[LL_MAX_RANK];
    uint64_t n_elements, n_bytes;
    /* A matrix is [n_out, n_in], as in every GGUF file, even if the family's safetensors files have it transposed. */
    bool out_in;
    uint32_t file;                         /* number of its file in the checkpoint */
    uint64_t offset;                       /* in bytes from the start of that file */
    const struct ll_tensor_change *change; /* NULL: the elements are as stored; see tensors_change.h */
} ll_tensor;

/* "[2304,768]" into `out`, which is returned. */
#define LL_SHAPE_TEXT_BYTES (LL_MAX_RANK * 21 + 3)
const char *ll_shape_text(const uint64_t *shape, int rank, char out[LL_SHAPE_TEXT_BYTES]);

/* A growing list of tensors with their names. */
typedef struct ll_tensor_list {
    ll_arena names;
    ll_tensor *items;
    size_t count, capacity;
} ll_tensor_list;

void ll_tensor_list_init(ll_tensor_list *list, const llmcs_allocator *a);
void ll_tensor_list_free(ll_tensor_list *list);

/* Sets *by_name to the indices of the tensors [n], sorted by name, allocated from `a`. */
llmcs_status ll_tensors_sort(const llmcs_allocator *a, const ll_tensor *tensors, size_t n, uint32_t **by_name);
/* NULL if no tensor has the name. O(log n). */
const ll_tensor *ll_tensors_search(const ll_tensor *tensors, const uint32_t *by_name, size_t n, const char *name,
                                   size_t name_bytes);

/* Order for ll_sort_u32 over an array of tensors: by offset; at the same offset an empty tensor comes first. */
bool ll_tensor_offset_before(const void *tensors, uint32_t a, uint32_t b);

#endif
