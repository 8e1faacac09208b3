/* Writes the header of a safetensors file. */
#ifndef LL_FORMATS_SAFETENSORS_WRITE_H
#define LL_FORMATS_SAFETENSORS_WRITE_H

#include "base/output.h"
#include "formats/tensor.h"

/* Writes the header of a file with these tensors [n]; the caller writes their data in this order, without gaps. LIMIT:
 * more than LL_MAX_HEADER_BYTES. NOMEM IO NOSPACE. */
llmcs_status ll_safetensors_write_header(ll_output *out, const llmcs_allocator *a, const ll_tensor *const *tensors,
                                         size_t n);

#endif
