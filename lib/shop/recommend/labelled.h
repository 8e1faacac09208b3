/* The items that have a label: one linked list per label, in arrays, so an item changes a label in constant time. */
#ifndef SHOP_RECOMMEND_LABELLED_H
#define SHOP_RECOMMEND_LABELLED_H

#include "shop/recommend/row_map.h"

/* An entry in the list of `label`; the caller numbers entries. next and previous: entries + 1; 0: none. */
typedef struct shop_labelled_entry {
    uint32_t item, label, next, previous;
} shop_labelled_entry;

typedef struct shop_labelled {
    const llmcs_allocator *allocator;
    shop_labelled_entry *entries;
    size_t n, capacity;
    uint32_t *first;  /* [n_labels] entry + 1 */
    uint32_t *counts; /* [n_labels] */
    size_t n_labels, first_capacity, counts_capacity;
} shop_labelled;

void shop_labelled_free(shop_labelled *l);

/* Entry `number` now means that the item has the label; SHOP_NO_NUMBER: it means nothing. Changes nothing on failure.
 */
llmcs_status shop_labelled_set(shop_labelled *l, size_t number, uint32_t item, uint32_t label);

/* Number of entries of the label, which may be SHOP_NO_NUMBER. */
size_t shop_labelled_count(const shop_labelled *l, uint32_t label);

/* Writes the items of the label's entries to items [shop_labelled_count]. */
void shop_labelled_items(const shop_labelled *l, uint32_t label, uint32_t *items);

#endif
