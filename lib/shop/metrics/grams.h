/*
 * Ids of words, characters and n-grams: a trie in a hash table.
 *
 * A node is a prefix (a node) and the symbol that follows it. Equal sequences from the same root are the same node, so
 * two n-grams are equal if and only if their ids are equal. A word is the sequence of its characters, an n-gram of
 * words is the sequence of their ids.
 */
#ifndef SHOP_METRICS_GRAMS_H
#define SHOP_METRICS_GRAMS_H

#include "shop/metrics/words.h"

/* Sequences from different roots are always different nodes. */
enum { SHOP_ROOT_CHARS = 0, SHOP_ROOT_WORDS = 1, SHOP_ROOT_STEMS = 2, SHOP_N_ROOTS = 3 };
/* Marks a symbol that is a character rather than the id of a word. */
#define SHOP_CHAR_SYMBOL 0x80000000u

typedef struct shop_gram_slot {
    uint64_t key;
    uint32_t id;
    uint32_t stamp; /* in use if equal to the table's stamp */
} shop_gram_slot;

typedef struct shop_gram_counts {
    uint32_t hypothesis, reference, most; /* zero for a new node */
} shop_gram_counts;

typedef struct shop_grams {
    const llmcs_allocator *allocator;
    shop_gram_slot *slots; /* [n_slots], a power of two */
    size_t n_slots;
    uint32_t stamp, n_ids;
    shop_gram_counts *counts; /* [n_ids] */
    size_t counts_capacity;
} shop_grams;

void shop_grams_init(shop_grams *grams, const llmcs_allocator *a);
void shop_grams_free(shop_grams *grams);

/* Removes all nodes. */
void shop_grams_clear(shop_grams *grams);

/* Reserves memory for n_more nodes, so that shop_gram cannot fail. LIMIT: more than 2^30 nodes. */
llmcs_status shop_grams_reserve(shop_grams *grams, size_t n_more);

/* The node for `symbol` after `prefix`, added if new. */
uint32_t shop_gram(shop_grams *grams, uint32_t prefix, uint32_t symbol);

/* The same without adding: false if there is no such node. */
bool shop_gram_find(const shop_grams *grams, uint32_t prefix, uint32_t symbol, uint32_t *node);

/* The id of a sequence of characters; its nodes must be reserved. */
uint32_t shop_gram_of_chars(shop_grams *grams, uint32_t root, const uint32_t *chars, size_t n);

/* Sets ids [words->n] to the ids of all words. */
llmcs_status shop_grams_of_words(shop_grams *grams, uint32_t root, const shop_metric_words *words, uint32_t *ids);

#endif
