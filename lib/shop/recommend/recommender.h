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

#endif
