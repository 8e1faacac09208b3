/* Allocation with checked sizes, from the caller's allocator. */
#include "shop/base/alloc.h"

#include <stdlib.h>
#include <string.h>

enum { ALIGNMENT = 64 };

static void *default_alloc(void *user, size_t size_bytes, size_t alignment) {
    (void)user;
    void *memory = NULL;
    return posix_memalign(&memory, alignment, size_bytes) ? NULL : memory;
}

static void default_free(void *user, void *memory) {
    (void)user;
    free(memory);
}

llmcs_allocator shop_allocator_or_default(const llmcs_allocator *a) {
    return a ? *a : (llmcs_allocator){default_alloc, default_free, NULL};
}

llmcs_status shop_alloc(const llmcs_allocator *a, size_t count, size_t size, const char *what, void *out) {
    void *memory = NULL;
    size_t bytes;
    memcpy(out, &memory, sizeof memory);
    if (!shop_mul(count, size, &bytes) || bytes > PTRDIFF_MAX)
        return shop_fail(LLMCS_NOMEM, "%s: %llu items of %llu bytes exceed the address space", what,
                         (unsigned long long)count, (unsigned long long)size);
    memory = a->alloc(a->user, bytes ? bytes : 1, ALIGNMENT);
    if (!memory) return shop_fail(LLMCS_NOMEM, "%s: no memory for %llu bytes", what, (unsigned long long)bytes);
    memcpy(out, &memory, sizeof memory);
    return LLMCS_OK;
}

llmcs_status shop_alloc_zero(const llmcs_allocator *a, size_t count, size_t size, const char *what, void *out) {
    void *memory;
    SHOP_TRY(shop_alloc(a, count, size, what, out));
    memcpy(&memory, out, sizeof memory);
    memset(memory, 0, count * size);
    return LLMCS_OK;
}

void shop_free(const llmcs_allocator *a, void *p) {
    if (p) a->free(a->user, p);
}

llmcs_status shop_grow(const llmcs_allocator *a, void *array, size_t used, size_t *capacity, size_t need, size_t size,
                       const char *what) {
    void *old, *fresh;
    if (need <= *capacity && *capacity) return LLMCS_OK;
    size_t target = *capacity > SIZE_MAX / 2 ? need : shop_max(need, *capacity * 2);
    target = shop_max(target, 8);
    SHOP_TRY(shop_alloc(a, target, size, what, &fresh));
    memcpy(&old, array, sizeof old);
    if (used) memcpy(fresh, old, used * size);
    shop_free(a, old);
    memcpy(array, &fresh, sizeof fresh);
    *capacity = target;
    return LLMCS_OK;
}

llmcs_status shop_copy_text(const llmcs_allocator *a, const char *text, size_t len, const char *what, char **out) {
    size_t bytes;
    *out = NULL;
    if (!shop_add(len, 1, &bytes)) return shop_fail(LLMCS_NOMEM, "%s: too long", what);
    SHOP_TRY(shop_alloc(a, bytes, 1, what, out));
    if (len) memcpy(*out, text, len);
    (*out)[len] = 0;
    return LLMCS_OK;
}
