/* Counts which items the same customers choose. */
#include "shop/recommend/cooccur.h"

#include <math.h>
#include <string.h>

/* Added to the norm: a pair from one customer is weaker evidence than one from many. */
static const double shrink = 2;

void shop_cooccur_init(shop_cooccur *c, const llmcs_allocator *a) {
    *c = (shop_cooccur){.allocator = a, .customers = {.allocator = a}};
}

void shop_cooccur_free(shop_cooccur *c) {
    for (size_t i = 0; i < c->n_baskets; i++) shop_free(c->allocator, c->baskets[i].entries);
    for (size_t i = 0; i < c->n_items; i++) shop_free(c->allocator, c->neighbours[i].items);
    shop_free(c->allocator, c->baskets);
    shop_free(c->allocator, c->neighbours);
    shop_free(c->allocator, c->squares);
    shop_free(c->allocator, c->pairs);
    shop_free(c->allocator, c->sums);
    shop_row_map_free(&c->customers);
    shop_cooccur_init(c, c->allocator);
}

/* ---- pairs */

static uint64_t key_of(uint32_t i, uint32_t j) {
    const uint32_t low = i < j ? i : j, high = i < j ? j : i;
    return ((uint64_t)low << 32 | high) + 1;
}

static size_t find_pair(const uint64_t *pairs, size_t n_slots, uint64_t key) {
    uint64_t h = key * 0x9e3779b97f4a7c15u;
    h ^= h >> 29;
    size_t i = (size_t)(h * 0xbf58476d1ce4e5b9u >> 32) & (n_slots - 1);
    while (pairs[i] && pairs[i] != key) i = (i + 1) & (n_slots - 1);
    return i;
}

static llmcs_status enlarge_pairs(shop_cooccur *c) {
    const size_t n = c->n_slots ? 2 * c->n_slots : 1024;
    uint64_t *pairs;
    float *sums;
    SHOP_TRY(shop_alloc_zero(c->allocator, n, sizeof *pairs, "pairs of items", &pairs));
    const llmcs_status status = shop_alloc(c->allocator, n, sizeof *sums, "pairs of items", &sums);
    if (status) {
        shop_free(c->allocator, pairs);
        return status;
    }
    for (size_t i = 0; i < c->n_slots; i++) {
        if (!c->pairs[i]) continue;
        const size_t slot = find_pair(pairs, n, c->pairs[i]);
        pairs[slot] = c->pairs[i];
        sums[slot] = c->sums[i];
    }
    shop_free(c->allocator, c->pairs);
    shop_free(c->allocator, c->sums);
    c->pairs = pairs;
    c->sums = sums;
    c->n_slots = n;
    return LLMCS_OK;
}

static llmcs_status add_neighbour(shop_cooccur *c, uint32_t i, uint32_t j) {
    shop_neighbours *l = &c->neighbours[i];
    if (l->n == SHOP_MAX_NEIGHBOURS) return LLMCS_OK;
    SHOP_TRY(shop_grow(c->allocator, &l->items, l->n, &l->capacity, l->n + 1, sizeof *l->items, "neighbours"));
    l->items[l->n++] = j;
    return LLMCS_OK;
}

static llmcs_status add_to_pair(shop_cooccur *c, uint32_t i, uint32_t j, float d) {
    if (2 * (c->n_pairs + 1) > c->n_slots) SHOP_TRY(enlarge_pairs(c));
    const uint64_t key = key_of(i, j);
    const size_t slot = find_pair(c->pairs, c->n_slots, key);
    if (!c->pairs[slot]) {
        SHOP_TRY(add_neighbour(c, i, j));
        SHOP_TRY(add_neighbour(c, j, i));
        c->pairs[slot] = key;
        c->sums[slot] = 0;
        c->n_pairs++;
    }
    c->sums[slot] += d;
    return LLMCS_OK;
}

/* ---- events */

