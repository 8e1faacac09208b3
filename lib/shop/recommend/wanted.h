/* Reads what a text wants, without a model: the kind of product, the audience, and whether it is a gift. */
#ifndef SHOP_RECOMMEND_WANTED_H
#define SHOP_RECOMMEND_WANTED_H

#include "shop/recommend/catalog.h"

enum { SHOP_AUDIENCE_TAGS = 4 };

typedef struct shop_wanted {
    shop_kinds_found kinds;
    bool adult, child; /* the audience, if named; never both */
    bool woman, man;   /* same */
    bool gift;         /* a gift, and no kind is named */
    uint32_t use;      /* tag of the season or use that it names instead of a kind, or SHOP_NO_LABEL: "for winter" */
    bool has_age;      /* names an age */
    unsigned int age;  /* in months */
    uint32_t kids[SHOP_AUDIENCE_TAGS], women[SHOP_AUDIENCE_TAGS], men[SHOP_AUDIENCE_TAGS], gifts[SHOP_AUDIENCE_TAGS];
} shop_wanted;

/* without: a text that excludes kinds ("not tea"), or NULL. */
void shop_wanted_read(const shop_catalog *catalog, const char *text, size_t bytes, const char *without,
                      shop_wanted *wanted);

static inline bool shop_wanted_names_kind(const shop_wanted *w) { return w->kinds.n || w->kinds.has_category; }

/* True if the item is of the named kind, or no kind is named. */
bool shop_wanted_is_kind(const shop_wanted *w, const shop_catalog *catalog, const shop_item *item);
/* True if the item may suit the named audience and is of no excluded kind. */
bool shop_wanted_suits(const shop_wanted *w, const shop_catalog *catalog, const shop_item *item);

#endif
