/* What the runtime needs of the tokenizer beside the public calls. */
#ifndef LL_TEXT_TOKENIZER_H
#define LL_TEXT_TOKENIZER_H

#include "formats/tokenizer_files.h"

/* As llmcs_tokenizer_open, for a source whose model type is known ("gpt2", "bert", ...; NULL: not known). */
llmcs_status ll_tokenizer_open(const ll_source *source, const char *model_type, const llmcs_allocator *a,
                               llmcs_tokenizer **out);

/* The same from what was read of it; afterwards the ids of spec's added tokens are those in use, and entries of its
 * vocabulary that another has replaced have id -1. */
llmcs_status ll_tokenizer_create(ll_tokenizer_spec *spec, const llmcs_allocator *a, llmcs_tokenizer **out);

/* tokenizer_config.json's model_max_length; 0: none. */
size_t ll_tokenizer_max_length(const llmcs_tokenizer *t);

/* Largest number of special tokens llmcs_encode adds to a single text, or to a pair. */
size_t ll_tokenizer_n_added(const llmcs_tokenizer *t, bool pair);

#endif
