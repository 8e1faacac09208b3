/* Why a product is recommended, in words. */
#ifndef SHOP_RECOMMEND_REASON_H
#define SHOP_RECOMMEND_REASON_H

#include "shop/recommend/rank.h"

enum { SHOP_MAX_PARTS = 2, SHOP_TITLE_BYTES = 240, SHOP_REASON_BYTES = 1024 };

/* The behaviours that speak most for a candidate. */
typedef struct shop_reason {
    size_t behaviours[SHOP_MAX_PARTS]; /* positions in the history */
    double shares[SHOP_MAX_PARTS];
    size_t n;
    bool by_others;               /* customers who chose both speak more than the products' texts */
    char title[SHOP_TITLE_BYTES]; /* of the candidate */
    char words[SHOP_REASON_BYTES];
} shop_reason;

/* `lang`: of the words. */
llmcs_status shop_reason_make(shop_reason *reason, const shop_ranking *r, shop_connection *c,
                              const shop_candidate *candidate, const char *lang);

#endif
