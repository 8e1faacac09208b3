/* Tensor names: llama.cpp's (gguf-py/gguf/constants.py) and those of Hugging Face checkpoints. */
#ifndef LL_FORMATS_GGUF_NAMES_H
#define LL_FORMATS_GGUF_NAMES_H

#include "formats/config.h"
#include "formats/gguf.h"

#define LL_MAX_NAME_TEXT 128 /* of a translated name, NUL included */

/* The family whose names a GGUF file's tensors get: what llmcs.model_type says, or what architecture and tokenizer
 * mean. UNSUPPORTED for architectures that are not run. */
llmcs_status ll_gguf_family(const ll_gguf *g, ll_family *family);

/* "blk.3.attn_qkv.weight" to "transformer.h.3.attn.c_attn.weight". A name that llama.cpp does not know stays as it is.
 * False: too long for `out`. */
bool ll_gguf_to_checkpoint(ll_family family, const char *name, char out[LL_MAX_NAME_TEXT]);

/* The other way; the checkpoint's name may lack the family's prefix. *known: llama.cpp loads a tensor of this name. */
bool ll_checkpoint_to_gguf(ll_family family, const char *name, char out[LL_MAX_NAME_TEXT], bool *known);

/* What stands before the names of the family's own layers: "transformer.", nothing, or with what some program put
 * before that: "module.transformer.". *n_bytes: how much of `name` it is; false: not the name of such a layer. */
bool ll_checkpoint_prefix(ll_family family, const char *name, size_t *n_bytes);
/* What Transformers puts there. */
const char *ll_checkpoint_own_prefix(ll_family family);

#endif
