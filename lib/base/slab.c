/* One allocation, divided from both ends. */
#include "base/slab.h"

#define UNIT 64 /* alignment of every allocation */
#define SMALL_BYTES ((size_t)64 << 10)

uint64_t ll_slab_capacity(uint64_t bytes) {
    if (bytes > UINT64_MAX - UNIT) return UINT64_MAX;
    return ((bytes ? bytes : 1) + UNIT - 1) / UNIT * UNIT;
}

llmcs_status ll_slab_create(ll_slab *slab, const llmcs_allocator *a, uint64_t bytes, const char *what) {
    *slab = (ll_slab){.allocator = *a};
    if (bytes > SIZE_MAX)
        return ll_fail(LLMCS_NOMEM, "%s: %llu bytes are more than can be addressed", what, (unsigned long long)bytes);
    LL_TRY(ll_alloc(a, (size_t)bytes, 1, what, &slab->memory));
    slab->end = (size_t)bytes / UNIT * UNIT;
    return LLMCS_OK;
}

void ll_slab_free(ll_slab *slab) {
    if (slab->memory) ll_free(&slab->allocator, slab->memory);
    *slab = (ll_slab){0};
}

static void *slab_alloc(void *user, size_t size_bytes, size_t alignment) {
    ll_slab *slab = user;
    const uint64_t capacity = ll_slab_capacity(size_bytes);
    if (alignment > UNIT || capacity > slab->end - slab->begin) return NULL;
    if (size_bytes < SMALL_BYTES) return slab->memory + (slab->end -= (size_t)capacity);
    void *memory = slab->memory + slab->begin;
    slab->begin += (size_t)capacity;
    return memory;
}

static void slab_free_nothing(void *user, void *memory) {
    (void)user;
    (void)memory;
}

llmcs_allocator ll_slab_allocator(ll_slab *slab) { return (llmcs_allocator){slab_alloc, slab_free_nothing, slab}; }
