/*
 * Product search in a conversation: by kind, colour, size and price.
 *
 *   browse.c    reads the filters of a message, finds the products, lists them
 *   context.c   follow-ups about listed products: "anything cheaper?", "the second one in blue"
 */
#ifndef SHOP_DESK_BROWSE_H
#define SHOP_DESK_BROWSE_H

#include "shop/desk/desk.h"

typedef enum desk_rank {
    DESK_BEST_FIRST,
    DESK_CHEAP_FIRST,
    DESK_DEAR_FIRST,
    DESK_BIG_FIRST,
    DESK_SMALL_FIRST
} desk_rank;

/* A product as listed. */
typedef struct desk_goods {
    const char *id, *title, *currency;
    const char *colours, *sizes; /* attribute values in all languages, or "" */
    double price, measure;       /* measure: first number of its capacity, size or weight; 0 if it has none */
    double thickness;            /* in mm, from its size; 0 if unknown */
} desk_goods;

typedef struct desk_browse {
    desk_search search;
    desk_rank rank;
    size_t k;
    desk_sentence sentence;
    bool strict;         /* list nothing rather than another colour or size */
    const char *missing; /* what no product is ("cheaper"), said before the list; or NULL */
    const char *const *exclude;
    size_t n_exclude;
    const char *const *among; /* [n_among] only these ids; NULL: all */
    size_t n_among;
    double above, below;     /* limits of the measure; 0: none */
    const char *number;      /* must occur in the title; or NULL */
    bool thick;              /* measure is the thickness */
    const desk_option *show; /* aspect whose value each line shows; or NULL */
} desk_browse;

/* Adds the filters of the words to *search: kind, gift, audience, colour, size, price. A kind, gift or audience starts
 * a new search. *names: the words name a kind, gift or audience. *filters: they name a colour, size or price. */
llmcs_status desk_read_search(desk_turn *t, const desk_words *w, desk_search *search, bool *names, bool *filters);
/* True if the words name a price limit: "under 170", 200左右. */
bool desk_names_budget(const desk_words *w);
/* Finds products and lists them. "The second one" refers to this list from now on. */
llmcs_status desk_browse_products(desk_turn *t, const desk_browse *b, bool *found);
bool desk_goods_have_colour(const desk_goods *g, const char *colour);
/* Returns the length of the colour word at byte i, or 0. */
size_t desk_colour_at(const desk_words *w, size_t i);
/* Reads one product. *found is false if it is not in the store. */
llmcs_status desk_read_goods(desk_turn *t, const char *id, desk_goods *g, bool *found);

#endif
