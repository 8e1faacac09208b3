/* Versions of classifiers in the store, and which of them are in use. */
#ifndef SHOP_LEARN_MODELS_H
#define SHOP_LEARN_MODELS_H

#include "shop/classifier/classifier.h"
#include "shop/store/store.h"

/* ---- models.c */

/* Stores the classifier as the next version of `model`. Must be called inside a write. */
llmcs_status shop_model_insert(llmcs_shop *shop, shop_connection *c, const char *model, const unsigned char *bytes,
                               size_t n_bytes, uint64_t fingerprint, int32_t *version);

/* Opens a version with the store's encoder. ARG if there is none. */
llmcs_status shop_model_open(llmcs_shop *shop, shop_connection *c, const char *model, int32_t version,
                             llmcs_shop_classifier **classifier);

/* ---- deploy.c */

/* The last row of `deployments` of a model; zeros if there is none. */
typedef struct shop_deployment {
    int64_t row;
    int32_t live, challenger;
    llmcs_shop_mode mode;
    double share;
    int64_t previous, n_compared, n_differ;
} shop_deployment;

llmcs_status shop_deployment_read(shop_connection *c, const char *model, shop_deployment *d);

/* True if the conversation is in the canary's share, by a hash of model, version and conversation. */
bool shop_in_canary(const char *model, int32_t challenger, double share, const char *conversation);

/* ---- contest.c */

/* Stores a comparison of versions a and b. Must be called inside a write. */
llmcs_status shop_comparison_insert(shop_connection *c, const char *model, int32_t a, int32_t b, const char *metric,
                                    size_t n, const llmcs_shop_comparison *comparison);

#endif
