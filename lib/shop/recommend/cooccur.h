/*
 * Which items the same customers choose: the implicit cosine of item-based nearest neighbours, updated with each event.
 *
 * Each customer has a weight w for each item of the basket. The table stores, summed over customers, w(i) w(j) for
 * pairs and w(i)^2 for items. When a weight changes by d, its pairs with the other items of that basket change by d *
 * w(j).
 */
#ifndef SHOP_RECOMMEND_COOCCUR_H
#define SHOP_RECOMMEND_COOCCUR_H

#include "shop/recommend/row_map.h"

enum {
    SHOP_MAX_BASKET = 200,     /* items per customer; the oldest is dropped. Bounds the cost of a crawler */
    SHOP_MAX_NEIGHBOURS = 4096 /* per item; later ones are not listed */
};

typedef struct shop_basket_entry {
    uint32_t item;
    float weight;
} shop_basket_entry;

typedef struct shop_basket {
    shop_basket_entry *entries; /* oldest first */
    size_t n, capacity;
} shop_basket;

typedef struct shop_neighbours {
    uint32_t *items;
    size_t n, capacity;
} shop_neighbours;

typedef struct shop_cooccur {
    const llmcs_allocator *allocator;
    shop_row_map customers; /* from customers to baskets */
    shop_basket *baskets;
    size_t n_baskets, baskets_capacity;
    shop_neighbours *neighbours; /* [n_items] */
    float *squares;              /* [n_items] */
    size_t n_items, neighbours_capacity, squares_capacity;
    uint64_t *pairs; /* [n_slots] lower item << 32 | higher item, + 1; 0: free */
    float *sums;
    size_t n_pairs, n_slots;
} shop_cooccur;

void shop_cooccur_init(shop_cooccur *c, const llmcs_allocator *a);
void shop_cooccur_free(shop_cooccur *c);

/* Raises the weight of an item in a customer's basket to at least `weight` (> 0). After a failure the table may lack
 * part of the event but stays consistent. */
llmcs_status shop_cooccur_add(shop_cooccur *c, int64_t customer, uint32_t item, float weight);

/* The cosine with shrinkage, 0 to 1. */
double shop_cooccur_cosine(const shop_cooccur *c, uint32_t i, uint32_t j);

/* The items that share a customer with `item`. */
const uint32_t *shop_cooccur_neighbours(const shop_cooccur *c, uint32_t item, size_t *n);

#endif
