/* The shop's pattern for order numbers, matched with PCRE2 under limits on steps and memory. */
#ifndef SHOP_GUARD_PATTERN_H
#define SHOP_GUARD_PATTERN_H

#include "shop/guard/find.h"

typedef struct shop_pattern shop_pattern;

/* `name` is for messages. ARG: not a pattern, or it matches the empty text. */
llmcs_status shop_pattern_create(const llmcs_allocator *a, const char *name, const char *pattern,
                                 shop_pattern **compiled);
void shop_pattern_free(shop_pattern **compiled);

/* Adds each match that has no digit or letter next to it. LIMIT: the pattern takes too long on this text. */
llmcs_status shop_pattern_find(const shop_pattern *pattern, const shop_text_view *view, shop_findings *f);

#endif
