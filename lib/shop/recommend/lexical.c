/* Which words of a customer's text a product has. */
#include <math.h>

#include "shop/recommend/rank.h"

enum { MAX_WORDS = 64 };

static const double character_weight = 0.4; /* of a Chinese character, next to its pairs */

/* The different words of the wanted text. */
typedef struct wanted {
    uint64_t hashes[MAX_WORDS];
    double weights[MAX_WORDS];
    size_t n;
    uint64_t found; /* bit w: the product that is read has word w */
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

static llmcs_status read_words(const shop_ranking *r, shop_connection *c, uint32_t item, shop_chars *chars, wanted *w) {
    shop_query q;
    w->found = 0;
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
        status = shop_each_word(chars, text, n, mark_word, w);
    }
    shop_query_end(&q);
    return status;
}

/* log((n + 1) / (products with the word + 1)) for rare words, 0 for one that all have. */
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
