/* The products and events of a store in memory. */
#include "shop/recommend/catalog.h"

#include <math.h>
#include <string.h>

#include "shop/base/utf8.h"
#include "shop/recommend/age.h"
#include "shop/store/vectors.h"

/* An item's vector has two parts: the encoder's, and hashed words with these weights by kind. */
static const double encoder_share = 0.6; /* of the squared length */
static const double title_weight = 0.6, attribute_weight = 0.4, category_weight = 1.6, brand_weight = 0.9,
                    tag_weight = 1.2, price_weight = 1.0, description_weight = 0.15;

enum { ROWS_AT_ONCE = 256, LISTS_FROM = 50000, AGE_BYTES = 80 };

llmcs_status shop_catalog_init(shop_catalog *catalog, const llmcs_allocator *a, int32_t n_embedding) {
    llmcs_index_options o;
    *catalog = (shop_catalog){.allocator = a,
                              .seen_change = -1,
                              .rows = {.allocator = a},
                              .chars = {.allocator = a},
                              .kinds = {.allocator = a},
                              .in_category = {.allocator = a},
                              .tagged = {.allocator = a},
                              .dim = (size_t)n_embedding + SHOP_FEATURE_DIM};
    shop_grams_init(&catalog->labels, a);
    shop_cooccur_init(&catalog->together, a);
    llmcs_index_options_init(&o);
    o.dim = (int32_t)catalog->dim;
    o.allocator = a;
    return llmcs_index_create(&o, &catalog->index);
}

/* Call under the recommender's write lock, or without other users. */
static void drop_words(shop_catalog *catalog, shop_item *item) {
    uint64_t *words = atomic_exchange(&item->words, NULL);
    if (words) atomic_fetch_sub(&catalog->word_bytes, (size_t)(words[0] + 1) * sizeof *words);
    shop_free(catalog->allocator, words);
}

void shop_catalog_free(shop_catalog *catalog) {
    for (size_t i = 0; i < catalog->n_items; i++) drop_words(catalog, &catalog->items[i]);
    shop_free(catalog->allocator, catalog->items);
    shop_free(catalog->allocator, catalog->names);
    shop_free(catalog->allocator, catalog->tags);
    shop_row_map_free(&catalog->rows);
    shop_grams_free(&catalog->labels);
    shop_labelled_free(&catalog->in_category);
    shop_labelled_free(&catalog->tagged);
    shop_kinds_free(&catalog->kinds);
    shop_cooccur_free(&catalog->together);
    shop_chars_free(&catalog->chars);
    llmcs_index_free(&catalog->index);
}

/* ---- events */

static const struct {
    const char *type;
    double weight;
    bool buys;
} event_types[] = {{"view", 1, false}, {"click", 1.5, false}, {"cart", 3, false},   {"like", 3, false},
                   {"buy", 5, true},   {"purchase", 5, true}, {"return", -3, false}};

double shop_event_weight(const char *type) {
    for (size_t i = 0; i < sizeof event_types / sizeof *event_types; i++)
        if (!strcmp(type, event_types[i].type)) return event_types[i].weight;
    return 1;
}

bool shop_event_buys(const char *type) {
    for (size_t i = 0; i < sizeof event_types / sizeof *event_types; i++)
        if (!strcmp(type, event_types[i].type)) return event_types[i].buys;
    return false;
}

static llmcs_status add_event(shop_catalog *catalog, const shop_query *q) {
    size_t n;
    const int64_t customer = shop_query_int(q, 1), row = shop_query_int(q, 2);
    const double weight = shop_event_weight(shop_query_text(q, 3, &n));
    const uint32_t item = shop_row_map_find(&catalog->rows, row);
    if (item == SHOP_NO_NUMBER || !(weight > 0)) return LLMCS_OK;
    return shop_cooccur_add(&catalog->together, customer, item, 1);
}

