/* Character trigrams of a text as a bit set. */
#ifndef SHOP_KNOWLEDGE_SIGNATURE_H
#define SHOP_KNOWLEDGE_SIGNATURE_H

#include "shop/knowledge/match.h"

/* Made from the normalised text without spaces. */
llmcs_status shop_signature_make(const llmcs_allocator *a, const char *text, size_t n, shop_signature *s);

#endif
