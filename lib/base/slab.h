/* Things that live and die together and whose sizes are known before: one piece of memory, taken at once. Large ones
 * are handed out from its beginning, small ones from its end. So large ones lie in huge pages, which the system clears
 * when they are first written to; that is a large one's writer, and not whoever writes the small ones between them. */
#ifndef LL_BASE_SLAB_H
#define LL_BASE_SLAB_H

#include "base/alloc.h"

typedef struct ll_slab {
    llmcs_allocator allocator;
    char *memory;
    size_t begin, end; /* what is left of it, bytes */
} ll_slab;

/* What a piece of so many bytes takes of a slab; UINT64_MAX if that is more. */
uint64_t ll_slab_capacity(uint64_t bytes);

/* NOMEM. *slab is then empty, as a zeroed one is, and may be freed. */
llmcs_status ll_slab_create(ll_slab *slab, const llmcs_allocator *a, uint64_t bytes, const char *what);
void ll_slab_free(ll_slab *slab);

/* Hands out what is left, aligned to 64 bytes, and NULL where that does not do; frees nothing. Good as long as the slab
 * stays where it is. */
llmcs_allocator ll_slab_allocator(ll_slab *slab);

#endif