static llmcs_status read_events(shop_catalog *catalog, shop_connection *c, bool *any) {
    shop_query q;
    SHOP_TRY(shop_query_begin(c, &q, "SELECT row, customer, product, type FROM events WHERE row > ?1 ORDER BY row", "i",
                              catalog->seen_event));
    llmcs_status status;
    while (!(status = shop_query_next(&q)) && q.has_row) {
        if ((status = add_event(catalog, &q))) break;
        catalog->seen_event = shop_query_int(&q, 0);
        *any = true;
    }
    shop_query_end(&q);
    return status;
}

/* An ordered product counts as bought, with or without a purchase event. */
static llmcs_status read_orders(shop_catalog *catalog, shop_connection *c, bool *any) {
    int64_t last = catalog->seen_order;
    shop_query q;
    SHOP_TRY(shop_query_begin(c, &q,
                              "SELECT o.row, o.customer, p.row FROM orders o JOIN order_items i ON i.order_row = o.row"
                              " JOIN products p ON p.id = i.item WHERE o.row > ?1 ORDER BY o.row, i.position",
                              "i", catalog->seen_order));
    llmcs_status status;
    while (!(status = shop_query_next(&q)) && q.has_row) {
        const uint32_t item = shop_row_map_find(&catalog->rows, shop_query_int(&q, 2));
        last = shop_query_int(&q, 0);
        *any = true;
        if (item == SHOP_NO_NUMBER) continue;
        if ((status = shop_cooccur_add(&catalog->together, shop_query_int(&q, 1), item, 1))) break;
    }
    shop_query_end(&q);
    if (!status) catalog->seen_order = last;
    return status;
}

double shop_popularity(const shop_catalog *catalog, uint32_t item) {
    return item < catalog->together.n_items ? catalog->together.squares[item] : 0;
}

double shop_relative_popularity(const shop_catalog *catalog, uint32_t item) {
    const double most = catalog->n_popular ? shop_popularity(catalog, catalog->popular[0]) : 0;
    return most > 0 ? log1p(fmax(0, shop_popularity(catalog, item))) / log1p(most) : 0;
}

/* True if item a ranks above b. */
static bool is_more_popular(const shop_catalog *catalog, uint32_t a, uint32_t b) {
    const double x = shop_popularity(catalog, a), y = shop_popularity(catalog, b);
    return x > y || (!(x < y) && a < b);
}

/* Sifts down the item at `at` of a heap whose root is the least popular. */
static void sink(shop_catalog *catalog, size_t at) {
    uint32_t *heap = catalog->popular;
    for (size_t child; (child = 2 * at + 1) < catalog->n_popular; at = child) {
        if (child + 1 < catalog->n_popular && is_more_popular(catalog, heap[child], heap[child + 1])) child++;
        if (!is_more_popular(catalog, heap[at], heap[child])) return;
        const uint32_t swapped = heap[at];
        heap[at] = heap[child];
        heap[child] = swapped;
    }
}

/* Ranks the most popular items with a heap, emptied from the least popular. */
static void rank_popular(shop_catalog *catalog) {
    catalog->n_popular = shop_min(SHOP_N_POPULAR, catalog->n_items);
    for (uint32_t i = 0; i < catalog->n_popular; i++) catalog->popular[i] = i;
    for (size_t i = catalog->n_popular / 2; i-- > 0;) sink(catalog, i);
    for (uint32_t i = (uint32_t)catalog->n_popular; i < catalog->n_items; i++) {
        if (!is_more_popular(catalog, i, catalog->popular[0])) continue;
        catalog->popular[0] = i;
        sink(catalog, 0);
    }
    const size_t n = catalog->n_popular;
    while (catalog->n_popular > 1) {
        const size_t last = --catalog->n_popular;
        const uint32_t least = catalog->popular[0];
        catalog->popular[0] = catalog->popular[last];
        catalog->popular[last] = least;
        sink(catalog, 0);
    }
    catalog->n_popular = n;
}

/* ---- labels */

/* The trie has one root per kind of label. */
static const uint32_t label_roots[] = {SHOP_ROOT_CHARS, SHOP_ROOT_WORDS, SHOP_ROOT_STEMS};

