/* Shared by the recognisers. Positions are character indexes in a view. */
#ifndef SHOP_GUARD_FIND_H
#define SHOP_GUARD_FIND_H

#include "shop/guard/lexicon.h"
#include "shop/guard/names.h"
#include "shop/guard/view.h"

/* Of overlapping findings the one with the higher priority wins; of equal priorities the first. */
typedef enum shop_priority {
    SHOP_BY_GUESS = 0, /* likely addresses, unless the tagger found something else */
    SHOP_BY_TAGGER,
    SHOP_BY_CUE,     /* names and addresses next to cues */
    SHOP_BY_SHAPE,   /* phones */
    SHOP_BY_CHECK,   /* cards, IBAN, company ids: numbers with check digits; plates */
    SHOP_BY_LABEL,   /* a code right after its label: "order number 123" */
    SHOP_BY_ID,      /* identity numbers: check digit, date and region */
    SHOP_BY_FORMAT,  /* e-mail, links, the shop's order pattern */
    SHOP_BY_LITERAL, /* text that looks like a placeholder */
    SHOP_N_PRIORITIES
} shop_priority;

typedef struct shop_finding {
    uint32_t begin, end;
    uint8_t kind; /* llmcs_shop_pii or SHOP_NAME_TEXT */
    uint8_t priority;
    const char *rule;
} shop_finding;

/* Initialise to zero except for `a`. */
typedef struct shop_findings {
    const llmcs_allocator *a;
    shop_finding *items;
    size_t n, capacity;
} shop_findings;

llmcs_status shop_find_add(shop_findings *f, size_t begin, size_t end, uint32_t kind, shop_priority priority,
                           const char *rule);

/* A word of the lexicon in the view. */
typedef struct shop_hit {
    uint32_t begin, end, tags; /* SHOP_LEX_* */
} shop_hit;

typedef struct shop_hits {
    shop_hit *items; /* by ascending begin */
    size_t n, capacity;
} shop_hits;

/* Finds every word of the lexicon in the view. Latin words only if no letter or digit is next to them. */
llmcs_status shop_find_hits(const llmcs_allocator *a, const shop_lexicon *lexicon, const shop_text_view *view,
                            shop_hits *hits);

/* Length of the longest word at i with one of the tags, or 0. */
size_t shop_hit_len(const shop_hits *hits, size_t i, uint32_t tags);

/* True if a word with one of the tags begins in [from, to). */
bool shop_has_hit(const shop_hits *hits, size_t from, size_t to, uint32_t tags);

/* The recognisers. */
llmcs_status shop_find_numbers(const shop_text_view *view, const shop_hits *hits,
                               shop_findings *f);                           /* phones, cards, ids */
llmcs_status shop_find_codes(const shop_text_view *view, shop_findings *f); /* IBAN, company ids, plates */
llmcs_status shop_find_labelled(const shop_text_view *view, const shop_hits *hits,
                                shop_findings *f);                          /* "order no. 123" */
llmcs_status shop_find_links(const shop_text_view *view, shop_findings *f); /* and e-mail */
llmcs_status shop_find_people(const shop_text_view *view, const shop_hits *hits, shop_findings *f); /* names by cues */
llmcs_status shop_find_addresses(const shop_text_view *view, const shop_hits *hits, shop_findings *f);

#endif
