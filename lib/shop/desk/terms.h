/*
 * Words and numbers of a message that occur in the texts of products: "dishwasher", 苔绿, "400 ml", 三个人.
 */
#ifndef SHOP_DESK_TERMS_H
#define SHOP_DESK_TERMS_H

#include "shop/desk/browse.h"

enum { DESK_MOST_TERMS = 12 };

/* The texts of a product in the language of the turn. */
typedef struct desk_product_texts {
    desk_words facts;   /* title and attributes */
    desk_words details; /* the attributes alone */
    desk_words description;
} desk_product_texts;

typedef enum desk_term_kind { DESK_TERM_WORD, DESK_TERM_HAN, DESK_TERM_NUMBER } desk_term_kind;

typedef struct desk_term {
    desk_term_kind kind;
    const char *text; /* [n] folded; of a word or a Chinese term */
    size_t n;
    double value;     /* of a number */
    const char *unit; /* [unit_bytes] what follows the number */
    size_t unit_bytes;
    bool needs_unit; /* only counts with its unit */
} desk_term;

/* The score of a term in a title or attribute; in a description it is 1. */
static const double DESK_SURE_MATCH = 2;

/* Reads the texts of a product, cut to a bounded length. */
llmcs_status desk_read_texts(desk_turn *t, const char *id, desk_product_texts *texts);

/* Collects the terms of t->read outside its kind, its aspects, its filters and the words that name nothing. A Chinese
 * term is one that occurs in a text of `texts`. */
size_t desk_find_terms(const desk_turn *t, const desk_signals *s, const desk_search *filters,
                       const desk_product_texts *texts, size_t n_texts, desk_term terms[DESK_MOST_TERMS]);

/* Returns DESK_SURE_MATCH, 1 or 0. A number without the unit of the message counts 1. */
double desk_match_term(const desk_product_texts *p, const desk_term *m);

/* Returns where the text has the word or Chinese term, or NULL. */
const char *desk_find_term(const desk_words *text, const desk_term *m);

#endif
