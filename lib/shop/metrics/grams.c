/* Assigns ids to words, characters and n-grams. */
#include "shop/metrics/grams.h"

#include <string.h>

enum { MAX_NODES = 1 << 30 };

void shop_grams_init(shop_grams *grams, const llmcs_allocator *a) {
    *grams = (shop_grams){.allocator = a, .stamp = 1, .n_ids = SHOP_N_ROOTS};
}

void shop_grams_free(shop_grams *grams) {
    shop_free(grams->allocator, grams->slots);
    shop_free(grams->allocator, grams->counts);
    shop_grams_init(grams, grams->allocator);
}

static void clear_roots(shop_grams *grams) {
    for (size_t i = 0; i < SHOP_N_ROOTS && grams->counts; i++) grams->counts[i] = (shop_gram_counts){0};
}

void shop_grams_clear(shop_grams *grams) {
    grams->n_ids = SHOP_N_ROOTS;
    clear_roots(grams);
    if (++grams->stamp) return;
    if (grams->slots) memset(grams->slots, 0, grams->n_slots * sizeof *grams->slots);
    grams->stamp = 1;
}

static size_t home_of(uint64_t key, size_t n_slots) {
    key ^= key >> 32;
    key *= 0x9e3779b97f4a7c15u;
    return (size_t)(key >> 32 ^ key >> 7) & (n_slots - 1);
}

static shop_gram_slot *find_slot(const shop_grams *grams, uint64_t key) {
    size_t i = home_of(key, grams->n_slots);
    while (grams->slots[i].stamp == grams->stamp && grams->slots[i].key != key) i = (i + 1) & (grams->n_slots - 1);
    return &grams->slots[i];
}

llmcs_status shop_grams_reserve(shop_grams *grams, size_t n_more) {
    if (n_more > MAX_NODES - grams->n_ids)
        return shop_fail(LLMCS_LIMIT, "texts: more than %lld different n-grams", (long long)MAX_NODES);
    const size_t need = grams->n_ids + n_more;
    const size_t used =
        shop_min(grams->n_ids, grams->counts_capacity); /* before the first call the roots have no memory */
    SHOP_TRY(shop_grow(grams->allocator, &grams->counts, used, &grams->counts_capacity, need, sizeof *grams->counts,
                       "n-grams"));
    if (!used) clear_roots(grams);
    if (2 * need <= grams->n_slots) return LLMCS_OK;
    size_t n = 1024;
    while (n < 2 * need) n *= 2;
    shop_gram_slot *fresh, *old = grams->slots;
    const size_t n_old = grams->n_slots;
    SHOP_TRY(shop_alloc_zero(grams->allocator, n, sizeof *fresh, "n-grams", &fresh));
    grams->slots = fresh;
    grams->n_slots = n;
    for (size_t i = 0; i < n_old; i++)
        if (old[i].stamp == grams->stamp) *find_slot(grams, old[i].key) = old[i];
    shop_free(grams->allocator, old);
    return LLMCS_OK;
}

uint32_t shop_gram(shop_grams *grams, uint32_t prefix, uint32_t symbol) {
    const uint64_t key = (uint64_t)prefix << 32 | symbol;
    shop_gram_slot *slot = find_slot(grams, key);
    if (slot->stamp != grams->stamp) {
        grams->counts[grams->n_ids] = (shop_gram_counts){0};
        *slot = (shop_gram_slot){key, grams->n_ids++, grams->stamp};
    }
    return slot->id;
}

bool shop_gram_find(const shop_grams *grams, uint32_t prefix, uint32_t symbol, uint32_t *node) {
    if (!grams->n_slots) return false;
    const shop_gram_slot *slot = find_slot(grams, (uint64_t)prefix << 32 | symbol);
    *node = slot->id;
    return slot->stamp == grams->stamp;
}

uint32_t shop_gram_of_chars(shop_grams *grams, uint32_t root, const uint32_t *chars, size_t n) {
    uint32_t node = root;
    for (size_t i = 0; i < n; i++) node = shop_gram(grams, node, SHOP_CHAR_SYMBOL | chars[i]);
    return node;
}

llmcs_status shop_grams_of_words(shop_grams *grams, uint32_t root, const shop_metric_words *words, uint32_t *ids) {
    size_t n_chars = 0;
    for (size_t i = 0; i < words->n; i++) n_chars += words->at[i].n;
    SHOP_TRY(shop_grams_reserve(grams, n_chars));
    for (size_t i = 0; i < words->n; i++)
        ids[i] = shop_gram_of_chars(grams, root, words->text.at + words->at[i].begin, words->at[i].n);
    return LLMCS_OK;
}
