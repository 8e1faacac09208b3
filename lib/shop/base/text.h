/* A growable, NUL-terminated text. */
#ifndef SHOP_BASE_TEXT_H
#define SHOP_BASE_TEXT_H

#include "shop/base/alloc.h"

typedef struct shop_text {
    const llmcs_allocator *allocator;
    char *bytes; /* NULL until something is added */
    size_t n, capacity;
} shop_text;

llmcs_status shop_text_add(shop_text *t, const char *bytes, size_t n);

#endif
