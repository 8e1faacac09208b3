/* The parts of a GGUF file that llmcs_quantize writes: standard keys, so that llama.cpp opens the file, and keys of our
 * own, so that nothing of the folder is lost. */
#ifndef LL_FORMATS_GGUF_EXPORT_H
#define LL_FORMATS_GGUF_EXPORT_H

#include "formats/config.h"
#include "formats/gguf_write.h"
#include "formats/tokenizer_files.h"

/* The feature of the network that llama.cpp does not support; NULL: none. */
const char *ll_gguf_foreign_to_llama_cpp(const ll_config *c);

/* The architecture and its sizes. dtype: the type of the matrices. foreign: use an architecture that llama.cpp refuses,
 * because it would run the real one incorrectly. */
void ll_gguf_export_network(ll_gguf_header *h, const ll_config *c, ll_dtype dtype, bool foreign);

/* Vocabulary, merges and special tokens (ids by llmcs_special, -1: none) of a tokenizer that was created from spec;
 * NULL: there is none. Tables by id have vocab_size rows. Logs (WARN) what llama.cpp does differently. */
llmcs_status ll_gguf_export_tokenizer(ll_gguf_header *h, const ll_tokenizer_spec *spec, const int32_t *special,
                                      const ll_config *c, const ll_log *log);

/* The folder's files, under the names that they have in the network's folder; tokenizer.json without vocabulary
 * and merges. tokenizer: where the tokenizer's files are, of this model; NULL: there are none. */
llmcs_status ll_gguf_export_files(ll_gguf_header *h, const ll_source *source, const ll_source *tokenizer,
                                  ll_token_model model, const ll_config *c);

/* The number of a type that is written. */
uint32_t ll_gguf_type_number(ll_dtype dtype);

#endif
