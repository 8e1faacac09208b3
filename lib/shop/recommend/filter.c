/* Which products may be recommended. */
#include "shop/recommend/filter.h"

#include <string.h>

#include "shop/base/sort.h"

/* ---- excluded items */

static bool is_excluded(const shop_filter *f, uint64_t row) {
    size_t low = 0, high = f->n_excluded;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (f->excluded[middle] < row)
            low = middle + 1;
        else
            high = middle;
    }
    return low < f->n_excluded && f->excluded[low] == row;
}

static bool leaves_out(const llmcs_shop_recommend_params *params, const shop_behaviour *b) {
    if (params->item) return true; /* the product itself */
    return params->seen == LLMCS_SHOP_SEEN_EXCLUDE || (params->seen == LLMCS_SHOP_SEEN_EXCLUDE_BOUGHT && b->bought);
}

/* Excludes what the customer has seen and the caller's list. Ids that the store lacks are ignored. */
static llmcs_status exclude_items(shop_filter *f, shop_connection *c, const shop_history *history) {
    const llmcs_shop_recommend_params *p = f->params;
    SHOP_TRY(shop_alloc(f->allocator, history->n + p->n_exclude, sizeof *f->excluded, "filter", &f->excluded));
    for (size_t i = 0; i < history->n; i++)
        if (leaves_out(p, &history->items[i]))
            f->excluded[f->n_excluded++] = (uint64_t)f->catalog->items[history->items[i].item].row;
    for (size_t i = 0; i < p->n_exclude; i++) {
        uint32_t item;
        SHOP_TRY(shop_catalog_item(f->catalog, c, p->exclude[i], &item));
        if (item != SHOP_NO_NUMBER) f->excluded[f->n_excluded++] = (uint64_t)f->catalog->items[item].row;
    }
    shop_sort_u64(f->excluded, f->n_excluded);
    return LLMCS_OK;
}

/* ---- labels */

static size_t n_labels(const llmcs_shop_recommend_params *p) {
    return p->n_categories + p->n_tags_all + p->n_tags_any + p->n_tags_none;
}

static bool find_labels(const shop_catalog *catalog, shop_label_kind kind, const char *const *names, size_t n,
                        uint32_t *labels) {
    bool any = false;
    for (size_t i = 0; i < n; i++) {
        labels[i] = shop_catalog_label(catalog, kind, names[i]);
        any = any || labels[i] != SHOP_NO_LABEL;
    }
    return any;
}

llmcs_status shop_filter_make(shop_filter *f, const shop_catalog *catalog, shop_connection *c,
                              const llmcs_shop_recommend_params *p, const shop_history *history) {
    *f = (shop_filter){.allocator = catalog->allocator, .catalog = catalog, .params = p};
    SHOP_TRY(shop_alloc(f->allocator, n_labels(p), sizeof *f->labels, "filter", &f->labels));
    uint32_t *all = f->labels + p->n_categories, *any = all + p->n_tags_all, *none = any + p->n_tags_any;
    const bool category_known = find_labels(catalog, SHOP_LABEL_CATEGORY, p->categories, p->n_categories, f->labels);
    find_labels(catalog, SHOP_LABEL_TAG, p->tags_all, p->n_tags_all, all);
    const bool tag_known = find_labels(catalog, SHOP_LABEL_TAG, p->tags_any, p->n_tags_any, any);
    find_labels(catalog, SHOP_LABEL_TAG, p->tags_none, p->n_tags_none, none);
    f->nothing_passes = (p->n_categories && !category_known) || (p->n_tags_any && !tag_known);
    for (size_t i = 0; i < p->n_tags_all; i++) f->nothing_passes = f->nothing_passes || all[i] == SHOP_NO_LABEL;
    return exclude_items(f, c, history);
}

void shop_filter_free(shop_filter *f) {
    shop_free(f->allocator, f->labels);
    shop_free(f->allocator, f->excluded);
}

static bool has_tag(const shop_filter *f, const shop_item *item, uint32_t label) {
    for (uint32_t t = 0; t < item->n_tags; t++)
        if (f->catalog->tags[item->tags + t] == label) return true;
    return false;
}

static size_t count_tags(const shop_filter *f, const shop_item *item, const uint32_t *labels, size_t n) {
    size_t found = 0;
    for (size_t i = 0; i < n; i++) found += labels[i] != SHOP_NO_LABEL && has_tag(f, item, labels[i]);
    return found;
}

static bool in_category(const shop_item *item, const uint32_t *labels, size_t n) {
    if (!n) return true;
    for (size_t i = 0; i < n; i++)
        if (labels[i] != SHOP_NO_LABEL && labels[i] == item->category) return true;
    return false;
}

