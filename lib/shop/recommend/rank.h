/* Candidates, their scores, and the choice of the list. */
#ifndef SHOP_RECOMMEND_RANK_H
#define SHOP_RECOMMEND_RANK_H

#include "shop/recommend/filter.h"

typedef struct shop_candidate {
    uint32_t item;
    double content, together, popular, score;
} shop_candidate;

/* One recommendation in the making. */
typedef struct shop_ranking {
    const llmcs_allocator *allocator;
    const shop_catalog *catalog;
    const llmcs_shop_recommend_params *params;
    const shop_history *history;
    const shop_filter *filter;
    const shop_wanted *wanted; /* of the text, or NULL */
    float *profile;            /* [dim]; all 0: none */
    bool has_profile;
    bool has_encoder;  /* the profile has an encoder's part */
    float *behaviours; /* [profile of history, dim] vectors of the items */
    double total;      /* sum of |weight| of the profile */
    shop_candidate *candidates;
    size_t n, capacity;
    shop_row_map known; /* items among the candidates */
    float *vectors;     /* [n_chosen of, dim]: see shop_choose */
    uint32_t *chosen;   /* [k] positions among the candidates */
    size_t n_chosen;
} shop_ranking;

/* The vectors of the history's items, and their weighted sum. */
llmcs_status shop_make_profile(shop_ranking *r);

/* Collects items that pass the filter: nearest to the profile, neighbours of the history's items, most popular. */
llmcs_status shop_collect(shop_ranking *r);

/* Scores all candidates, best first. `c`: for the texts of products, if a text is what is wanted. */
llmcs_status shop_score(shop_ranking *r, shop_connection *c);

/* lexical.c: how much of the wanted text's words each candidate has, 0 to 1, rare words more: scores [r->n]. */
llmcs_status shop_lexical_scores(const shop_ranking *r, shop_connection *c, double *scores);

/* Chooses k of them by maximal marginal relevance. */
llmcs_status shop_choose(shop_ranking *r);

/* The same over plain arrays: chooses k of n candidates, best first, with scores [n] and vectors [n, dim] of length 1,
 * into chosen [k]. workspace [n]. Returns how many were chosen. */
size_t shop_choose_diverse(const double *scores, const float *vectors, size_t n, size_t dim, double diversity, size_t k,
                           double *workspace, uint32_t *chosen);

void shop_ranking_free(shop_ranking *r);

#endif