static bool label_node(const shop_grams *labels, uint32_t root, const char *name, uint32_t *node) {
    *node = root;
    for (const char *p = name; *p; p++)
        if (!shop_gram_find(labels, *node, SHOP_CHAR_SYMBOL | (unsigned char)*p, node)) return false;
    return true;
}

uint32_t shop_catalog_label(const shop_catalog *catalog, shop_label_kind kind, const char *name) {
    uint32_t node;
    if (!*name || !label_node(&catalog->labels, label_roots[kind], name, &node)) return SHOP_NO_LABEL;
    return catalog->labels.counts[node].most - 1; /* 0 - 1: a prefix of a label is no label */
}

static llmcs_status add_label(shop_catalog *catalog, shop_label_kind kind, const char *name, size_t n,
                              uint32_t *label) {
    *label = SHOP_NO_LABEL;
    if (!n) return LLMCS_OK;
    SHOP_TRY(shop_grams_reserve(&catalog->labels, n));
    uint32_t node = label_roots[kind];
    for (size_t i = 0; i < n; i++) node = shop_gram(&catalog->labels, node, SHOP_CHAR_SYMBOL | (unsigned char)name[i]);
    shop_gram_counts *c = &catalog->labels.counts[node];
    if (!c->most) c->most = ++catalog->n_labels;
    *label = c->most - 1;
    return LLMCS_OK;
}

enum { N_OWN_BITS = 31 };

bool shop_label_shares_bit(uint32_t label) { return label >= N_OWN_BITS; }

uint64_t shop_label_bit(uint32_t label) {
    if (!shop_label_shares_bit(label)) return (uint64_t)2 << label;
    return (uint64_t)1 << (32 + (label * UINT32_C(2654435761) >> 27)); /* Fibonacci hashing, Knuth, vol. 3, 6.4 */
}

static uint64_t bits_of(const shop_catalog *catalog, const shop_item *item) {
    uint64_t bits = item->in_stock ? SHOP_STOCK_BIT : 0;
    if (item->category != SHOP_NO_LABEL) bits |= shop_label_bit(item->category);
    for (uint32_t t = 0; t < item->n_tags; t++) bits |= shop_label_bit(catalog->tags[item->tags + t]);
    return bits;
}

/* ---- products */

/* Returns the item of a products.row; adds it if it is new. */
static llmcs_status find_item(shop_catalog *catalog, int64_t row, const char *id, size_t id_bytes, uint32_t *item) {
    const llmcs_allocator *a = catalog->allocator;
    *item = shop_row_map_find(&catalog->rows, row);
    if (*item != SHOP_NO_NUMBER) return LLMCS_OK;
    const size_t n = catalog->n_items, end = catalog->names_bytes + id_bytes + 1;
    if (n >= INT32_MAX) return shop_fail(LLMCS_LIMIT, "recommend: at most 2^31 products");
    SHOP_TRY(shop_grow(a, &catalog->items, n, &catalog->items_capacity, n + 1, sizeof *catalog->items, "products"));
    SHOP_TRY(shop_grow(a, &catalog->names, catalog->names_bytes, &catalog->names_capacity, end, 1, "product ids"));
    SHOP_TRY(shop_row_map_put(&catalog->rows, row, (uint32_t)n));
    memcpy(catalog->names + catalog->names_bytes, id, id_bytes);
    catalog->names[end - 1] = 0;
    catalog->items[n] = (shop_item){.row = row, .name = catalog->names_bytes};
    catalog->names_bytes = end;
    *item = (uint32_t)catalog->n_items++;
    return LLMCS_OK;
}

llmcs_status shop_catalog_item(const shop_catalog *catalog, shop_connection *c, const char *id, uint32_t *item) {
    int64_t row;
    SHOP_TRY(shop_lookup_int(c, -1, &row, "SELECT row FROM products WHERE id = ?1", "s", id));
    *item = row < 0 ? SHOP_NO_NUMBER : shop_row_map_find(&catalog->rows, row);
    return LLMCS_OK;
}

