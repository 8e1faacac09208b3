/* Appends to a text, whose capacity doubles. */
#include "shop/base/text.h"

#include <string.h>

llmcs_status shop_text_add(shop_text *t, const char *bytes, size_t n) {
    size_t need;
    if (!shop_add(t->n, n, &need) || !shop_add(need, 1, &need)) return shop_fail(LLMCS_NOMEM, "text: too long");
    SHOP_TRY(shop_grow(t->allocator, &t->bytes, t->n, &t->capacity, need, 1, "text"));
    if (n) memcpy(t->bytes + t->n, bytes, n);
    t->n += n;
    t->bytes[t->n] = 0;
    return LLMCS_OK;
}
