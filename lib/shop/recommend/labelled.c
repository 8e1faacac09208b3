/* The items that have a label. */
#include "shop/recommend/labelled.h"

#include <string.h>

void shop_labelled_free(shop_labelled *l) {
    shop_free(l->allocator, l->entries);
    shop_free(l->allocator, l->first);
    shop_free(l->allocator, l->counts);
    *l = (shop_labelled){.allocator = l->allocator};
}

static llmcs_status reserve_entries(shop_labelled *l, size_t n) {
    if (n <= l->n) return LLMCS_OK;
    if (n >= UINT32_MAX) return shop_fail(LLMCS_LIMIT, "recommend: at most 2^32 tags of products");
    SHOP_TRY(shop_grow(l->allocator, &l->entries, l->n, &l->capacity, n, sizeof *l->entries, "labels"));
    for (; l->n < n; l->n++) l->entries[l->n] = (shop_labelled_entry){.label = SHOP_NO_NUMBER};
    return LLMCS_OK;
}

static llmcs_status reserve_labels(shop_labelled *l, size_t n) {
    const size_t before = l->n_labels;
    if (n <= before) return LLMCS_OK;
    SHOP_TRY(shop_grow(l->allocator, &l->first, before, &l->first_capacity, n, sizeof *l->first, "labels"));
    SHOP_TRY(shop_grow(l->allocator, &l->counts, before, &l->counts_capacity, n, sizeof *l->counts, "labels"));
    memset(l->first + before, 0, (n - before) * sizeof *l->first);
    memset(l->counts + before, 0, (n - before) * sizeof *l->counts);
    l->n_labels = n;
    return LLMCS_OK;
}

static void take_out(shop_labelled *l, shop_labelled_entry *e) {
    if (e->label == SHOP_NO_NUMBER) return;
    if (e->next) l->entries[e->next - 1].previous = e->previous;
    if (e->previous)
        l->entries[e->previous - 1].next = e->next;
    else
        l->first[e->label] = e->next;
    l->counts[e->label]--;
    e->label = SHOP_NO_NUMBER;
}

llmcs_status shop_labelled_set(shop_labelled *l, size_t number, uint32_t item, uint32_t label) {
    if (label == SHOP_NO_NUMBER && number >= l->n) return LLMCS_OK;
    SHOP_TRY(reserve_entries(l, number + 1));
    if (label != SHOP_NO_NUMBER) SHOP_TRY(reserve_labels(l, (size_t)label + 1));
    shop_labelled_entry *e = &l->entries[number];
    take_out(l, e);
    if (label == SHOP_NO_NUMBER) return LLMCS_OK;
    *e = (shop_labelled_entry){.item = item, .label = label, .next = l->first[label]};
    if (e->next) l->entries[e->next - 1].previous = (uint32_t)number + 1;
    l->first[label] = (uint32_t)number + 1;
    l->counts[label]++;
    return LLMCS_OK;
}

size_t shop_labelled_count(const shop_labelled *l, uint32_t label) {
    return label < l->n_labels ? l->counts[label] : 0;
}

void shop_labelled_items(const shop_labelled *l, uint32_t label, uint32_t *items) {
    size_t n = 0;
    if (label >= l->n_labels) return;
    for (uint32_t at = l->first[label]; at; at = l->entries[at - 1].next) items[n++] = l->entries[at - 1].item;
}
