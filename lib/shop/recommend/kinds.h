/*
 * Which kind of product a text wants: finds the head noun among the names of the catalogue's kinds.
 *
 * A kind is a tag whose products share a noun: "Classic Mug", "Studio Mug" and "Harvest Mug" with the tag "mug" are
 * Mugs, 经典马克杯 and 工坊马克杯 are 马克杯. The name in a language is the longest ending shared by a part of each
 * title. A text names a kind by that name or by an ending of it ("shoes", 耳机), or a category by its label. Words
 * before the noun describe it: "green tea body lotion" is a lotion.
 */
#ifndef SHOP_RECOMMEND_KINDS_H
#define SHOP_RECOMMEND_KINDS_H

#include "shop/base/alloc.h"

enum {
    SHOP_KIND_NAME = 64,  /* bytes, with the NUL */
    SHOP_KIND_PARTS = 6,  /* parts of a title that may contain the name */
    SHOP_KIND_TEXT = 600, /* bytes of a text that are read */
    SHOP_MOST_KINDS = 16, /* kinds that one noun may mean */
    SHOP_MOST_NAMES = 8192,
    SHOP_MOST_CATEGORIES = 512
};

/* The possible names of one tag in one language. */
typedef struct shop_kind_name {
    uint32_t label, category; /* of the tag; category UINT32_MAX: its products are in several */
    char lang[12];
    uint32_t item; /* the first product; read again, it is no second one */
    bool shared;   /* by a second product, so that the common ending is a noun */
    uint32_t n_parts;
    char parts[SHOP_KIND_PARTS][SHOP_KIND_NAME];
    bool differs[SHOP_KIND_PARTS]; /* different words preceded the ending, so it is no brand or colour */
    uint32_t next;                 /* next name of the same tag, + 1 */
} shop_kind_name;

typedef struct shop_category_name {
    uint32_t label;
    char name[SHOP_KIND_NAME];
} shop_category_name;

typedef struct shop_kinds {
    const llmcs_allocator *allocator;
    shop_kind_name *names;
    size_t n, capacity;
    uint32_t *first; /* [n_first] first name of a label, + 1 */
    size_t n_first, first_capacity;
    shop_category_name *categories;
    size_t n_categories, categories_capacity;
} shop_kinds;

void shop_kinds_free(shop_kinds *k);

/* A product to learn from. */
typedef struct shop_kinds_product {
    uint32_t item; /* its number: the same when the product is read again */
    uint32_t category;
    const uint32_t *tags;
    size_t n_tags;
} shop_kinds_product;

/* Learns from the product's `title` in `lang`. Names that several products share only get shorter; titles that have
 * since changed count until the catalogue is read again. */
llmcs_status shop_kinds_add(shop_kinds *k, const shop_kinds_product *product, const char *lang, const char *title,
                            size_t bytes);
llmcs_status shop_kinds_add_category(shop_kinds *k, uint32_t label, const char *name, size_t bytes);

/* The result of a search in a text. */
typedef struct shop_kinds_found {
    uint32_t labels[SHOP_MOST_KINDS]; /* tags */
    size_t n;
    bool has_category;
    uint32_t category;                  /* replaces the tags: the whole category */
    size_t begin, end;                  /* of the noun in the text */
    uint32_t excluded[SHOP_MOST_KINDS]; /* "not tea" */
    size_t n_excluded;
    size_t excluded_begin, excluded_end;
} shop_kinds_found;

/* True if the titles gave at least one name. */
bool shop_kinds_any(const shop_kinds *k);

/* without: another text, which alone excludes kinds, or NULL: `text` does. What the other text excludes is not wanted.
 */
void shop_kinds_find(const shop_kinds *k, const char *text, size_t bytes, const char *without, shop_kinds_found *found);

#endif
