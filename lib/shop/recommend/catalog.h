/*
 * The products and events of a store in memory, as recommendations need them. Follows the store: products whose
 * `changed` is new are read again, events with new rows are added.
 */
#ifndef SHOP_RECOMMEND_CATALOG_H
#define SHOP_RECOMMEND_CATALOG_H

#include <stdatomic.h>

#include "shop/metrics/grams.h"
#include "shop/recommend/cooccur.h"
#include "shop/recommend/features.h"
#include "shop/recommend/kinds.h"
#include "shop/store/store.h"

enum {
    SHOP_N_POPULAR = 2048, /* most popular items that are listed */
    SHOP_MAX_TAGS = 64     /* of a product: what the store takes */
};

/* Categories, brands and tags are numbered together, each kind's names apart. */
#define SHOP_NO_LABEL UINT32_MAX
typedef enum shop_label_kind { SHOP_LABEL_CATEGORY, SHOP_LABEL_BRAND, SHOP_LABEL_TAG } shop_label_kind;

typedef struct shop_item {
    int64_t row; /* products.row, and the id in the index */
    size_t name; /* of its id in `names` */
    uint32_t category, brand;
    size_t tags; /* first of n_tags in `tags` */
    uint32_t n_tags, tags_capacity;
    double price;
    bool in_stock;
    /* [1 + words[0]] hashes of its texts' words, made when a text is first compared with it (lexical.c); or NULL.
     * Recommendations side by side may set it once; it goes when the product changes, which none of them sees. */
    _Atomic(uint64_t *) words;
} shop_item;

enum { SHOP_CATALOG_WORD_BYTES = 64 << 20 }; /* of all items; beyond that words are read each time */

typedef struct shop_catalog {
    const llmcs_allocator *allocator;
    int64_t seen_change, seen_event, seen_order; /* what is in here already */
    shop_item *items;
    size_t n_items, items_capacity;
    shop_row_map rows; /* products.row to items */
    char *names;
    size_t names_bytes, names_capacity;
    uint32_t *tags;
    size_t n_tags, tags_capacity;
    shop_grams labels; /* the count `most` of a node is its label + 1 */
    uint32_t n_labels;
    shop_kinds kinds;                 /* what tags are called in titles */
    uint32_t popular[SHOP_N_POPULAR]; /* most popular first */
    size_t n_popular;
    shop_cooccur together;
    size_t dim;         /* of an item's vector: the encoder's, then SHOP_FEATURE_DIM */
    llmcs_index *index; /* of the vectors, by products.row */
    uint64_t n_built;   /* vectors when its lists were built last */
    shop_chars chars;   /* workspace */
    _Atomic size_t word_bytes;
} shop_catalog;

llmcs_status shop_catalog_init(shop_catalog *catalog, const llmcs_allocator *a, int32_t n_embedding);
void shop_catalog_free(shop_catalog *catalog);

/* Reads what is new in the snapshot of `c`. After a failure the catalog is sound, and the next call goes on. Inside no
 * other call of this catalog. */
llmcs_status shop_catalog_follow(shop_catalog *catalog, llmcs_shop *shop, shop_connection *c);

/* Customers who have a positive event with the item, or ordered it. */
double shop_popularity(const shop_catalog *catalog, uint32_t item);
/* 0 to 1, 1 for the most popular item. */
double shop_relative_popularity(const shop_catalog *catalog, uint32_t item);

/* SHOP_NO_LABEL if no product has it. */
uint32_t shop_catalog_label(const shop_catalog *catalog, shop_label_kind kind, const char *name);

/* The item with this id, SHOP_NO_NUMBER if there is none. */
llmcs_status shop_catalog_item(const shop_catalog *catalog, shop_connection *c, const char *id, uint32_t *item);

static inline const char *shop_item_id(const shop_catalog *catalog, uint32_t item) {
    return catalog->names + catalog->items[item].name;
}

/* The bits that the index filters by: bit 0: in stock; bits 1 to 31: the first labels, one each; bits 32 to 63: the
 * other labels, which share them. A product without the bit does not have the label; one with a shared bit may not have
 * it either, and is checked again by shop_filter_passes. */
uint64_t shop_label_bit(uint32_t label);
bool shop_label_shares_bit(uint32_t label);
enum { SHOP_STOCK_BIT = 1 };

/* The product's vector, [dim]. False if it has none. */
llmcs_status shop_item_vector(const shop_catalog *catalog, uint32_t item, float *vector, bool *found);

/* Event types: how much they count if the caller does not say, and whether the item is the customer's now. */
double shop_event_weight(const char *type);
bool shop_event_buys(const char *type);

/* A text's vector: the encoder's part (`encoded` [n_embedding], or NULL), and hashed words. */
llmcs_status shop_text_features(shop_catalog *catalog, shop_chars *chars, const float *encoded, const char *text,
                                size_t bytes, float *vector);

#endif
