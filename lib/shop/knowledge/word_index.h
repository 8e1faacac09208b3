/*
 * All live texts of the store in memory, with an inverted index over their words. Returns the same rows with the same
 * BM25 as FTS5 on the table text_words, without reading the store.
 *
 * The index is complete or absent: if the texts need more than SHOP_WORD_INDEX_BYTES, FTS5 searches instead. Its
 * entries are shared and immutable; a new version is another entry.
 */
#ifndef SHOP_KNOWLEDGE_WORD_INDEX_H
#define SHOP_KNOWLEDGE_WORD_INDEX_H

#include "shop/knowledge/entry_texts.h"

enum { SHOP_WORD_INDEX_BYTES = 64 << 20 };

typedef struct shop_word_index shop_word_index;

/* most_bytes: SHOP_WORD_INDEX_BYTES; tests use less. */
llmcs_status shop_word_index_create(llmcs_shop *shop, size_t most_bytes, shop_word_index **index);
void shop_word_index_free(llmcs_shop *shop, shop_word_index **index);

/* Brings the index up to the snapshot of `c`. One thread at a time. After a failure the next call rebuilds it. */
llmcs_status shop_word_index_follow(llmcs_shop *shop, shop_word_index *index, shop_connection *c, int64_t changes);

/* True if the index is up to date. Thread-safe. */
bool shop_word_index_is_current(const shop_word_index *index, int64_t changes);

/* Begins a search: the index does not change until shop_word_index_end. False if it is not complete. */
bool shop_word_index_begin(shop_word_index *index);
void shop_word_index_end(shop_word_index *index);

/* Inside: */

/* Between begin and end. Number of live texts, and of those with a word of shop_words_make. */
int64_t shop_word_index_texts(const shop_word_index *index);
int64_t shop_word_index_count(const shop_word_index *index, const char *word, size_t len, uint64_t hash);

typedef struct shop_scored_text {
    double score;
    int64_t row;
    uint32_t slot;
} shop_scored_text;

/* Finds the texts with any of the words, unordered, with FTS5's BM25, summed in the order of the words. The caller
 * frees *found. *exact is false if FTS5 splits a word into several tokens; FTS5 must search then. */
llmcs_status shop_word_index_score(llmcs_shop *shop, shop_word_index *index, const shop_words *words,
                                   const uint64_t *hashes, const size_t *order, size_t n_order,
                                   shop_scored_text **found, size_t *n, bool *exact);

/* Returns the entry of a text, and the text in it; NULL if the row is not live. */
const shop_entry_texts *shop_word_index_row(const shop_word_index *index, int64_t row, const shop_entry_text **text);
const shop_entry_texts *shop_word_index_slot(const shop_word_index *index, uint32_t slot, const shop_entry_text **text);

#endif
