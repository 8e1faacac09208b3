/* Creates and frees suggestions. */
#include "shop/assist/assistant.h"

llmcs_status shop_offer_create(const llmcs_allocator *a, shop_offer **offer) {
    SHOP_TRY(shop_alloc_zero(a, 1, sizeof **offer, "suggestions", offer));
    (*offer)->memory.allocator = *a;
    (*offer)->action = "";
    (*offer)->head.items = (*offer)->pointers;
    (*offer)->head.lang = "";
    return LLMCS_OK;
}

void shop_offer_free(shop_offer **offer) {
    shop_offer *o = offer ? *offer : NULL;
    if (!o) return;
    const llmcs_allocator a = o->memory.allocator;
    *offer = NULL;
    shop_arena_free(&o->memory);
    shop_free(&a, o);
}

void llmcs_shop_suggestions_free(llmcs_shop_suggestions **suggestions) {
    SHOP_PUBLIC_CALL;
    shop_offer *offer = suggestions ? (shop_offer *)*suggestions : NULL;
    if (suggestions) *suggestions = NULL;
    shop_offer_free(&offer);
}
