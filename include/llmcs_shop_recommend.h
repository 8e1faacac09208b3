/*
 * llmcs_shop_recommend.h - products for a customer, next to a product, or for a text. Included by llmcs_shop.h, whose
 * rules hold here.
 *
 *     llmcs_shop_recommend_params params;
 *     llmcs_shop_recommendations *found = NULL;
 *     llmcs_shop_recommend_params_init(&params);
 *     params.customer = "c042";
 *     if (!llmcs_shop_recommend(shop, &params, &found))
 *         for (size_t i = 0; i < found->n_items; i++) puts(found->items[i]->reason);
 *     llmcs_shop_recommendations_free(&found);
 *
 * How a product i gets its score for a customer u:
 *
 * - content(u, i): cosine of profile(u) and features(i). profile(u) is the sum over u's events of weight(type) *
 *   2^(-age / half-life) * features(item). Features are the encoder's vector of the texts, and hashed words, category,
 *   brand, tags and price; without an encoder the latter alone. A new product has features at once, a new customer a
 *   profile after one click.
 * - together(u, i): mean, by the square roots of these weights, of the implicit cosine of i and the items j of u's
 *   events: customers of
 *   both / (sqrt(customers of i * customers of j) + 2), which is item-based nearest neighbours (Sarwar et al. 2001). It
 *   follows new events one by one; nothing is trained.
 * - popular(i): log(1 + customers of i), as a share of that of the most popular product.
 * - score: weight_content * content + weight_together * together + weight_popular * popular + boosts, together divided
 *   by the largest among the candidates. A product with n customers gets n / (n + 1) of together and popular and the
 *   rest from its content, so that new products are not last.
 *
 * Of the best candidates the list is chosen by maximal marginal relevance (Carbonell and Goldstein 1998): the next
 * product has the largest (1 - diversity) * score - diversity * (largest cosine with a product of the list).
 *
 * The same store and parameters give the same list, whatever the number of threads; time is counted back from the
 * customer's last event, not from the clock.
 */
#include "llmcs_shop.h" /* which includes this file at its end, whichever of the two comes first */

#ifndef LLMCS_SHOP_RECOMMEND_H
#define LLMCS_SHOP_RECOMMEND_H

#ifdef __cplusplus
extern "C" {
#endif

/* Which of a customer's own items are left out. */
typedef enum llmcs_shop_seen {
    LLMCS_SHOP_SEEN_EXCLUDE = 0,        /* all that the customer has an event or order of */
    LLMCS_SHOP_SEEN_EXCLUDE_BOUGHT = 1, /* those that were bought */
    LLMCS_SHOP_SEEN_INCLUDE = 2
} llmcs_shop_seen;

/* Adds to the score of the products that have all that is not NULL. Frozen. */
typedef struct llmcs_shop_boost {
    const char *item;
    const char *category;
    const char *brand;
    const char *tag;
    double add; /* scores are mostly between 0 and 1; negative values push down */
} llmcs_shop_boost;

/* How much an event of this type counts. Frozen. */
typedef struct llmcs_shop_event_weight {
    const char *type;
    double weight; /* may be negative: a product that was sent back */
} llmcs_shop_event_weight;

typedef struct llmcs_shop_recommend_params {
    size_t struct_size;
    /* Exactly one of the three. */
    const char *customer; /* [NULL] id; one without events gets what is popular */
    const char *item;     /* [NULL] id of a product: those that are similar and chosen together with it */
    const char *text;     /* [NULL] words of a customer: "a gift for a runner" */
    size_t text_bytes;    /* [LLMCS_NUL] */

    size_t k;         /* [10] 1 to 1000 */
    const char *lang; /* [NULL: the customer's, else "en"] of the reasons: "zh...", otherwise English */

    /* Filters: only products that pass all of them. */
    int32_t out_of_stock;          /* [0] 1: products without stock, too */
    llmcs_shop_seen seen;          /* [EXCLUDE] customers */
    double price_min;              /* [0] */
    double price_max;              /* [infinity] */
    const char *const *categories; /* [n_categories] one of them; none: any */
    size_t n_categories;
    const char *const *tags_all; /* all of them */
    size_t n_tags_all;
    const char *const *tags_any; /* at least one */
    size_t n_tags_any;
    const char *const *tags_none; /* none of them */
    size_t n_tags_none;
    const char *const *exclude; /* ids */
    size_t n_exclude;

    /* Score. */
    double weight_content;  /* [0.5] */
    double weight_together; /* [0.3] */
    double weight_popular;  /* [0.2] */
    double half_life_days;  /* [60] more than 0 */
    double diversity;       /* [0.1] 0 to 1; 0: by score alone */
    const llmcs_shop_event_weight
        *event_weights; /* [n_event_weights] instead of the defaults: "view" 1, "click" 1.5,
                           "cart" 3, "like" 3, "buy" and "purchase" 5, "return" -3, others 1 */
    size_t n_event_weights;
    const llmcs_shop_boost *boosts;
    size_t n_boosts;
} llmcs_shop_recommend_params;

LLMCS_SHOP_API void llmcs_shop_recommend_params_init_sized(llmcs_shop_recommend_params *params, size_t struct_size);
#define llmcs_shop_recommend_params_init(params) llmcs_shop_recommend_params_init_sized((params), sizeof *(params))

/* A behaviour that speaks for a product. */
typedef struct llmcs_shop_reason_part {
    size_t struct_size;
    const char *item;  /* id of a product of the customer */
    const char *event; /* type of the strongest event: "purchase" */
    double share;      /* of the score that comes from behaviours, 0 to 1 */
} llmcs_shop_reason_part;

typedef struct llmcs_shop_recommendation {
    size_t struct_size;
    const char *item;  /* id */
    const char *title; /* in the language of the reason, if there is one */
    double score;
    double content; /* the parts, before they are weighted */
    double together;
    double popular;
    const llmcs_shop_reason_part *const *parts; /* [n_parts] up to two, the strongest first */
    size_t n_parts;
    const char *reason; /* "Because you bought the Harvest Mug and looked at the Oak Tray." */
} llmcs_shop_recommendation;

typedef struct llmcs_shop_recommendations {
    size_t struct_size;
    const llmcs_shop_recommendation *const *items; /* [n_items], best first; fewer than k only if no more pass */
    size_t n_items;
    size_t n_candidates; /* whose score was computed */
    double follow_ms;    /* to read what has changed in the store; the first call reads all of it */
    double ms;           /* after that */
} llmcs_shop_recommendations;

/* Recommends. Products whose text has no vector yet are embedded first, and the vectors are stored if the store may be
 * written. Errors: ARG (parameters; an item that is not in the store) NOMEM BUSY STATE FORK IO FORMAT LIMIT; as
 * llmcs_embed. */
LLMCS_SHOP_API llmcs_status llmcs_shop_recommend(llmcs_shop *shop, const llmcs_shop_recommend_params *params,
                                                 llmcs_shop_recommendations **recommendations);

/* recommendations: NULL, or the address of NULL, is allowed. */
LLMCS_SHOP_API void llmcs_shop_recommendations_free(llmcs_shop_recommendations **recommendations);

#ifdef __cplusplus
}
#endif
#endif
