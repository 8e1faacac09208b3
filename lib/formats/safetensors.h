/* The header of one safetensors file, read strictly
 * (https://huggingface.co/docs/safetensors, "Format"; the stricter points are in safetensors.c). */
#ifndef LL_FORMATS_SAFETENSORS_H
#define LL_FORMATS_SAFETENSORS_H

#include "base/arena.h"
#include "base/file.h"
#include "formats/tensors.h"

#define LL_MAX_TENSORS 65536           /* of a checkpoint */
#define LL_MAX_HEADER_BYTES 100000000u /* as in the reference implementation */
#define LL_MAX_TENSOR_NAME_BYTES 1024

/* A growing list of tensors with their names. */
typedef struct ll_tensor_list {
    ll_arena names;
    ll_tensor *items;
    size_t count, capacity;
} ll_tensor_list;

void ll_tensor_list_init(ll_tensor_list *list, const llmcs_allocator *a);
void ll_tensor_list_free(ll_tensor_list *list);

/* *by_name: the numbers of the tensors [n] in the order of their names, from `a`. */
llmcs_status ll_tensors_sort(const llmcs_allocator *a, const ll_tensor *tensors, size_t n, uint32_t **by_name);
/* NULL if none has the name. O(log n). */
const ll_tensor *ll_tensors_search(const ll_tensor *tensors, const uint32_t *by_name, size_t n, const char *name,
                                   size_t name_bytes);

/* Appends the tensors of `file`, which is number `index` of the checkpoint and is called `name` in messages, in the
 * order of their offsets, then tensors that __metadata__ says share the memory of one of them. On failure the list may
 * hold some of them. Names that the list has already are not looked for: see tensors.c. */
llmcs_status ll_safetensors_read(ll_tensor_list *list, const ll_file *file, uint32_t index, const char *name);

#endif
