/* A growing text buffer. */
#ifndef SHOP_DESK_TEXT_H
#define SHOP_DESK_TEXT_H

#include "shop/base/arena.h"

/* The first failure is kept in `status` and empties the buffer; later calls have no effect. The text is never NULL
 * after desk_buffer_text was called. */
typedef struct desk_buffer {
    const llmcs_allocator *allocator;
    char *text;
    size_t n, capacity;
    llmcs_status status;
} desk_buffer;

void desk_put(desk_buffer *b, const char *text, size_t n);
void desk_puts(desk_buffer *b, const char *text);
/* Formats like sqlite3_snprintf, up to 1 KiB. */
void desk_putf(desk_buffer *b, const char *format, ...);
/* Appends a JSON string with its quotes. */
void desk_put_json(desk_buffer *b, const char *text);
/* Returns the NUL-terminated text; "" after a failure. */
const char *desk_buffer_text(desk_buffer *b);
void desk_buffer_cut(desk_buffer *b, size_t n);
void desk_buffer_free(desk_buffer *b);

#endif