bool shop_filter_passes(const shop_filter *f, uint32_t number) {
    const llmcs_shop_recommend_params *p = f->params;
    const shop_item *item = &f->catalog->items[number];
    const uint32_t *all = f->labels + p->n_categories, *any = all + p->n_tags_all, *none = any + p->n_tags_any;
    if (f->nothing_passes || (!item->in_stock && !p->out_of_stock)) return false;
    if (!(item->price >= p->price_min) || !(item->price <= p->price_max)) return false;
    if (f->wanted && !shop_wanted_suits(f->wanted, f->catalog, item)) return false;
    if (f->of_kind && !shop_wanted_is_kind(f->wanted, f->catalog, item)) return false;
    return in_category(item, f->labels, p->n_categories) && count_tags(f, item, all, p->n_tags_all) == p->n_tags_all &&
           (!p->n_tags_any || count_tags(f, item, any, p->n_tags_any)) && !count_tags(f, item, none, p->n_tags_none) &&
           !is_excluded(f, (uint64_t)item->row);
}

static uint64_t bits_of(const uint32_t *labels, size_t n) {
    uint64_t bits = 0;
    for (size_t i = 0; i < n; i++)
        if (labels[i] != SHOP_NO_LABEL) bits |= shop_label_bit(labels[i]);
    return bits;
}

/* The index filter is a superset: it drops nothing that shop_filter_passes accepts, but may accept more. */
void shop_filter_to_search(const shop_filter *f, llmcs_search_params *search) {
    const llmcs_shop_recommend_params *p = f->params;
    const uint32_t *all = f->labels + p->n_categories, *any = all + p->n_tags_all, *none = any + p->n_tags_any;
    if (!p->out_of_stock) search->tags_all |= SHOP_STOCK_BIT;
    search->tags_all |= bits_of(all, p->n_tags_all);
    for (size_t i = 0; i < p->n_tags_none; i++)
        if (!shop_label_shares_bit(none[i])) search->tags_none |= bits_of(none + i, 1);
    /* The index supports one "any of" condition. */
    search->tags_any = p->n_categories ? bits_of(f->labels, p->n_categories) : bits_of(any, p->n_tags_any);
    if (f->of_kind && !search->tags_any) {
        const shop_kinds_found *k = &f->wanted->kinds;
        search->tags_any = k->has_category ? bits_of(&k->category, 1) : bits_of(k->labels, k->n);
    }
    search->number_min = p->price_min;
    search->number_max = p->price_max;
    search->exclude = f->excluded;
    search->n_exclude = f->n_excluded;
}

static void keep_rarer(shop_label_set *rarest, const shop_labelled *of, const uint32_t *labels, size_t n) {
    shop_label_set set = {.of = of, .labels = labels, .n = n};
    if (!n) return;
    for (size_t i = 0; i < n; i++) set.n_items += shop_labelled_count(of, labels[i]);
    if (!rarest->of || set.n_items < rarest->n_items) *rarest = set;
}

shop_label_set shop_filter_rarest(const shop_filter *f) {
    const llmcs_shop_recommend_params *p = f->params;
    const uint32_t *all = f->labels + p->n_categories, *any = all + p->n_tags_all;
    shop_label_set rarest = {.of = NULL};
    keep_rarer(&rarest, &f->catalog->in_category, f->labels, p->n_categories);
    for (size_t i = 0; i < p->n_tags_all; i++) keep_rarer(&rarest, &f->catalog->tagged, all + i, 1);
    keep_rarer(&rarest, &f->catalog->tagged, any, p->n_tags_any);
    return rarest;
}

double shop_boost_of(const shop_catalog *catalog, const llmcs_shop_recommend_params *params, uint32_t number) {
    const shop_item *item = &catalog->items[number];
    const shop_filter f = {.catalog = catalog};
    double sum = 0;
    for (size_t i = 0; i < params->n_boosts; i++) {
        const llmcs_shop_boost *b = &params->boosts[i];
        if (b->item && strcmp(b->item, shop_item_id(catalog, number)) != 0) continue;
        if (b->category && (item->category == SHOP_NO_LABEL ||
                            shop_catalog_label(catalog, SHOP_LABEL_CATEGORY, b->category) != item->category))
            continue;
        if (b->brand &&
            (item->brand == SHOP_NO_LABEL || shop_catalog_label(catalog, SHOP_LABEL_BRAND, b->brand) != item->brand))
            continue;
        if (b->tag) {
            const uint32_t label = shop_catalog_label(catalog, SHOP_LABEL_TAG, b->tag);
            if (label == SHOP_NO_LABEL || !has_tag(&f, item, label)) continue;
        }
        sum += b->add;
    }
    return sum;
}
