/* An arena of blocks that double in size, up to 1 MiB. */
#include "shop/base/arena.h"

#include <string.h>

enum { FIRST_BLOCK = 4096, LARGEST_BLOCK = 1 << 20, ALIGNMENT = 16 };

typedef struct shop_arena_block {
    struct shop_arena_block *next;
    size_t bytes;
} shop_arena_block;

static llmcs_status add_block(shop_arena *a, size_t need) {
    shop_arena_block *block;
    const size_t head = (sizeof *block + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    const size_t doubled = a->blocks ? shop_min(a->blocks->bytes, LARGEST_BLOCK / 2) * 2 : FIRST_BLOCK;
    const size_t bytes = shop_max(doubled, need + head); /* need is at most half of what can be addressed */
    SHOP_TRY(shop_alloc(&a->allocator, bytes, 1, "arena", &block));
    *block = (shop_arena_block){a->blocks, bytes};
    a->blocks = block;
    a->at = (unsigned char *)block + head;
    a->left = bytes - head;
    return LLMCS_OK;
}

llmcs_status shop_arena_alloc(shop_arena *a, size_t count, size_t size, void *out) {
    size_t bytes;
    void *memory = NULL;
    memcpy(out, &memory, sizeof memory);
    if (!shop_mul(count, size, &bytes) || bytes > PTRDIFF_MAX / 2)
        return shop_fail(LLMCS_NOMEM, "arena: more bytes than can be addressed");
    bytes = (shop_max(bytes, 1) + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    if (bytes > a->left) SHOP_TRY(add_block(a, bytes));
    memory = a->at;
    a->at += bytes;
    a->left -= bytes;
    memset(memory, 0, bytes);
    memcpy(out, &memory, sizeof memory);
    return LLMCS_OK;
}

llmcs_status shop_arena_copy(shop_arena *a, const char *text, size_t n, const char **out) {
    char *copy;
    *out = NULL;
    SHOP_TRY(shop_arena_alloc(a, n + 1, 1, &copy));
    if (n) memcpy(copy, text, n);
    *out = copy;
    return LLMCS_OK;
}

void shop_arena_free(shop_arena *a) {
    while (a->blocks) {
        shop_arena_block *next = a->blocks->next;
        shop_free(&a->allocator, a->blocks);
        a->blocks = next;
    }
    a->at = NULL;
    a->left = 0;
}
