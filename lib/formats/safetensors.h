/* The header of one safetensors file, read strictly
 * (https://huggingface.co/docs/safetensors, "Format"; the stricter points are in safetensors.c). */
#ifndef LL_FORMATS_SAFETENSORS_H
#define LL_FORMATS_SAFETENSORS_H

#include "base/file.h"
#include "formats/tensor.h"

#define LL_MAX_HEADER_BYTES 100000000u /* as in the reference implementation */

/* Appends the tensors of `file` in the order of their offsets, then those that share the memory of one of them
 * according to __metadata__. `index` is the file's number in the checkpoint, `name` is for messages. On failure the
 * list may hold some of them. tensors.c finds names that are already in the list. */
llmcs_status ll_safetensors_read(ll_tensor_list *list, const ll_file *file, uint32_t index, const char *name);

#endif
