/* Tensor names: llama.cpp's (gguf-py/gguf/constants.py) and those of Hugging Face checkpoints. */
#ifndef LL_FORMATS_GGUF_NAMES_H
#define LL_FORMATS_GGUF_NAMES_H

#include "families/family.h"
#include "formats/config.h"
#include "formats/gguf.h"

#define LL_MAX_NAME_TEXT 128 /* of a translated name, NUL included */

/* The family whose names a GGUF file's tensors get: by llmcs.model_family, else by architecture and tokenizer.
 * UNSUPPORTED for other architectures. */
llmcs_status ll_gguf_family(const ll_gguf *g, const ll_family **family);

/* True if the file is of the family's architecture in llama.cpp. Files that llama.cpp must not run have another. */
llmcs_status ll_gguf_runs_in_llama_cpp(const ll_gguf *g, const ll_family *family, bool *runs);

/* Translates "blk.3.attn_qkv.weight" to "transformer.h.3.attn.c_attn.weight". A name that llama.cpp does not know stays
 * unchanged. False: too long for `out`. */
bool ll_gguf_to_checkpoint(const ll_family *family, const char *name, char out[LL_MAX_NAME_TEXT]);

/* The other way; the checkpoint's name may lack the family's prefix. *known: llama.cpp loads a tensor of this name. */
bool ll_checkpoint_to_gguf(const ll_family *family, const char *name, char out[LL_MAX_NAME_TEXT], bool *known);

/* The prefix of the family's own layers: "transformer.", "", or with another program's prefix before it:
 * "module.transformer.". *n_bytes: its length in `name`; false: not the name of such a layer. */
bool ll_checkpoint_prefix(const ll_family *family, const char *name, size_t *n_bytes);
/* The role of a tensor of the stack, by its name without prefix and ".weight" or ".bias"; LL_N_ROLES: it has none. */
ll_role ll_checkpoint_role(const ll_family *family, const char *name, size_t n_bytes);

#endif
