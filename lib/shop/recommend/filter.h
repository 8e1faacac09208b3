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

double shop_boost_of(const shop_catalog *catalog, const llmcs_shop_recommend_params *params, uint32_t item);

#endif
