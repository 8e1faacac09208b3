/* Memory for what lives and dies together: blocks that grow, freed at once. */
#ifndef SHOP_BASE_ARENA_H
#define SHOP_BASE_ARENA_H

#include "shop/base/alloc.h"

/* All zero but the allocator at first. */
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
/* Frees everything; the arena is empty and can be used again. */
void shop_arena_free(shop_arena *a);

#endif
