/* Prepares texts for the tokenizer as sentence-transformers does. */
#ifndef LL_RUNTIME_SENTENCE_TEXT_H
#define LL_RUNTIME_SENTENCE_TEXT_H

#include "runtime/model/model.h"

/* Prepends the prompt and, if the folder is a sentence-transformers one, strips white space around either text of a
 * pair (SentenceTransformer.encode, models/Transformer.py). *out points into `text` or into *owned, from the model's
 * allocator. */
llmcs_status ll_sentence_text(const llmcs_model *m, const char *prompt, const llmcs_text *text, llmcs_text *out,
                              char **owned);

/* The number of tokens before the text's own, as sentence-transformers counts them: the prompt's and special ones, but
 * not a special one at the end. */
llmcs_status ll_sentence_prompt_tokens(const llmcs_model *m, const char *prompt, size_t max_length, size_t *n_tokens);

#endif
