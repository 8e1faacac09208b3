/*
 * All live texts of the store in memory, with an inverted index over their words: the same rows with the same BM25 that
 * FTS5 finds in the table text_words, without reading the store.
 *
 * It is complete, or there is none: a store whose texts take more than SHOP_WORD_INDEX_BYTES is searched by FTS5.
 * Entries in it are shared and never change; a new version is another entry.
 */
#ifndef SHOP_KNOWLEDGE_WORD_INDEX_H
#define SHOP_KNOWLEDGE_WORD_INDEX_H

#include "shop/knowledge/entry_texts.h"

enum { SHOP_WORD_INDEX_BYTES = 64 << 20 };

typedef struct shop_word_index shop_word_index;

/* most_bytes: SHOP_WORD_INDEX_BYTES, less for tests. */
llmcs_status shop_word_index_create(llmcs_shop *shop, size_t most_bytes, shop_word_index **index);
void shop_word_index_free(llmcs_shop *shop, shop_word_index **index);

/* Brings it to the snapshot of `c`. One thread at a time; after a failure the next call begins anew. */
llmcs_status shop_word_index_follow(llmcs_shop *shop, shop_word_index *index, shop_connection *c, int64_t changes);

/* Whether there is nothing to follow. Any thread. */
bool shop_word_index_is_current(const shop_word_index *index, int64_t changes);

/* False: it is not complete. Else it stays as it is until shop_word_index_end. */
bool shop_word_index_begin(shop_word_index *index);
void shop_word_index_end(shop_word_index *index);

/* Inside: */

/* Live texts, and those with a word of shop_words_make. */
int64_t shop_word_index_texts(const shop_word_index *index);
int64_t shop_word_index_count(const shop_word_index *index, const char *word, size_t len, uint64_t hash);

typedef struct shop_scored_text {
    double score;
    int64_t row;
    uint32_t slot;
} shop_scored_text;

/* The texts that have one of the words, in no order, by BM25 as FTS5 computes it: sums in the order of the words.
 * *found is allocated. *exact is false if a word is several to FTS5, which then has to search. */
llmcs_status shop_word_index_score(llmcs_shop *shop, shop_word_index *index, const shop_words *words,
                                   const uint64_t *hashes, const size_t *order, size_t n_order,
                                   shop_scored_text **found, size_t *n, bool *exact);

/* The entry of a text and the text in it; NULL if the row is not live. */
const shop_entry_texts *shop_word_index_row(const shop_word_index *index, int64_t row, const shop_entry_text **text);
const shop_entry_texts *shop_word_index_slot(const shop_word_index *index, uint32_t slot, const shop_entry_text **text);

#endif
