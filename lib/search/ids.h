/* A hash table from ids to slot numbers. */
#ifndef LL_SEARCH_IDS_H
#define LL_SEARCH_IDS_H

#include "base/alloc.h"

#define LL_NO_SLOT UINT32_MAX

typedef struct ll_ids {
    uint64_t *ids;
    uint32_t *slots; /* LL_NO_SLOT: empty */
    size_t capacity; /* a power of two, or 0 */
    size_t n;
    uint64_t key; /* hashed with each id, because ids may be chosen to collide */
} ll_ids;

/* Reserves capacity for n more. */
llmcs_status ll_ids_reserve(ll_ids *t, const llmcs_allocator *a, size_t n);
/* Bytes that the table takes with n more. */
uint64_t ll_ids_bytes(const ll_ids *t, size_t n_more);
void ll_ids_free(ll_ids *t, const llmcs_allocator *a);

/* LL_NO_SLOT if there is none. */
uint32_t ll_ids_find(const ll_ids *t, uint64_t id);
/* Sets the slot of a new or existing id. Capacity must have been reserved. Returns the previous slot, or LL_NO_SLOT. */
uint32_t ll_ids_set(ll_ids *t, uint64_t id, uint32_t slot);
void ll_ids_remove(ll_ids *t, uint64_t id);

#endif
