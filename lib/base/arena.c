/* Bump allocation: chunks of doubling size in a list, freed together. */
#include "base/arena.h"

#include <string.h>

#define UNIT 16          /* alignment of every allocation */
#define FIRST_CHUNK 4096 /* bytes; each chunk doubles the last, up to LARGEST */
#define LARGEST (1 << 20)

struct ll_arena_chunk {
    ll_arena_chunk *next;
    size_t size;
};

#define HEADER ll_round_up(sizeof(ll_arena_chunk), UNIT)

void ll_arena_init(ll_arena *arena, const llmcs_allocator *allocator) {
    *arena = (ll_arena){ll_allocator_or_default(allocator), NULL, 0, 0};
}

llmcs_status ll_arena_alloc(ll_arena *arena, size_t count, size_t size, const char *what, void *out) {
    size_t bytes;
    void *p = NULL;
    memcpy(out, &p, sizeof p);
    if (!ll_mul(count, size, &bytes) || bytes > PTRDIFF_MAX - LARGEST)
        return ll_fail(LLMCS_NOMEM, "%s: %zu x %zu bytes are more than can be addressed", what, count, size);
    bytes = ll_round_up(bytes ? bytes : 1, UNIT);
    if (bytes > arena->size - arena->used) {
        size_t want = arena->chunks ? ll_min(arena->chunks->size * 2, LARGEST) : FIRST_CHUNK;
        ll_arena_chunk *chunk;
        want = ll_max(want, HEADER + bytes);
        LL_TRY(ll_alloc(&arena->allocator, want, 1, what, &chunk));
        *chunk = (ll_arena_chunk){arena->chunks, want};
        arena->chunks = chunk;
        arena->used = HEADER;
        arena->size = want;
    }
    p = (char *)arena->chunks + arena->used;
    arena->used += bytes;
    memcpy(out, &p, sizeof p);
    return LLMCS_OK;
}

llmcs_status ll_arena_copy_text(ll_arena *arena, const char *text, size_t len, const char *what, const char **out) {
    char *p;
    size_t bytes;
    *out = NULL;
    if (!ll_add(len, 1, &bytes)) return ll_fail(LLMCS_NOMEM, "%s: text too long", what);
    LL_TRY(ll_arena_alloc(arena, bytes, 1, what, &p));
    if (len) memcpy(p, text, len);
    p[len] = 0;
    *out = p;
    return LLMCS_OK;
}

void ll_arena_free(ll_arena *arena) {
    for (ll_arena_chunk *c = arena->chunks, *next; c; c = next) {
        next = c->next;
        ll_free(&arena->allocator, c);
    }
    arena->chunks = NULL;
    arena->used = arena->size = 0;
}
