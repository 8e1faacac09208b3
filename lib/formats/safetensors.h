/* The header of one safetensors file, read strictly
 * (https://huggingface.co/docs/safetensors, "Format"; the stricter points are in safetensors.c). */
#ifndef LL_FORMATS_SAFETENSORS_H
#define LL_FORMATS_SAFETENSORS_H

#include "base/file.h"
#include "formats/tensor.h"

#define LL_MAX_HEADER_BYTES 100000000u /* as in the reference implementation */

/* Appends the tensors of `file`, which is number `index` of the checkpoint and is called `name` in messages, in the
 * order of their offsets, then tensors that __metadata__ says share the memory of one of them. On failure the list may
 * hold some of them. Names that the list has already are not looked for: see tensors.c. */
llmcs_status ll_safetensors_read(ll_tensor_list *list, const ll_file *file, uint32_t index, const char *name);

#endif
