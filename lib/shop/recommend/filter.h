/* Which products may be recommended, and what is added to their scores. */
#ifndef SHOP_RECOMMEND_FILTER_H
#define SHOP_RECOMMEND_FILTER_H

#include "shop/recommend/history.h"
#include "shop/recommend/wanted.h"

typedef struct shop_filter {
    const llmcs_allocator *allocator;
    const shop_catalog *catalog;
    const llmcs_shop_recommend_params *params;
    uint32_t *labels;   /* categories, tags_all, tags_any, tags_none, in this order */
    uint64_t *excluded; /* [n_excluded] products.row, ascending: seen items and `exclude` */
    size_t n_excluded;
    bool nothing_passes;       /* requires a category or tag that no product has */
    const shop_wanted *wanted; /* of the text, or NULL */
    bool of_kind;              /* only products of the kind that it names */
} shop_filter;

/* params must outlive the filter. */
llmcs_status shop_filter_make(shop_filter *f, const shop_catalog *catalog, shop_connection *c,
                              const llmcs_shop_recommend_params *params, const shop_history *history);
void shop_filter_free(shop_filter *f);

bool shop_filter_passes(const shop_filter *f, uint32_t item);

/* Sets the part of the filter that the index can check; matches are checked again. */
void shop_filter_to_search(const shop_filter *f, llmcs_search_params *search);

/* Labels of one kind; every product that passes has one of them. `of` is NULL if there is no such set. */
typedef struct shop_label_set {
    const shop_labelled *of;
    const uint32_t *labels;
    size_t n, n_items; /* items with one of them; an item counts for each */
} shop_label_set;
/* The smallest set that the filter requires. */
shop_label_set shop_filter_rarest(const shop_filter *f);
double shop_boost_of(const shop_catalog *catalog, const llmcs_shop_recommend_params *params, uint32_t item);

#endif
