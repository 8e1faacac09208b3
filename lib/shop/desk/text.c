/* A growing text buffer. */
#include "shop/desk/text.h"

#include <sqlite3.h>
#include <string.h>

enum { FORMATTED_BYTES = 1024 };

void desk_put(desk_buffer *b, const char *text, size_t n) {
    size_t need;
    if (b->status) return;
    if (!shop_add(b->n, n, &need) || !shop_add(need, 1, &need))
        b->status = shop_fail(LLMCS_NOMEM, "desk: text is too long");
    else
        b->status = shop_grow(b->allocator, &b->text, b->n, &b->capacity, need, 1, "text");
    if (b->status) {
        b->n = 0; /* keep n in step with the "" that desk_buffer_text returns */
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
