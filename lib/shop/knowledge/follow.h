/* The live texts in memory: vectors in an llmcs_index, words in a shop_word_index. Both follow the store, including
 * changes by other processes. */
#ifndef SHOP_KNOWLEDGE_FOLLOW_H
#define SHOP_KNOWLEDGE_FOLLOW_H

#include "shop/store/store.h"

struct shop_word_index;

/* Brings both indexes up to the snapshot of `c`. The first call reads everything, later ones only the changes. */
llmcs_status shop_follow(llmcs_shop *shop, shop_connection *c);

struct shop_word_index *shop_words_in_memory(llmcs_shop *shop);
/* For tests: limits in place of SHOP_WORD_INDEX_BYTES and SHOP_ENTRY_TEXTS_BYTES. Call before the first question. */
llmcs_status shop_limit_texts_in_memory(llmcs_shop *shop, size_t index_bytes, size_t entry_bytes);

/* Returns the texts.row of the k nearest vectors, best first, and their cosines. *n is 0 without vectors. Call after
 * shop_follow. */
llmcs_status shop_nearest(llmcs_shop *shop, const float *vector, size_t k, uint64_t *rows, float *cosines, size_t *n);

/* Reads the vector of a text, [n_embedding]; *found is false if it has none. */
llmcs_status shop_text_vector(llmcs_shop *shop, int64_t row, float *vector, bool *found);

#endif
