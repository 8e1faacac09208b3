/* Tensor names: llama.cpp's (gguf-py/gguf/constants.py) and those of Hugging Face checkpoints. */
#ifndef LL_FORMATS_GGUF_NAMES_H
#define LL_FORMATS_GGUF_NAMES_H

#include "families/family.h"
#include "formats/config.h"
#include "formats/gguf.h"

#define LL_MAX_NAME_TEXT 128 /* of a translated name, NUL included */

/* The family of a GGUF file: by llmcs.model_family, else by architecture and tokenizer. UNSUPPORTED for other
 * architectures. */
llmcs_status ll_gguf_family(const ll_gguf *g, const ll_family **family);

/* True if the file has the family's architecture name in llama.cpp. Files that llama.cpp must not run have another. */
llmcs_status ll_gguf_runs_in_llama_cpp(const ll_gguf *g, const ll_family *family, bool *runs);

/* Translates "blk.3.attn_qkv.weight" to "transformer.h.3.attn.c_attn.weight". A name that llama.cpp does not have stays
 * unchanged. False: too long for `out`. */
bool ll_gguf_to_checkpoint(const ll_family *family, const char *name, char out[LL_MAX_NAME_TEXT]);

/* The inverse; the checkpoint's name may lack the family's prefix. *known: llama.cpp loads a tensor with this name. */
bool ll_checkpoint_to_gguf(const ll_family *family, const char *name, char out[LL_MAX_NAME_TEXT], bool *known);

/* Finds the prefix of the family's layers: "transformer.", "", or with another program's prefix in front
 * "module.transformer.". *n_bytes: its length in `name`; false: `name` is not a tensor of a layer. */
bool ll_checkpoint_prefix(const ll_family *family, const char *name, size_t *n_bytes);
/* The role of a tensor of the stack, by its name without prefix and ".weight" or ".bias"; LL_N_ROLES: no role. */
ll_role ll_checkpoint_role(const ll_family *family, const char *name, size_t n_bytes);

#endif
