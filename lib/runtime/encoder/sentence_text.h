/* Texts as sentence-transformers hands them to its tokenizer. */
#ifndef LL_RUNTIME_SENTENCE_TEXT_H
#define LL_RUNTIME_SENTENCE_TEXT_H

#include "runtime/model/model.h"

/* The folder's prompt before the text, and no white space around either text of a pair (SentenceTransformer.encode,
 * models/Transformer.py); *out points into `text` or into *owned, from the model's allocator. A folder without
 * modules.json leaves the text as it is. */
llmcs_status ll_sentence_text(const llmcs_model *m, const llmcs_text *text, llmcs_text *out, char **owned);

/* How many tokens of a sequence are the prompt's and come before the text's, special ones included, as
 * sentence-transformers counts them; 0 if the mean takes the prompt's tokens, too. */
llmcs_status ll_sentence_prompt_tokens(const llmcs_model *m, size_t max_length, size_t *n_tokens);

#endif
