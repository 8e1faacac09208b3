/* An arena: allocations that are all freed together. */
#ifndef SHOP_BASE_ARENA_H
#define SHOP_BASE_ARENA_H

#include "shop/base/alloc.h"

/* Initially all zero except for the allocator. */
typedef struct shop_arena {
    llmcs_allocator allocator;
    struct shop_arena_block *blocks;
    unsigned char *at;
    size_t left;
} shop_arena;

/* Sets *out to count * size bytes, zeroed, aligned for any type, or to NULL on failure. */
llmcs_status shop_arena_alloc(shop_arena *a, size_t count, size_t size, void *out);
/* A NUL-terminated copy of n bytes. */
llmcs_status shop_arena_copy(shop_arena *a, const char *text, size_t n, const char **out);
/* Frees everything. The arena is then empty and can be used again. */
void shop_arena_free(shop_arena *a);

#endif