/* A batch of products to be indexed. */
typedef struct batch {
    shop_catalog *catalog;
    llmcs_shop *shop;
    uint64_t *ids;
    llmcs_item_tags *tags;
    float *vectors; /* [ROWS_AT_ONCE, dim] */
    float *encoded; /* [n_embedding] workspace */
    size_t n;
} batch;

static llmcs_status flush(batch *b) {
    const size_t n = b->n;
    b->n = 0;
    return n ? llmcs_index_put(b->catalog->index, b->ids, b->vectors, b->tags, n) : LLMCS_OK;
}

static llmcs_status read_tags(batch *b, shop_connection *c, shop_item *item, float *features) {
    shop_catalog *catalog = b->catalog;
    uint32_t labels[SHOP_MAX_TAGS], n = 0;
    shop_query q;
    SHOP_TRY(shop_query_begin(c, &q, "SELECT j.value FROM products p, json_each(p.tags) j WHERE p.row = ?1", "i",
                              item->row));
    llmcs_status status;
    while (!(status = shop_query_next(&q)) && q.has_row && n < SHOP_MAX_TAGS) {
        size_t bytes;
        const char *tag = shop_query_text(&q, 0, &bytes);
        if ((status = add_label(catalog, SHOP_LABEL_TAG, tag, bytes, &labels[n]))) break;
        if (labels[n] == SHOP_NO_LABEL) continue;
        shop_feature_add(features, SHOP_FEATURE_TAG, tag, bytes, tag_weight);
        n++;
    }
    shop_query_end(&q);
    SHOP_TRY(status);
    const uint32_t number = (uint32_t)(item - catalog->items);
    for (uint32_t t = 0; t < item->n_tags; t++)
        SHOP_TRY(shop_labelled_set(&catalog->tagged, item->tags + t, number, SHOP_NO_NUMBER));
    item->n_tags = 0;
    if (n > item->tags_capacity) {
        SHOP_TRY(shop_grow(catalog->allocator, &catalog->tags, catalog->n_tags, &catalog->tags_capacity,
                           catalog->n_tags + n, sizeof *catalog->tags, "tags"));
        item->tags = catalog->n_tags;
        item->tags_capacity = n;
        catalog->n_tags += n;
    }
    for (uint32_t t = 0; t < n; t++) {
        SHOP_TRY(shop_labelled_set(&catalog->tagged, item->tags + t, number, labels[t]));
        catalog->tags[item->tags + t] = labels[t];
        item->n_tags = t + 1;
    }
    return LLMCS_OK;
}

static llmcs_status add_kinds(shop_catalog *catalog, const shop_item *item, const shop_query *q, const char *title,
                              size_t n) {
    size_t bytes;
    const shop_kinds_product product = {.item = (uint32_t)(item - catalog->items),
                                        .category = item->category,
                                        .tags = item->n_tags ? catalog->tags + item->tags : NULL,
                                        .n_tags = item->n_tags};
    return shop_kinds_add(&catalog->kinds, &product, shop_query_text(q, 4, &bytes), title, n);
}

/* Keeps the highest of the ages that the texts say. */
static void read_age(shop_item *item, const shop_query *q) {
    char folded[AGE_BYTES];
    size_t n;
    const char *text = shop_query_text(q, 5, &n);
    n = shop_min(n, sizeof folded);
    for (size_t i = 0; i < n; i++) folded[i] = shop_lower(text[i]);
    const unsigned int age = shop_read_least_age(folded, n);
    if (age > item->least_age) item->least_age = age;
}

