/* Memory of suggestions. */
#include <string.h>

#include "shop/assist/assistant.h"

/* In front of every block. */
typedef struct block {
    void *next;
    max_align_t data[];
} block;

llmcs_status shop_offer_create(const llmcs_allocator *a, shop_offer **offer) {
    SHOP_TRY(shop_alloc_zero(a, 1, sizeof **offer, "suggestions", offer));
    (*offer)->a = *a;
    (*offer)->action = "";
    (*offer)->head.items = (*offer)->pointers;
    (*offer)->head.lang = "";
    return LLMCS_OK;
}

void shop_offer_free(shop_offer **offer) {
    shop_offer *o = offer ? *offer : NULL;
    if (!o) return;
    const llmcs_allocator a = o->a;
    *offer = NULL;
    for (block *b = o->blocks; b;) {
        block *next = b->next;
        shop_free(&a, b);
        b = next;
    }
    shop_free(&a, o);
}

llmcs_status shop_offer_alloc(shop_offer *offer, size_t count, size_t size, void *out) {
    block *b;
    size_t n;
    if (!shop_mul(count, size, &n) || !shop_add(n, sizeof *b, &n))
        return shop_fail(LLMCS_NOMEM, "suggestions: too long");
    SHOP_TRY(shop_alloc_zero(&offer->a, n, 1, "suggestions", &b));
    b->next = offer->blocks;
    offer->blocks = b;
    void *data = b->data;
    memcpy(out, &data, sizeof data);
    return LLMCS_OK;
}

llmcs_status shop_offer_copy(shop_offer *offer, const char *text, size_t n, const char **out) {
    char *copy;
    SHOP_TRY(shop_offer_alloc(offer, n + 1, 1, &copy));
    if (n) memcpy(copy, text, n);
    *out = copy;
    return LLMCS_OK;
}

void llmcs_shop_suggestions_free(llmcs_shop_suggestions **suggestions) {
    SHOP_PUBLIC_CALL;
    shop_offer *offer = suggestions ? (shop_offer *)*suggestions : NULL;
    if (suggestions) *suggestions = NULL;
    shop_offer_free(&offer);
}
