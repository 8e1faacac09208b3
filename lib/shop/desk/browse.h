/*
 * Product search in a conversation: by kind, colour, size and price.
 *
 *   browse.c    reads the filters of a message, finds the products, lists them
 *   without.c   what a message excludes: "not the black one"
 *   focus.c     the product that a message is about although it names none: 169那个, 脏了能丢洗衣机洗吗
 *   signals.c   reads comparisons, references and aspects
 *   products.c  questions about products that are no follow-ups by themselves
 *   context.c   follow-ups about listed products: "anything cheaper?", "the second one in blue"
 */
#ifndef SHOP_DESK_BROWSE_H
#define SHOP_DESK_BROWSE_H

#include "shop/desk/desk.h"

enum { DESK_MOST_SEARCHED = 60 };
/* "around 200" allows this much more. */
static const double DESK_ROUGH_SHARE = 1.2;

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
    const char *says;            /* a sentence to list it with, or NULL */
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
/* Finds the products of the kind that search->text names, in stock; applies its price range and no other filter.
 * goods: [DESK_MOST_SEARCHED]. */
llmcs_status desk_search_goods(desk_turn *t, const desk_search *search, desk_goods *goods, size_t *n);
/* True if the product passes the filters of b, but for the search text. */
bool desk_goods_pass(const desk_browse *b, const desk_goods *g);
/* Lists b->k of the products, sorted by b->rank. */
llmcs_status desk_list_goods(desk_turn *t, const desk_browse *b, desk_goods *goods, size_t n);
bool desk_goods_have_colour(const desk_goods *g, const char *colour);
/* True if the product has a size range that includes the size. */
bool desk_goods_come_in(const desk_goods *g, const char *size);
/* Returns the length of the colour word at byte i, or 0. */
size_t desk_colour_at(const desk_words *w, size_t i);
/* Reads the first number of the product's value for the aspect; 0 if it has none. */
llmcs_status desk_read_aspect_number(desk_turn *t, const char *id, const desk_option *aspect, double *number);
/* Prints ¥9 or 9.50 EUR. */
void desk_put_price(desk_buffer *out, const char *currency, double price);
/* Reads one product. *found is false if it is not in the store. */
llmcs_status desk_read_goods(desk_turn *t, const char *id, desk_goods *g, bool *found);

/* ---- without.c */

enum { DESK_MOST_DENIED = 4 };

/* Ranges of the names that a message excludes. */
typedef struct desk_denied {
    size_t n, begin[DESK_MOST_DENIED], end[DESK_MOST_DENIED];
} desk_denied;

void desk_find_denied(const desk_words *w, desk_denied *d);
/* True if byte i is part of an excluded name. */
bool desk_denies_at(const desk_denied *d, size_t i);
bool desk_denies_colour(const desk_words *w, const desk_denied *d);
/* True if the text excludes the product by its colour or by words of its title. */
bool desk_is_excluded(const char *without, const desk_goods *g);

/* ---- signals.c */

/* True if a word that marks a question but not its subject begins at byte i. */
bool desk_is_filler_at(const desk_words *w, size_t i);

enum { DESK_MOST_LEFT = 2 };

/* What a message says of products and orders. */
typedef struct desk_signals {
    bool cheaper, dearer, bigger, smaller, other, reference;
    bool cheapest, dearest, biggest, smallest;
    bool thick;                  /* compares thickness */
    bool difference;             /* compares products with each other: "the difference between", 跟它比 */
    bool order;                  /* has a word of `of_orders` */
    bool of_order;               /* count words of `of_orders` as known */
    size_t kind_begin, kind_end; /* range of the named or excluded kind */
    const char *number;          /* digits that are neither price nor size, or NULL */
    size_t rest_begin[DESK_MOST_LEFT], rest_end[DESK_MOST_LEFT]; /* ranges of the unknown words */
    bool filters;                                                /* has a colour, size or price */
    bool budget;                                                 /* has a price */
    bool adds;                 /* adds a description: "for the office", 上班用的 */
    size_t number_of_places;   /* how many places of the list it names */
    bool names;                /* names a kind of product or an audience */
    const desk_option *aspect; /* aspect of a product, or NULL */
    const desk_option *second; /* a second aspect in the question, or NULL */
    bool sized;                /* names a size */
    int aspect_slot;           /* slot that holds the aspect, or -1 */
    size_t left;               /* number of unknown words */
    desk_search search;        /* previous search plus what the message adds */
} desk_signals;

/* of_order: words about orders count as known. */
llmcs_status desk_read_signals(desk_turn *t, bool of_order, desk_signals *s);
bool desk_compares(const desk_signals *s); /* cheaper, bigger, another */
bool desk_picks(const desk_signals *s);    /* cheapest, biggest */
/* Returns the length of the reference, comparison, colour, aspect or function word at byte i of t->read, or 0. */
size_t desk_known_at(const desk_turn *t, const desk_signals *s, size_t i);
/* Returns the flow that answers about one listed product or order, or -1. */
int desk_listed_flow(const desk_turn *t, desk_slot_type type, int *slot);

/* ---- focus.c */

/* Finds the one of the products seen that the message singles out: "the sonda one", 169那个; NULL: none. */
llmcs_status desk_pointed_product(desk_turn *t, const char **product);
/* *product: the one in focus, if the kind that the message names is what it is used with ("is it ok on a stove"). */
llmcs_status desk_is_used_with(desk_turn *t, const desk_signals *s, const char **product);
/* Answers with one sentence about a product that the reply before has described: the one that states what the message
 * asks, or that none does. */
llmcs_status desk_answer_briefly(desk_turn *t, const char *product, const desk_signals *s, bool *handled);
/* True if the message singles out another product than the one in focus. */
llmcs_status desk_points_elsewhere(desk_turn *t, bool *elsewhere);
/* Adds the sentence that states what the message asks besides an attribute. */
llmcs_status desk_add_statement(desk_turn *t, const char *product);

/* ---- context.c */

/* Answers about one product: the aspects of *s, else `aspect`, else all that is known of it. */
llmcs_status desk_answer_product(desk_turn *t, const char *product, const desk_signals *s, const char *aspect,
                                 bool *handled);

#endif
