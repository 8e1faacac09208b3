/* The state that recommendations keep between calls. */
#ifndef SHOP_RECOMMEND_RECOMMENDER_H
#define SHOP_RECOMMEND_RECOMMENDER_H

#include "shop/store/store.h"

/* Created and freed with the store. Reads nothing before the first recommendation. */
llmcs_status shop_recommender_create(llmcs_shop *shop);
void shop_recommender_free(llmcs_shop *shop);
/* Drops all that was read. Needed when events are deleted, which following new rows does not detect. */
void shop_recommender_reset(llmcs_shop *shop);

/* llmcs_shop_recommend with a vector for params->text from the shop's encoder, [n_embedding]; NULL: computed here. */
llmcs_status shop_recommend_encoded(llmcs_shop *shop, const llmcs_shop_recommend_params *params, const float *vector,
                                    llmcs_shop_recommendations **recommendations);

/* Same, limited to the kind of product that the text names, if any. Leaves out kinds that `without` excludes ("not
 * tea"); it may be NULL. */
llmcs_status shop_recommend_kind(llmcs_shop *shop, const llmcs_shop_recommend_params *params, const float *vector,
                                 const char *without, llmcs_shop_recommendations **recommendations);

/* Same, to find the product that the text names: it may be meant for an older child. */
llmcs_status shop_recommend_named(llmcs_shop *shop, const llmcs_shop_recommend_params *params,
                                  llmcs_shop_recommendations **recommendations);

/* What kind of product a text names, for which audience, and which kind it excludes. */
typedef struct shop_wish {
    bool kind, audience, gift, excludes;
    bool use;          /* a season or use instead of a kind: "for winter" */
    bool knows_kinds;  /* the store has learned kinds from its titles */
    size_t begin, end; /* range of the kind in the text */
    size_t excluded_begin, excluded_end;
} shop_wish;
llmcs_status shop_read_wish(llmcs_shop *shop, const char *text, size_t bytes, shop_wish *wish);

#endif
