/* Memory of the desk: an arena for what lives and dies together, and text that grows. */
#ifndef SHOP_DESK_MEMORY_H
#define SHOP_DESK_MEMORY_H

#include "shop/base/alloc.h"

typedef struct desk_arena {
    llmcs_allocator allocator;
    struct desk_block *blocks;
    unsigned char *at;
    size_t left;
} desk_arena;

/* count * size bytes, zeroed, aligned for any type. Freed with the arena. */
llmcs_status desk_alloc(desk_arena *a, size_t count, size_t size, void *out);
/* A NUL-terminated copy. */
llmcs_status desk_copy(desk_arena *a, const char *text, size_t n, const char **out);
void desk_arena_free(desk_arena *a);

/* Text that grows. The first failure stays in `status` and empties it, later calls do nothing. The text is never NULL
 * once desk_buffer_text was called. */
typedef struct desk_buffer {
    const llmcs_allocator *allocator;
    char *text;
    size_t n, capacity;
    llmcs_status status;
} desk_buffer;

void desk_put(desk_buffer *b, const char *text, size_t n);
void desk_puts(desk_buffer *b, const char *text);
/* As sqlite3_snprintf formats, up to 1 KiB. */
void desk_putf(desk_buffer *b, const char *format, ...);
/* A JSON string with its quotes. */
void desk_put_json(desk_buffer *b, const char *text);
/* NUL-terminated; "" after a failure. */
const char *desk_buffer_text(desk_buffer *b);
void desk_buffer_cut(desk_buffer *b, size_t n);
void desk_buffer_free(desk_buffer *b);

#endif
