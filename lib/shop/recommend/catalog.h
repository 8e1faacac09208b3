/*
 * The products and events of a store in memory, for recommendations. Follows the store: reads products whose `changed`
 * is newer, and events with new rows.
 */
#ifndef SHOP_RECOMMEND_CATALOG_H
#define SHOP_RECOMMEND_CATALOG_H

#include <stdatomic.h>

#include "shop/metrics/grams.h"
#include "shop/recommend/cooccur.h"
#include "shop/recommend/features.h"
#include "shop/recommend/kinds.h"
#include "shop/recommend/labelled.h"
#include "shop/store/store.h"

enum {
    SHOP_N_POPULAR = 2048, /* listed most popular items */
    SHOP_MAX_TAGS = 64     /* per product; the store's limit */
};

/* Categories, brands and tags share one numbering; their names are separate. */
#define SHOP_NO_LABEL UINT32_MAX
typedef enum shop_label_kind { SHOP_LABEL_CATEGORY, SHOP_LABEL_BRAND, SHOP_LABEL_TAG } shop_label_kind;

typedef struct shop_item {
    int64_t row; /* products.row; also its id in the index */
    size_t name; /* offset of its id in `names` */
    uint32_t category, brand;
    size_t tags; /* index of the first of n_tags in `tags` */
    uint32_t n_tags, tags_capacity;
    double price;
    bool in_stock;
    unsigned int least_age; /* in months, by its attributes; 0: for all ages */
    /* [1 + words[0]] hashes of the words of its texts, or NULL. Made when a text is first compared with it (lexical.c):
     * concurrent recommendations may each try to set it; one succeeds. Freed when the product changes, under the write
     * lock. */
    _Atomic(uint64_t *) words;
} shop_item;

enum { SHOP_CATALOG_WORD_BYTES = 64 << 20 }; /* for all items; beyond it words are read each time */

typedef struct shop_catalog {
    const llmcs_allocator *allocator;
    int64_t seen_change, seen_event, seen_order; /* read up to here */
    shop_item *items;
    size_t n_items, items_capacity;
    shop_row_map rows; /* from products.row to items */
    char *names;
    size_t names_bytes, names_capacity;
    uint32_t *tags;
    size_t n_tags, tags_capacity;
    shop_grams labels; /* count `most` of a node: its label + 1 */
    uint32_t n_labels;
    shop_labelled in_category;        /* an entry per item */
    shop_labelled tagged;             /* an entry per element of `tags` */
    shop_kinds kinds;                 /* learned from titles and tags */
    uint32_t popular[SHOP_N_POPULAR]; /* most popular first */
    size_t n_popular;
    shop_cooccur together;
    size_t dim;         /* size of an item's vector: the encoder's part, then SHOP_FEATURE_DIM */
    llmcs_index *index; /* of the vectors, by products.row */
    uint64_t n_built;   /* number of vectors when its lists were last built */
    shop_chars chars;   /* workspace */
    _Atomic size_t word_bytes;
} shop_catalog;

llmcs_status shop_catalog_init(shop_catalog *catalog, const llmcs_allocator *a, int32_t n_embedding);
void shop_catalog_free(shop_catalog *catalog);

/* Reads what is new in the snapshot of `c`. After a failure the catalog stays valid, and the next call continues. Needs
 * exclusive access to the catalog. */
llmcs_status shop_catalog_follow(shop_catalog *catalog, llmcs_shop *shop, shop_connection *c);

/* Number of customers who ordered the item or have a positive event with it. */
double shop_popularity(const shop_catalog *catalog, uint32_t item);
/* 0 to 1; 1 for the most popular item. */
double shop_relative_popularity(const shop_catalog *catalog, uint32_t item);

/* Returns SHOP_NO_LABEL if no product has the label. */
uint32_t shop_catalog_label(const shop_catalog *catalog, shop_label_kind kind, const char *name);

/* Finds the item with this id; SHOP_NO_NUMBER if there is none. */
llmcs_status shop_catalog_item(const shop_catalog *catalog, shop_connection *c, const char *id, uint32_t *item);

static inline const char *shop_item_id(const shop_catalog *catalog, uint32_t item) {
    return catalog->names + catalog->items[item].name;
}

/* The bits that the index filters by. Bit 0: in stock. Bits 1 to 31: the first labels, one each. Bits 32 to 63 are
 * shared by the other labels, so a set bit there is checked again by shop_filter_passes. A clear bit always means that
 * the product lacks the label. */
uint64_t shop_label_bit(uint32_t label);
bool shop_label_shares_bit(uint32_t label);
enum { SHOP_STOCK_BIT = 1 };

/* Reads the product's vector, [dim]; false if it has none. */
llmcs_status shop_item_vector(const shop_catalog *catalog, uint32_t item, float *vector, bool *found);

/* The default weight of an event type. */
double shop_event_weight(const char *type);
bool shop_event_buys(const char *type);

/* Computes a text's vector from the encoder's part (`encoded` [n_embedding], or NULL) and hashed words. */
llmcs_status shop_text_features(shop_catalog *catalog, shop_chars *chars, const float *encoded, const char *text,
                                size_t bytes, float *vector);

#endif
