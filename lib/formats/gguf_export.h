/* The parts of a GGUF file that llmcs_quantize writes: standard keys for llama.cpp, and keys of this library that keep
 * everything else in the folder. */
#ifndef LL_FORMATS_GGUF_EXPORT_H
#define LL_FORMATS_GGUF_EXPORT_H

#include "formats/config.h"
#include "formats/gguf_write.h"
#include "formats/tokenizer_files.h"

/* The network's feature that llama.cpp does not support, as part of a message; NULL: none. */
const char *ll_gguf_foreign_to_llama_cpp(const ll_config *c);

/* Writes the architecture and its sizes. dtype: the type of the matrices. foreign: write an architecture name that
 * llama.cpp refuses, because it would run the network incorrectly. */
void ll_gguf_export_network(ll_gguf_header *h, const ll_config *c, ll_dtype dtype, bool foreign);

/* Writes vocabulary, merges and special tokens (ids by llmcs_special, -1: none) of the tokenizer made from `spec`
 * (NULL: no tokenizer). Tables by id have vocab_size rows. Logs (WARN) what llama.cpp does differently. */
llmcs_status ll_gguf_export_tokenizer(ll_gguf_header *h, const ll_tokenizer_spec *spec, const int32_t *special,
                                      const ll_config *c, const ll_log *log);

/* Embeds the folder's files under their names in the network's folder; tokenizer.json without vocabulary and merges.
 * tokenizer: the source of the model's tokenizer files; NULL: there are none. */
llmcs_status ll_gguf_export_files(ll_gguf_header *h, const ll_source *source, const ll_source *tokenizer,
                                  ll_token_model model, const ll_config *c);

/* GGUF's number of a type that this library writes. */
uint32_t ll_gguf_type_number(ll_dtype dtype);

#endif