/* Reads words in all languages; stores the mean of the texts' vectors in `encoded`. */
static llmcs_status read_texts(batch *b, shop_connection *c, shop_item *item, float *features, bool *has_vector) {
    const size_t n_embedding = (size_t)b->shop->n_embedding;
    float *sum = b->vectors + b->n * b->catalog->dim;
    shop_query q;
    SHOP_TRY(shop_query_begin(
        c, &q,
        "SELECT t.title, (SELECT group_concat(j.value, ' . ') FROM json_each(t.attributes) j), v.vector, t.description,"
        " t.lang, (SELECT j.value FROM json_each(t.attributes) j WHERE j.key IN ('age', 'ages', 'recommended age',"
        " '适用年龄', '年龄', '建议年龄') LIMIT 1)"
        " FROM product_texts t LEFT JOIN vectors v ON v.source = 'product_texts' AND v.row = t.row AND v.fingerprint = "
        "?2"
        " WHERE t.product = ?1 ORDER BY t.lang",
        "ii", item->row, (int64_t)b->shop->fingerprint));
    llmcs_status status;
    while (!(status = shop_query_next(&q)) && q.has_row) {
        size_t n;
        const char *title = shop_query_text(&q, 0, &n);
        if ((status = shop_feature_add_text(features, &b->catalog->chars, title, n, title_weight))) break;
        if ((status = add_kinds(b->catalog, item, &q, title, n))) break;
        read_age(item, &q);
        const char *attributes = shop_query_text(&q, 1, &n);
        if ((status = shop_feature_add_text(features, &b->catalog->chars, attributes, n, attribute_weight))) break;
        const char *description = shop_query_text(&q, 3, &n);
        if ((status = shop_feature_add_text(features, &b->catalog->chars, description, n, description_weight))) break;
        const void *blob = shop_query_blob(&q, 2, &n);
        if (!n || !n_embedding) continue;
        if ((status = shop_vector_decode(b->shop, blob, n, b->encoded))) break;
        shop_normalise_vector(b->encoded, n_embedding);
        for (size_t i = 0; i < n_embedding; i++) sum[i] += b->encoded[i];
        *has_vector = true;
    }
    shop_query_end(&q);
    return status;
}

/* Scales both parts of a vector to their shares of length 1; without an encoder the second part is all of it. */
static void balance(const shop_catalog *catalog, float *vector, bool has_encoded) {
    const size_t n = catalog->dim - SHOP_FEATURE_DIM;
    const double length = has_encoded ? shop_normalise_vector(vector, n) : 0;
    shop_normalise_vector(vector + n, SHOP_FEATURE_DIM);
    if (!(length > 0)) return;
    for (size_t i = 0; i < n; i++) vector[i] *= (float)sqrt(encoder_share);
    for (size_t i = n; i < catalog->dim; i++) vector[i] *= (float)sqrt(1 - encoder_share);
}

static llmcs_status read_product(batch *b, shop_connection *c, const shop_query *q) {
    shop_catalog *catalog = b->catalog;
    float *vector = b->vectors + b->n * catalog->dim, *features = vector + catalog->dim - SHOP_FEATURE_DIM;
    size_t n, n_currency;
    uint32_t number;
    bool has_encoded = false;
    const int64_t row = shop_query_int(q, 0);
    const char *id = shop_query_text(q, 1, &n);
    SHOP_TRY(find_item(catalog, row, id, n, &number));
    shop_item *item = &catalog->items[number];
    drop_words(catalog, item);
    memset(vector, 0, catalog->dim * sizeof *vector);
    const char *category = shop_query_text(q, 2, &n);
    SHOP_TRY(add_label(catalog, SHOP_LABEL_CATEGORY, category, n, &item->category));
    SHOP_TRY(shop_labelled_set(&catalog->in_category, number, number, item->category));
    if (n) SHOP_TRY(shop_kinds_add_category(&catalog->kinds, item->category, category, n));
    if (n) shop_feature_add(features, SHOP_FEATURE_CATEGORY, category, n, category_weight);
    const char *brand = shop_query_text(q, 3, &n);
    SHOP_TRY(add_label(catalog, SHOP_LABEL_BRAND, brand, n, &item->brand));
    if (n) shop_feature_add(features, SHOP_FEATURE_BRAND, brand, n, brand_weight);
    item->price = shop_query_double(q, 4);
    item->in_stock = shop_query_is_null(q, 6) || shop_query_int(q, 6) > 0;
    shop_feature_add_price(features, shop_query_text(q, 5, &n_currency), item->price, price_weight);
    SHOP_TRY(read_tags(b, c, item, features));
    item->least_age = 0;
    SHOP_TRY(read_texts(b, c, item, features, &has_encoded));
    balance(catalog, vector, has_encoded);
    b->ids[b->n] = (uint64_t)row;
    b->tags[b->n] = (llmcs_item_tags){bits_of(catalog, item), item->price};
    return ++b->n == ROWS_AT_ONCE ? flush(b) : LLMCS_OK;
}

