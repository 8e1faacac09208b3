/* The rules of rewriting. */
#ifndef SHOP_ASSIST_RULES_H
#define SHOP_ASSIST_RULES_H

#include "shop/base/alloc.h"

/* A phrase and its replacement. Latin letters match in either case and at word boundaries; the replacement starts with
 * a capital if the phrase did. */
typedef struct shop_phrase {
    const char *from, *to;
    bool at_start;          /* only where a sentence begins */
    const char *not_before; /* not in front of this, or NULL */
} shop_phrase;

typedef struct shop_rules {
    const shop_phrase *phrases; /* [n_phrases] applied in this order */
    size_t n_phrases;
    const char *const *formulas; /* [n_formulas] beginnings of empty sentences, which SHORTER drops */
    size_t n_formulas;
    const char *const *greetings; /* [n_greetings] beginnings of texts that need no greeting */
    size_t n_greetings;
    const char *const *offers; /* [n_offers] phrases of texts that need no offer of help */
    size_t n_offers;
    const char *greeting, *offer; /* what POLITER adds, or NULL */
} shop_rules;

extern const shop_rules shop_rules_politer_en, shop_rules_politer_zh, shop_rules_shorter_en, shop_rules_shorter_zh;

#endif
