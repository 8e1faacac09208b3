/*
 * Products in answer to what is sought: of the kind that the customer names, in the colour and size, for the price.
 *
 *   browse.c    reads what a message seeks, finds the products, lists them
 *   context.c   a message that goes on from what was spoken of: "anything cheaper?", "the second one in blue"
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

/* A product as it is listed. */
typedef struct desk_goods {
    const char *id, *title, *currency;
    const char *colours, *sizes; /* values of these attributes in all languages, "" without */
    double price, measure;       /* the first number of its capacity, size or weight; 0 without */
    double thickness;            /* the number of millimetres in its size */
} desk_goods;

typedef struct desk_browse {
    desk_seek seek;
    desk_rank rank;
    size_t k;
    desk_sentence sentence;
    bool strict;         /* nothing is listed rather than something of another colour or size */
    const char *missing; /* "cheaper": what nothing is, said before the list; or NULL */
    const char *const *exclude;
    size_t n_exclude;
    const char *const *among; /* [n_among] ids: no others; NULL: any */
    size_t n_among;
    double above, below;     /* measure; 0: any */
    const char *number;      /* that stands in the title; or NULL: any */
    bool thick;              /* measures are thicknesses */
    const desk_option *show; /* an aspect: its value stands in each line; or NULL */
} desk_browse;

/* Adds to *seek what the words say: kind, gift or audience (then the rest begins anew), colour, size, price.
 * *names: they name a kind, a gift or an audience. *filters: colour, size or price. */
llmcs_status desk_read_seek(desk_turn *t, const desk_words *w, desk_seek *seek, bool *names, bool *filters);
/* Finds and lists. The list is what "the second one" means from now on. */
llmcs_status desk_browse_products(desk_turn *t, const desk_browse *b, bool *found);
bool desk_goods_have_colour(const desk_goods *g, const char *colour);
/* The length of a word for a colour at byte i; 0: there is none. */
size_t desk_colour_at(const desk_words *w, size_t i);
/* One product as listed; false if it is not in the store. */
llmcs_status desk_read_goods(desk_turn *t, const char *id, desk_goods *g, bool *found);

#endif