static llmcs_status read_products(batch *b, shop_connection *c, int64_t seen) {
    shop_query q;
    SHOP_TRY(shop_query_begin(c, &q,
                              "SELECT row, id, category, brand, price, currency, stock FROM products"
                              " WHERE changed > ?1 ORDER BY row",
                              "i", seen));
    llmcs_status status;
    while (!(status = shop_query_next(&q)) && q.has_row)
        if ((status = read_product(b, c, &q))) break;
    shop_query_end(&q);
    return status ? status : flush(b);
}

static llmcs_status allocate_batch(batch *b) {
    const llmcs_allocator *a = b->catalog->allocator;
    SHOP_TRY(shop_alloc(a, ROWS_AT_ONCE, sizeof *b->ids, "products", &b->ids));
    SHOP_TRY(shop_alloc(a, ROWS_AT_ONCE, sizeof *b->tags, "products", &b->tags));
    SHOP_TRY(shop_alloc(a, b->catalog->dim, sizeof *b->encoded, "products", &b->encoded));
    return shop_alloc(a, ROWS_AT_ONCE * b->catalog->dim, sizeof *b->vectors, "products", &b->vectors);
}

/* Builds the inverted lists that speed up a search of many vectors. Rebuilds them when the index has doubled. */
static llmcs_status build_lists(shop_catalog *catalog) {
    if (catalog->n_items < LISTS_FROM || catalog->n_items < 2 * catalog->n_built) return LLMCS_OK;
    catalog->n_built = catalog->n_items;
    return llmcs_index_build(catalog->index, NULL);
}

llmcs_status shop_catalog_follow(shop_catalog *catalog, llmcs_shop *shop, shop_connection *c) {
    batch b = {.catalog = catalog, .shop = shop};
    int64_t change;
    bool any = false;
    SHOP_TRY(shop_lookup_int(c, 0, &change, "SELECT value FROM settings WHERE key = 'llmcs.changes'", ""));
    if (change == catalog->seen_change) return LLMCS_OK;
    const size_t n_before = catalog->n_items;
    llmcs_status status = allocate_batch(&b);
    if (!status) status = read_products(&b, c, catalog->seen_change);
    if (!status) status = read_events(catalog, c, &any);
    if (!status) status = read_orders(catalog, c, &any);
    shop_free(catalog->allocator, b.ids);
    shop_free(catalog->allocator, b.tags);
    shop_free(catalog->allocator, b.encoded);
    shop_free(catalog->allocator, b.vectors);
    if (any || catalog->n_items > n_before) rank_popular(catalog);
    SHOP_TRY(status);
    SHOP_TRY(build_lists(catalog));
    catalog->seen_change = change;
    return LLMCS_OK;
}

/* ---- vectors */

llmcs_status shop_item_vector(const shop_catalog *catalog, uint32_t item, float *vector, bool *found) {
    int there = 0;
    const llmcs_status status =
        llmcs_index_get(catalog->index, (uint64_t)catalog->items[item].row, vector, NULL, &there);
    *found = there;
    return status;
}

llmcs_status shop_text_features(shop_catalog *catalog, shop_chars *chars, const float *encoded, const char *text,
                                size_t bytes, float *vector) {
    const size_t n = catalog->dim - SHOP_FEATURE_DIM;
    memset(vector, 0, catalog->dim * sizeof *vector);
    if (encoded) memcpy(vector, encoded, n * sizeof *vector);
    SHOP_TRY(shop_feature_add_text(vector + n, chars, text, bytes, 1));
    balance(catalog, vector, encoded != NULL);
    return LLMCS_OK;
}