static llmcs_status reserve_items(shop_cooccur *c, size_t n) {
    if (n <= c->n_items) return LLMCS_OK;
    SHOP_TRY(shop_grow(c->allocator, &c->neighbours, c->n_items, &c->neighbours_capacity, n, sizeof *c->neighbours,
                       "items"));
    SHOP_TRY(shop_grow(c->allocator, &c->squares, c->n_items, &c->squares_capacity, n, sizeof *c->squares, "items"));
    memset(c->neighbours + c->n_items, 0, (n - c->n_items) * sizeof *c->neighbours);
    memset(c->squares + c->n_items, 0, (n - c->n_items) * sizeof *c->squares);
    c->n_items = n;
    return LLMCS_OK;
}

static llmcs_status find_basket(shop_cooccur *c, int64_t customer, shop_basket **basket) {
    uint32_t number = shop_row_map_find(&c->customers, customer);
    if (number == SHOP_NO_NUMBER) {
        SHOP_TRY(shop_grow(c->allocator, &c->baskets, c->n_baskets, &c->baskets_capacity, c->n_baskets + 1,
                           sizeof *c->baskets, "customers"));
        SHOP_TRY(shop_row_map_put(&c->customers, customer, (uint32_t)c->n_baskets));
        number = (uint32_t)c->n_baskets;
        c->baskets[c->n_baskets++] = (shop_basket){0};
    }
    *basket = &c->baskets[number];
    return LLMCS_OK;
}

/* Sets the entry's weight and updates all its pairs. */
static llmcs_status set_weight(shop_cooccur *c, const shop_basket *basket, shop_basket_entry *entry, float weight) {
    const float before = entry->weight;
    for (size_t i = 0; i < basket->n; i++)
        if (&basket->entries[i] != entry)
            SHOP_TRY(
                add_to_pair(c, entry->item, basket->entries[i].item, (weight - before) * basket->entries[i].weight));
    c->squares[entry->item] += weight * weight - before * before;
    entry->weight = weight;
    return LLMCS_OK;
}

static llmcs_status drop_oldest(shop_cooccur *c, shop_basket *basket) {
    SHOP_TRY(set_weight(c, basket, &basket->entries[0], 0));
    basket->n--;
    memmove(basket->entries, basket->entries + 1, basket->n * sizeof *basket->entries);
    return LLMCS_OK;
}

llmcs_status shop_cooccur_add(shop_cooccur *c, int64_t customer, uint32_t item, float weight) {
    shop_basket *basket;
    SHOP_TRY(reserve_items(c, (size_t)item + 1));
    SHOP_TRY(find_basket(c, customer, &basket));
    for (size_t i = 0; i < basket->n; i++)
        if (basket->entries[i].item == item)
            return weight > basket->entries[i].weight ? set_weight(c, basket, &basket->entries[i], weight) : LLMCS_OK;
    if (basket->n == SHOP_MAX_BASKET) SHOP_TRY(drop_oldest(c, basket));
    SHOP_TRY(shop_grow(c->allocator, &basket->entries, basket->n, &basket->capacity, basket->n + 1,
                       sizeof *basket->entries, "basket"));
    basket->entries[basket->n++] = (shop_basket_entry){item, 0};
    return set_weight(c, basket, &basket->entries[basket->n - 1], weight);
}

double shop_cooccur_cosine(const shop_cooccur *c, uint32_t i, uint32_t j) {
    if (i == j || i >= c->n_items || j >= c->n_items || !c->n_slots) return 0;
    const size_t slot = find_pair(c->pairs, c->n_slots, key_of(i, j));
    if (!c->pairs[slot] || !(c->sums[slot] > 0)) return 0;
    const double norm = sqrt(fmax(c->squares[i], 0)) * sqrt(fmax(c->squares[j], 0));
    return fmin(1, c->sums[slot] / (norm + shrink));
}

const uint32_t *shop_cooccur_neighbours(const shop_cooccur *c, uint32_t item, size_t *n) {
    *n = item < c->n_items ? c->neighbours[item].n : 0;
    return *n ? c->neighbours[item].items : NULL;
}
