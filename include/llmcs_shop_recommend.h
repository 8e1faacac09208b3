/*
 * llmcs_shop_recommend.h - recommends products for a customer, for a product page, or for a text. Included by
 * llmcs_shop.h, whose rules apply here too.
 *
 *     llmcs_shop_recommend_params params;
 *     llmcs_shop_recommendations *found = NULL;
 *     llmcs_shop_recommend_params_init(&params);
 *     params.customer = "c042";
 *     if (!llmcs_shop_recommend(shop, &params, &found))
 *         for (size_t i = 0; i < found->n_items; i++) puts(found->items[i]->reason);
 *     llmcs_shop_recommendations_free(&found);
 *
 * Score of a product i for a customer u
 *
 * - content(u, i): cosine of profile(u) and features(i). profile(u) is the sum over u's events of weight(type) *
 *   2^(-age / half-life) * features(item). Features are the encoder's vector of the texts plus hashed words, category,
 *   brand, tags and price; without an encoder, only the latter. A new product has features immediately, and a new
 *   customer has a profile after one click.
 * - together(u, i): mean over the items j of u's events, weighted by the square roots of these weights, of the implicit
 *   cosine of i and j: customers of both / (sqrt(customers of i * customers of j) + 2). This is item-based nearest
 *   neighbours (Sarwar et al. 2001). It is updated with each event; there is no training.
 * - popular(i): log(1 + customers of i) relative to the most popular product.
 * - score: weight_content * content + weight_together * together + weight_popular * popular + boosts. together is first
 *   divided by its maximum over the candidates. For a product with n customers, together and popular count n / (n + 1),
 *   and the rest is estimated from its content, so that new products do not rank last.
 *
 * The list is chosen from the best candidates by maximal marginal relevance (Carbonell and Goldstein 1998): the next
 * product maximises (1 - diversity) * score - diversity * (largest cosine with a product already chosen).
 *
 * The result depends only on the store and the parameters, not on the number of threads or the clock: the age of an
 * event is measured from the customer's last event.
 */
#include "llmcs_shop.h" /* includes this file at its end; either order works */

#ifndef LLMCS_SHOP_RECOMMEND_H
#define LLMCS_SHOP_RECOMMEND_H

#ifdef __cplusplus
extern "C" {
#endif

/* Which items of the customer's history are left out. */
typedef enum llmcs_shop_seen {
    LLMCS_SHOP_SEEN_EXCLUDE = 0,        /* all that the customer viewed, bought or otherwise has an event of */
    LLMCS_SHOP_SEEN_EXCLUDE_BOUGHT = 1, /* only those bought */
    LLMCS_SHOP_SEEN_INCLUDE = 2
} llmcs_shop_seen;

/* Added to the score of products that match every member that is not NULL. Frozen. */
typedef struct llmcs_shop_boost {
    const char *item;
    const char *category;
    const char *brand;
    const char *tag;
    double add; /* scores are mostly between 0 and 1; a negative value lowers the rank */
} llmcs_shop_boost;

/* The weight of an event type. Frozen. */
typedef struct llmcs_shop_event_weight {
    const char *type;
    double weight; /* may be negative, for example for returns */
} llmcs_shop_event_weight;

typedef struct llmcs_shop_recommend_params {
    size_t struct_size;
    /* Set exactly one of these three. */
    const char *customer; /* [NULL] id; a customer without events gets popular products */
    const char *item;     /* [NULL] product id: finds similar products and products chosen together with it */
    const char *text;     /* [NULL] a customer's words: "a gift for a runner" */
    size_t text_bytes;    /* [LLMCS_NUL] */

    size_t k;         /* [10] 1 to 1000 */
    const char *lang; /* [NULL: the customer's, else "en"] of the reasons: "zh..." or English */

    /* Filters: a product must pass all of them. */
    int32_t out_of_stock;          /* [0] 1: includes products without stock */
    llmcs_shop_seen seen;          /* [EXCLUDE] applies to customers */
    double price_min;              /* [0] in units of the currency */
    double price_max;              /* [infinity] */
    const char *const *categories; /* [n_categories] in any of these; none: all */
    size_t n_categories;
    const char *const *tags_all; /* [n_tags_all] has all of these */
    size_t n_tags_all;
    const char *const *tags_any; /* [n_tags_any] has at least one */
    size_t n_tags_any;
    const char *const *tags_none; /* [n_tags_none] has none of these */
    size_t n_tags_none;
    const char *const *exclude; /* [n_exclude] product ids */
    size_t n_exclude;

    /* Score: see above. */
    double weight_content;  /* [0.5] */
    double weight_together; /* [0.3] */
    double weight_popular;  /* [0.2] */
    double half_life_days;  /* [60] > 0 */
    double diversity;       /* [0.1] 0 to 1; 0: ranks by score only */
    /* [n_event_weights] Replace the defaults: "view" 1, "click" 1.5, "cart" 3, "like" 3, "buy" and "purchase" 5,
     * "return" -3, others 1. */
    const llmcs_shop_event_weight *event_weights;
    size_t n_event_weights;
    const llmcs_shop_boost *boosts;
    size_t n_boosts;
} llmcs_shop_recommend_params;

LLMCS_SHOP_API void llmcs_shop_recommend_params_init_sized(llmcs_shop_recommend_params *params, size_t struct_size);
#define llmcs_shop_recommend_params_init(params) llmcs_shop_recommend_params_init_sized((params), sizeof *(params))

/* A product in the customer's history that contributed to a recommendation. */
typedef struct llmcs_shop_reason_part {
    size_t struct_size;
    const char *item;  /* product id */
    const char *event; /* type of the strongest event, such as "purchase" */
    double share;      /* share of the score that comes from the history, 0 to 1 */
} llmcs_shop_reason_part;

typedef struct llmcs_shop_recommendation {
    size_t struct_size;
    const char *item;  /* id */
    const char *title; /* in the language of the reason, if available */
    double score;
    double content; /* the parts of the score, before weighting */
    double together;
    double popular;
    const llmcs_shop_reason_part *const *parts; /* [n_parts] at most two, the strongest first */
    size_t n_parts;
    const char *reason; /* "Because you bought the Harvest Mug and looked at the Oak Tray." */
} llmcs_shop_recommendation;

typedef struct llmcs_shop_recommendations {
    size_t struct_size;
    const llmcs_shop_recommendation *const *items; /* [n_items] best first; fewer than k if no more pass */
    size_t n_items;
    size_t n_candidates; /* number of products scored */
    double follow_ms;    /* time to read changes from the store; the first call reads everything */
    double ms;           /* time after that */
} llmcs_shop_recommendations;

/* Recommends products; free *recommendations with llmcs_shop_recommendations_free. Thread-safe. Computes vectors for
 * products that lack one, and stores them if the store is writable. Errors: ARG (parameters; an item that the store
 * lacks), NOMEM, BUSY, STATE, FORK, IO, FORMAT, LIMIT, and those of llmcs_embed. */
LLMCS_SHOP_API llmcs_status llmcs_shop_recommend(llmcs_shop *shop, const llmcs_shop_recommend_params *params,
                                                 llmcs_shop_recommendations **recommendations);

/* Frees the recommendations. NULL or the address of NULL is allowed. */
LLMCS_SHOP_API void llmcs_shop_recommendations_free(llmcs_shop_recommendations **recommendations);

#ifdef __cplusplus
}
#endif
#endif
