/* An arena of growing blocks, and text that grows. */
#include "shop/desk/memory.h"

#include <sqlite3.h>
#include <string.h>

enum { FIRST_BLOCK = 4096, ALIGNMENT = 16, FORMATTED_BYTES = 1024 };

typedef struct desk_block {
    struct desk_block *next;
    size_t bytes;
} desk_block;

static llmcs_status add_block(desk_arena *a, size_t need) {
    desk_block *block;
    size_t bytes = a->blocks ? a->blocks->bytes : FIRST_BLOCK / 2;
    bytes = bytes > (1u << 20) ? bytes : bytes * 2;
    if (!shop_add(need, 64, &need)) return shop_fail(LLMCS_NOMEM, "desk: too large");
    bytes = shop_max(bytes, need);
    SHOP_TRY(shop_alloc(&a->allocator, bytes, 1, "desk", &block));
    *block = (desk_block){a->blocks, bytes};
    a->blocks = block;
    const size_t head = (sizeof *block + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    a->at = (unsigned char *)block + head;
    a->left = bytes - head;
    return LLMCS_OK;
}

llmcs_status desk_alloc(desk_arena *a, size_t count, size_t size, void *out) {
    size_t bytes;
    void *memory = NULL;
    memcpy(out, &memory, sizeof memory);
    if (!shop_mul(count, size, &bytes) || bytes > PTRDIFF_MAX / 2) return shop_fail(LLMCS_NOMEM, "desk: too large");
    bytes = (shop_max(bytes, 1) + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    if (bytes > a->left) SHOP_TRY(add_block(a, bytes));
    memory = a->at;
    a->at += bytes;
    a->left -= bytes;
    memset(memory, 0, bytes);
    memcpy(out, &memory, sizeof memory);
    return LLMCS_OK;
}

llmcs_status desk_copy(desk_arena *a, const char *text, size_t n, const char **out) {
    char *copy;
    *out = NULL;
    SHOP_TRY(desk_alloc(a, n + 1, 1, &copy));
    if (n) memcpy(copy, text, n);
    *out = copy;
    return LLMCS_OK;
}

void desk_arena_free(desk_arena *a) {
    while (a->blocks) {
        desk_block *next = a->blocks->next;
        shop_free(&a->allocator, a->blocks);
        a->blocks = next;
    }
    a->at = NULL;
    a->left = 0;
}

/* ---- text */

void desk_put(desk_buffer *b, const char *text, size_t n) {
    size_t need;
    if (b->status) return;
    if (!shop_add(b->n, n, &need) || !shop_add(need, 1, &need))
        b->status = shop_fail(LLMCS_NOMEM, "desk: text is too long");
    else
        b->status = shop_grow(b->allocator, &b->text, b->n, &b->capacity, need, 1, "text");
    if (b->status) {
        b->n = 0; /* as long as the "" that desk_buffer_text gives */
        return;
    }
    if (n) memcpy(b->text + b->n, text, n);
    b->n += n;
    b->text[b->n] = 0;
}

void desk_puts(desk_buffer *b, const char *text) { desk_put(b, text, strlen(text)); }

void desk_putf(desk_buffer *b, const char *format, ...) {
    char text[FORMATTED_BYTES];
    va_list args;
    va_start(args, format);
    sqlite3_vsnprintf(sizeof text, text, format, args);
    va_end(args);
    desk_puts(b, text);
}

void desk_put_json(desk_buffer *b, const char *text) {
    desk_put(b, "\"", 1);
    for (const char *p = text; *p; p++) {
        const unsigned char c = (unsigned char)*p;
        if (c == '"' || c == '\\' || c < 0x20)
            desk_putf(b, "\\u%04x", (unsigned)c);
        else
            desk_put(b, p, 1);
    }
    desk_put(b, "\"", 1);
}

const char *desk_buffer_text(desk_buffer *b) {
    desk_put(b, "", 0);
    return b->status || !b->text ? "" : b->text;
}

void desk_buffer_cut(desk_buffer *b, size_t n) {
    if (n >= b->n) return;
    b->n = n;
    b->text[n] = 0;
}

void desk_buffer_free(desk_buffer *b) {
    shop_free(b->allocator, b->text);
    b->text = NULL;
    b->n = b->capacity = 0;
}
