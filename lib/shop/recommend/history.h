/* The history of a customer; recent events weigh most. */
#ifndef SHOP_RECOMMEND_HISTORY_H
#define SHOP_RECOMMEND_HISTORY_H

#include "shop/recommend/catalog.h"

enum {
    SHOP_MAX_HISTORY = 50, /* items of the profile: those of largest weight */
    SHOP_MAX_EVENTS = 1000 /* events read per customer, the newest ones */
};

/* All events of a customer with one item. */
typedef struct shop_behaviour {
    uint32_t item;
    bool bought;
    double weight;    /* sum of weight(type) * 2^(-age / half-life) */
    double strongest; /* weight of `event` */
    char event[32];   /* type of the strongest event */
} shop_behaviour;

typedef struct shop_history {
    const llmcs_allocator *allocator;
    shop_behaviour *items; /* [n] the largest weight first */
    size_t n, capacity;
    char lang[40]; /* the customer's, or "" */
} shop_history;

/* Reads a customer's history; empty for an unknown customer. */
llmcs_status shop_history_read(shop_history *h, const shop_catalog *catalog, shop_connection *c,
                               const llmcs_shop_recommend_params *params);
/* A history of one item, for "products like this one". */
llmcs_status shop_history_of_item(shop_history *h, uint32_t item);
void shop_history_free(shop_history *h);

/* Number of behaviours in the profile: the first ones. */
static inline size_t shop_history_profile(const shop_history *h) { return shop_min(h->n, SHOP_MAX_HISTORY); }

#endif
