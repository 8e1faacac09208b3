/* Scores how many of a text's words a product has. */
#include <math.h>

#include "shop/recommend/rank.h"

enum { MAX_WORDS = 64 };

static const double character_weight = 0.4; /* of a single Chinese character, relative to a pair */

/* The distinct words of the text. */
typedef struct wanted {
    uint64_t hashes[MAX_WORDS];
    double weights[MAX_WORDS];
    size_t n;
    uint64_t found; /* bit w: the current product has word w */
} wanted;

static size_t find_word(const wanted *w, uint64_t hash) {
    size_t i = 0;
    while (i < w->n && w->hashes[i] != hash) i++;
    return i;
}

static void want_word(void *user, uint64_t hash, bool whole) {
    wanted *w = user;
    if (w->n == MAX_WORDS || find_word(w, hash) < w->n) return;
    w->hashes[w->n] = hash;
    w->weights[w->n++] = whole ? 1 : character_weight;
}

static void mark_word(void *user, uint64_t hash, bool whole) {
    wanted *w = user;
    (void)whole;
    const size_t i = find_word(w, hash);
    if (i < w->n) w->found |= (uint64_t)1 << i;
}

/* The words of one product. */
typedef struct word_list {
    const llmcs_allocator *allocator;
    uint64_t *items; /* items[0]: number of hashes that follow */
    size_t n, capacity;
    llmcs_status status;
} word_list;

static void list_word(void *user, uint64_t hash, bool whole) {
    word_list *l = user;
    (void)whole;
    for (size_t i = 1; i < l->n; i++)
        if (l->items[i] == hash) return;
    if (!l->status)
        l->status = shop_grow(l->allocator, &l->items, l->n, &l->capacity, l->n + 1, sizeof *l->items, "words");
    if (!l->status) l->items[l->n++] = hash;
}

/* Limit for long product texts; the first words count. */
enum { MAX_TEXT_BYTES = 8192 };

static llmcs_status list_words(const shop_ranking *r, shop_connection *c, uint32_t item, shop_chars *chars,
                               word_list *list) {
    shop_query q;
    SHOP_TRY(shop_grow(list->allocator, &list->items, 0, &list->capacity, 1, sizeof *list->items, "words"));
    list->n = 1;
    SHOP_TRY(shop_query_begin(
        c, &q,
        "SELECT (SELECT group_concat(t.title || ' ' || ifnull(t.attributes, ''), ' ') FROM product_texts t"
        " WHERE t.product = p.row) || ' ' || ifnull(p.category, '') || ' ' || ifnull(p.brand, '') || ' ' || p.tags"
        " FROM products p WHERE p.row = ?1",
        "i", r->catalog->items[item].row));
    llmcs_status status = shop_query_next(&q);
    if (!status && q.has_row) {
        size_t n;
        const char *text = shop_query_text(&q, 0, &n);
        status = shop_each_word(chars, text, shop_min(n, MAX_TEXT_BYTES), list_word, list);
    }
    shop_query_end(&q);
    list->items[0] = list->n - 1;
    return status ? status : list->status;
}

/* Stores the list in the catalog if it has capacity and no other thread was faster. */
static void keep_words(shop_catalog *catalog, uint32_t item, word_list *list) {
    const size_t bytes = list->n * sizeof *list->items;
    uint64_t *none = NULL;
    if (atomic_fetch_add(&catalog->word_bytes, bytes) + bytes <= SHOP_CATALOG_WORD_BYTES &&
        atomic_compare_exchange_strong(&catalog->items[item].words, &none, list->items)) {
        list->items = NULL;
        return;
    }
    atomic_fetch_sub(&catalog->word_bytes, bytes);
}

static void mark_words(wanted *w, const uint64_t *words) {
    for (uint64_t i = 1; i <= words[0]; i++) mark_word(w, words[i], true);
}

static llmcs_status read_words(const shop_ranking *r, shop_connection *c, uint32_t item, shop_chars *chars, wanted *w) {
    const uint64_t *known = atomic_load(&r->catalog->items[item].words);
    word_list list = {.allocator = r->allocator};
    w->found = 0;
    if (known) {
        mark_words(w, known);
        return LLMCS_OK;
    }
    const llmcs_status status = list_words(r, c, item, chars, &list);
    if (!status) {
        mark_words(w, list.items);
        keep_words((shop_catalog *)(uintptr_t)r->catalog, item, &list);
    }
    shop_free(r->allocator, list.items);
    return status;
}

/* Weighs words by rarity: log((n + 1) / (products with the word + 1)); 0 for a word that all have. */
static void weigh_by_rarity(wanted *w, const uint64_t *found, size_t n) {
    for (size_t i = 0; i < w->n; i++) {
        size_t n_with = 0;
        for (size_t k = 0; k < n; k++) n_with += found[k] >> i & 1;
        w->weights[i] *= n_with ? log((double)(n + 1) / (double)(n_with + 1)) : 0;
    }
}

static llmcs_status read_all(const shop_ranking *r, shop_connection *c, shop_chars *chars, wanted *w, uint64_t *found) {
    SHOP_TRY(shop_each_word(chars, r->params->text, r->params->text_bytes, want_word, w));
    for (size_t k = 0; k < r->n; k++) {
        SHOP_TRY(read_words(r, c, r->candidates[k].item, chars, w));
        found[k] = w->found;
    }
    return LLMCS_OK;
}

llmcs_status shop_lexical_scores(const shop_ranking *r, shop_connection *c, double *scores) {
    shop_chars chars = {.allocator = r->allocator};
    wanted w = {.n = 0};
    uint64_t *found;
    double all = 0;
    SHOP_TRY(shop_alloc(r->allocator, r->n, sizeof *found, "words", &found));
    const llmcs_status status = read_all(r, c, &chars, &w, found);
    if (!status) {
        weigh_by_rarity(&w, found, r->n);
        for (size_t i = 0; i < w.n; i++) all += w.weights[i];
        for (size_t k = 0; k < r->n; k++) {
            scores[k] = 0;
            for (size_t i = 0; i < w.n; i++) scores[k] += found[k] >> i & 1 && all > 0 ? w.weights[i] / all : 0;
        }
    }
    shop_free(r->allocator, found);
    shop_chars_free(&chars);
    return status;
}
