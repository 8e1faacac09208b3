/* The parts of a guard. Immutable after llmcs_shop_guard_create. */
#ifndef SHOP_GUARD_GUARD_H
#define SHOP_GUARD_GUARD_H

#include "shop/guard/check.h"
#include "shop/guard/find.h"
#include "shop/guard/pattern.h"
#include "shop/guard/tagger.h"

struct llmcs_shop_guard {
    llmcs_allocator allocator;
    shop_lexicon *lexicon;
    shop_pattern *orders; /* or NULL */
    shop_tagger *tagger;  /* or NULL */
    shop_checker *checker;
};

#endif
