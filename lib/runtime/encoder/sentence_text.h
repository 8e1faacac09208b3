/* Texts as sentence-transformers hands them to its tokenizer. */
#ifndef LL_RUNTIME_SENTENCE_TEXT_H
#define LL_RUNTIME_SENTENCE_TEXT_H

#include "runtime/model/model.h"

/* Prepends the folder's prompt and strips white space around either text of a pair (SentenceTransformer.encode,
 * models/Transformer.py). *out points into `text` or into *owned, from the model's allocator. A folder without
 * modules.json leaves the text unchanged. */
llmcs_status ll_sentence_text(const llmcs_model *m, const llmcs_text *text, llmcs_text *out, char **owned);

/* The number of tokens before the text's own: the prompt's and special ones, as sentence-transformers counts them; 0 if
 * the mean includes the prompt's tokens. */
llmcs_status ll_sentence_prompt_tokens(const llmcs_model *m, size_t max_length, size_t *n_tokens);

#endif
