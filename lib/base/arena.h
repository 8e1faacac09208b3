/* Many small objects with one lifetime: bump allocation in chunks from an llmcs_allocator. */
#ifndef LL_BASE_ARENA_H
#define LL_BASE_ARENA_H

#include "base/alloc.h"

typedef struct ll_arena_chunk ll_arena_chunk;

typedef struct ll_arena {
    llmcs_allocator allocator;
    ll_arena_chunk *chunks; /* newest first */
    size_t used, size;      /* bytes of the newest chunk */
} ll_arena;

void ll_arena_init(ll_arena *arena, const llmcs_allocator *allocator);

/* count * size bytes aligned to 16, not initialised. */
llmcs_status ll_arena_alloc(ll_arena *arena, size_t count, size_t size, const char *what, void *out);

/* A NUL-terminated copy of len bytes. */
llmcs_status ll_arena_copy_text(ll_arena *arena, const char *text, size_t len, const char *what, const char **out);

/* Frees everything; the arena is empty, as after init. */
void ll_arena_free(ll_arena *arena);

#endif
