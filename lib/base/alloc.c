/* Allocation through the host's llmcs_allocator, and the default one. */
#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define ALIGNMENT 64 /* a cache line, and the widest vector we use */

/* Allocations from this size on request huge pages. Packing GPT-2 124M then takes a third less time (page faults), and
 * reading its weights misses the TLB less. */
#define HUGE_PAGE_BYTES ((size_t)2 << 20)
#define LARGE_BYTES HUGE_PAGE_BYTES

static void *default_alloc(void *user, size_t size_bytes, size_t alignment) {
    (void)user;
    void *p = NULL;
    if (size_bytes >= LARGE_BYTES) alignment = HUGE_PAGE_BYTES;
    if (posix_memalign(&p, alignment < sizeof(void *) ? sizeof(void *) : alignment, size_bytes)) return NULL;
#ifdef MADV_HUGEPAGE
    if (size_bytes >= LARGE_BYTES) (void)madvise(p, size_bytes, MADV_HUGEPAGE); /* a hint: failure is harmless */
#endif
    return p;
}

static void default_free(void *user, void *memory) {
    (void)user;
    free(memory);
}

llmcs_allocator ll_allocator_default(void) { return (llmcs_allocator){default_alloc, default_free, NULL}; }

llmcs_allocator ll_allocator_or_default(const llmcs_allocator *a) { return a ? *a : ll_allocator_default(); }

llmcs_status ll_alloc(const llmcs_allocator *a, size_t count, size_t size, const char *what, void *out) {
    size_t bytes;
    void *p = NULL;
    memcpy(out, &p, sizeof p);
    if (!ll_mul(count, size, &bytes) || bytes > PTRDIFF_MAX)
        return ll_fail(LLMCS_NOMEM, "%s: %zu x %zu bytes are more than can be addressed", what, count, size);
    p = a->alloc(a->user, bytes ? bytes : 1, ALIGNMENT);
    if (!p) return ll_fail(LLMCS_NOMEM, "%s: no memory for %zu bytes", what, bytes);
    memcpy(out, &p, sizeof p);
    return LLMCS_OK;
}

llmcs_status ll_alloc_zero(const llmcs_allocator *a, size_t count, size_t size, const char *what, void *out) {
    LL_TRY(ll_alloc(a, count, size, what, out));
    void *p;
    memcpy(&p, out, sizeof p);
    memset(p, 0, count * size);
    return LLMCS_OK;
}

void ll_free(const llmcs_allocator *a, void *p) {
    if (p) a->free(a->user, p);
}

llmcs_status ll_grow(const llmcs_allocator *a, void *array, size_t used, size_t *capacity, size_t need, size_t size,
                     const char *what) {
    if (need <= *capacity) return LLMCS_OK;
    size_t wanted = *capacity < SIZE_MAX / 2 ? ll_max(need, *capacity * 2) : need;
    if (wanted < 16) wanted = 16;
    void *old, *fresh;
    LL_TRY(ll_alloc(a, wanted, size, what, &fresh));
    memcpy(&old, array, sizeof old);
    if (used) memcpy(fresh, old, used * size);
    memcpy(array, &fresh, sizeof fresh);
    *capacity = wanted;
    ll_free(a, old);
    return LLMCS_OK;
}

llmcs_status ll_copy_text(const llmcs_allocator *a, const char *text, size_t len, const char *what, char **out) {
    size_t bytes;
    *out = NULL;
    if (!ll_add(len, 1, &bytes)) return ll_fail(LLMCS_NOMEM, "%s: text too long", what);
    LL_TRY(ll_alloc(a, bytes, 1, what, out));
    if (len) memcpy(*out, text, len);
    (*out)[len] = 0;
    return LLMCS_OK;
}
