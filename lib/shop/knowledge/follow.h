/* What is in memory of live texts: vectors in an llmcs_index, words in a shop_word_index. Both follow the store,
 * whichever process writes it. */
#ifndef SHOP_KNOWLEDGE_FOLLOW_H
#define SHOP_KNOWLEDGE_FOLLOW_H

#include "shop/store/store.h"

struct shop_word_index;

/* Brings both to the snapshot of `c`. Reads everything the first time, afterwards what has changed. */
llmcs_status shop_follow(llmcs_shop *shop, shop_connection *c);

struct shop_word_index *shop_words_in_memory(llmcs_shop *shop);
/* For tests: other limits than SHOP_WORD_INDEX_BYTES and SHOP_ENTRY_TEXTS_BYTES. Before the first question. */
llmcs_status shop_limit_texts_in_memory(llmcs_shop *shop, size_t index_bytes, size_t entry_bytes);

/* The texts.row of the k nearest vectors, best first, and their cosines. *n is 0 without vectors. After shop_follow. */
llmcs_status shop_nearest(llmcs_shop *shop, const float *vector, size_t k, uint64_t *rows, float *cosines, size_t *n);

/* The vector of a text, [n_embedding]. *found is false if there is none. */
llmcs_status shop_text_vector(llmcs_shop *shop, int64_t row, float *vector, bool *found);

#endif
