/* What a text wants, read without a model: the kind of product, for whom, and whether it is a gift. */
#ifndef SHOP_RECOMMEND_WANTED_H
#define SHOP_RECOMMEND_WANTED_H

#include "shop/recommend/catalog.h"

enum { SHOP_AUDIENCE_TAGS = 4 };

typedef struct shop_wanted {
    shop_kinds_found kinds;
    bool adult, child; /* for whom, where it says so; never both */
    bool woman, man;   /* likewise */
    bool gift;         /* and no kind is named */
    uint32_t kids[SHOP_AUDIENCE_TAGS], women[SHOP_AUDIENCE_TAGS], men[SHOP_AUDIENCE_TAGS], gifts[SHOP_AUDIENCE_TAGS];
} shop_wanted;

/* without: a text whose kinds are not wanted ("not tea"), or NULL. */
void shop_wanted_read(const shop_catalog *catalog, const char *text, size_t bytes, const char *without,
                      shop_wanted *wanted);

static inline bool shop_wanted_names_kind(const shop_wanted *w) { return w->kinds.n || w->kinds.has_category; }

/* Is of the kind that is named; true if none is. */
bool shop_wanted_is_kind(const shop_wanted *w, const shop_catalog *catalog, const shop_item *item);
/* May be meant for whom the text names, and is none of the kinds that are not wanted. */
bool shop_wanted_suits(const shop_wanted *w, const shop_catalog *catalog, const shop_item *item);

#endif
