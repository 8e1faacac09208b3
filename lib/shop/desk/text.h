/* Text that grows. */
#ifndef SHOP_DESK_TEXT_H
#define SHOP_DESK_TEXT_H

#include "shop/base/arena.h"

/* The first failure stays in `status` and empties it, later calls do nothing. The text is never NULL
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
