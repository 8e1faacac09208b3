/* The reason for a recommendation, in words. */
#ifndef SHOP_RECOMMEND_REASON_H
#define SHOP_RECOMMEND_REASON_H

#include "shop/recommend/rank.h"

enum { SHOP_MAX_PARTS = 2, SHOP_TITLE_BYTES = 240, SHOP_REASON_BYTES = 1024 };

/* The behaviours that contribute most to a candidate. */
typedef struct shop_reason {
    size_t behaviours[SHOP_MAX_PARTS]; /* indices in the history */
    double shares[SHOP_MAX_PARTS];
    size_t n;
    bool by_others;               /* co-occurrence contributes more than content */
    char title[SHOP_TITLE_BYTES]; /* of the candidate */
    char words[SHOP_REASON_BYTES];
} shop_reason;

/* lang: language of the reason. */
llmcs_status shop_reason_make(shop_reason *reason, const shop_ranking *r, shop_connection *c,
                              const shop_candidate *candidate, const char *lang);

#endif
