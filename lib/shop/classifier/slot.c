/* Holds the classifier in use, which any thread may replace at any time. */
#include <pthread.h>

#include "shop/base/call.h"
#include "shop/classifier/classifier.h"

struct llmcs_shop_classifier_slot {
    pthread_mutex_t lock; /* held only to copy a pointer and change a counter */
    llmcs_shop_classifier *classifier;
};

static const llmcs_allocator *default_allocator(llmcs_allocator *a) {
    *a = shop_allocator_or_default(NULL);
    return a;
}

llmcs_status llmcs_shop_classifier_slot_create(const llmcs_shop_classifier *classifier,
                                               llmcs_shop_classifier_slot **slot) {
    SHOP_PUBLIC_CALL;
    llmcs_allocator a;
    llmcs_shop_classifier_slot *s;
    if (!slot) return shop_fail(LLMCS_ARG, "slot_create: slot is NULL");
    *slot = NULL;
    SHOP_TRY(shop_alloc_zero(default_allocator(&a), 1, sizeof *s, "slot", &s));
    if (pthread_mutex_init(&s->lock, NULL)) {
        shop_free(&a, s);
        return shop_fail(LLMCS_THREAD, "slot_create: no lock could be created");
    }
    s->classifier = llmcs_shop_classifier_ref(classifier);
    *slot = s;
    return LLMCS_OK;
}

llmcs_shop_classifier *llmcs_shop_classifier_slot_get(llmcs_shop_classifier_slot *slot) {
    if (!slot) return NULL;
    pthread_mutex_lock(&slot->lock);
    llmcs_shop_classifier *found = llmcs_shop_classifier_ref(slot->classifier);
    pthread_mutex_unlock(&slot->lock);
    return found;
}

llmcs_status llmcs_shop_classifier_slot_swap(llmcs_shop_classifier_slot *slot,
                                             const llmcs_shop_classifier *classifier) {
    SHOP_PUBLIC_CALL;
    if (!slot) return shop_fail(LLMCS_ARG, "slot_swap: slot is NULL");
    llmcs_shop_classifier *fresh = llmcs_shop_classifier_ref(classifier);
    pthread_mutex_lock(&slot->lock);
    llmcs_shop_classifier *old = slot->classifier;
    slot->classifier = fresh;
    pthread_mutex_unlock(&slot->lock);
    llmcs_shop_classifier_free(&old); /* outside the lock: it may be the last reference */
    return LLMCS_OK;
}

void llmcs_shop_classifier_slot_free(llmcs_shop_classifier_slot **slot) {
    if (!slot || !*slot) return;
    llmcs_allocator a;
    llmcs_shop_classifier_slot *s = *slot;
    *slot = NULL;
    llmcs_shop_classifier_free(&s->classifier);
    pthread_mutex_destroy(&s->lock);
    shop_free(default_allocator(&a), s);
}
