/* Objects with one lifetime and known sizes in one allocation. Large ones are allocated from its start, small ones from
 * its end. The system clears a huge page at the first write: keeping small objects away from large ones leaves that to
 * the thread that fills the large one. */
#ifndef LL_BASE_SLAB_H
#define LL_BASE_SLAB_H

#include "base/alloc.h"

typedef struct ll_slab {
    llmcs_allocator allocator;
    char *memory;
    size_t begin, end; /* the free range, bytes */
} ll_slab;

/* Bytes of a slab that an allocation of this size occupies; UINT64_MAX on overflow. */
uint64_t ll_slab_capacity(uint64_t bytes);

/* NOMEM: *slab is then empty, like a zeroed one, and may be freed. */
llmcs_status ll_slab_create(ll_slab *slab, const llmcs_allocator *a, uint64_t bytes, const char *what);
void ll_slab_free(ll_slab *slab);

/* Allocates from the free range, aligned to 64 bytes, NULL if it is too small; its free does nothing. Valid until the
 * slab is moved or freed. */
llmcs_allocator ll_slab_allocator(ll_slab *slab);

#endif
