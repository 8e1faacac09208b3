/* Collects candidates, scores them and chooses the list. */
#ifndef SHOP_RECOMMEND_RANK_H
#define SHOP_RECOMMEND_RANK_H

#include "shop/recommend/filter.h"

typedef struct shop_candidate {
    uint32_t item;
    double content, together, popular, score;
} shop_candidate;

/* The state of one recommendation. */
typedef struct shop_ranking {
    const llmcs_allocator *allocator;
    const shop_catalog *catalog;
    const llmcs_shop_recommend_params *params;
    const shop_history *history;
    const shop_filter *filter;
    float *profile; /* [dim]; all 0: none */
    bool has_profile;
    bool has_encoder;  /* the profile includes the encoder's part */
    float *behaviours; /* [profile of history, dim] vectors of its items */
    double total;      /* sum of |weight| in the profile */
    shop_candidate *candidates;
    size_t n, capacity;
    shop_row_map known; /* set of candidate items */
    float *vectors;     /* [n_chosen of, dim]: see shop_choose */
    uint32_t *chosen;   /* [k] indices of candidates */
    size_t n_chosen;
} shop_ranking;

/* Reads the vectors of the history's items and adds them up by weight. */
llmcs_status shop_make_profile(shop_ranking *r);

/* Collects items that pass the filter: nearest to the profile, neighbours of the history's items, most popular. */
llmcs_status shop_collect(shop_ranking *r);

/* Scores and sorts all candidates. c: to read product texts when the request is a text. */
llmcs_status shop_score(shop_ranking *r, shop_connection *c);

/* In lexical.c. Computes how much of the text's words each candidate has, 0 to 1, weighted by rarity: scores [r->n]. */
llmcs_status shop_lexical_scores(const shop_ranking *r, shop_connection *c, double *scores);

/* Chooses k candidates by maximal marginal relevance. */
llmcs_status shop_choose(shop_ranking *r);

/* Same on plain arrays: chooses k of n candidates by scores [n] and unit vectors [n, dim] into chosen [k]. workspace:
 * [n]. Returns the number chosen. */
size_t shop_choose_diverse(const double *scores, const float *vectors, size_t n, size_t dim, double diversity, size_t k,
                           double *workspace, uint32_t *chosen);

void shop_ranking_free(shop_ranking *r);

#endif
