/* What the runtime needs of the tokenizer beside the public calls. */
#ifndef LL_TEXT_TOKENIZER_H
#define LL_TEXT_TOKENIZER_H

#include "formats/source.h"

/* As llmcs_tokenizer_open, for a source whose model type is known ("gpt2", "bert", ...; NULL: not known). */
llmcs_status ll_tokenizer_open(const ll_source *source, const char *model_type, const llmcs_allocator *a,
                               llmcs_tokenizer **out);

/* tokenizer_config.json's model_max_length; 0: none. */
size_t ll_tokenizer_max_length(const llmcs_tokenizer *t);

/* Largest number of special tokens llmcs_encode adds to a single text, or to a pair. */
size_t ll_tokenizer_n_added(const llmcs_tokenizer *t, bool pair);

#endif
