/* What recommendations keep of a store between calls. */
#ifndef SHOP_RECOMMEND_RECOMMENDER_H
#define SHOP_RECOMMEND_RECOMMENDER_H

#include "shop/store/store.h"

/* Made and freed with the store; reads nothing until the first recommendation. */
llmcs_status shop_recommender_create(llmcs_shop *shop);
void shop_recommender_free(llmcs_shop *shop);
/* Forgets what was read: events were deleted, which following new rows does not notice. */
void shop_recommender_reset(llmcs_shop *shop);

/* llmcs_shop_recommend with the vector of params->text by the shop's encoder, [n_embedding], or NULL: it is made. */
llmcs_status shop_recommend_encoded(llmcs_shop *shop, const llmcs_shop_recommend_params *params, const float *vector,
                                    llmcs_shop_recommendations **recommendations);

/* The same, only products of the kind that the text names, if it names one, and none of the kinds that the text
 * `without` denies ("not tea"; or NULL). */
llmcs_status shop_recommend_kind(llmcs_shop *shop, const llmcs_shop_recommend_params *params, const float *vector,
                                 const char *without, llmcs_shop_recommendations **recommendations);

/* Whether a text names a kind of product of the store, for whom it asks, and what kind it does not want. */
typedef struct shop_wish {
    bool kind, audience, gift, excludes;
    bool knows_kinds;  /* the store's titles name any */
    size_t begin, end; /* of the kind in the text */
    size_t excluded_begin, excluded_end;
} shop_wish;
llmcs_status shop_read_wish(llmcs_shop *shop, const char *text, size_t bytes, shop_wish *wish);

#endif
