/* Embeds texts and stores the vectors as float16. */
#include "shop/store/vectors.h"

#include <math.h>
#include <string.h>

#include "shop/base/han.h"

llmcs_status shop_embed(llmcs_shop *shop, const llmcs_text *texts, size_t n, float **vectors) {
    size_t n_floats;
    *vectors = NULL;
    if (!shop->encoder || !n) return LLMCS_OK;
    if (!shop_mul(n, (size_t)shop->n_embedding, &n_floats)) return shop_fail(LLMCS_NOMEM, "vectors: too many");
    SHOP_TRY(shop_alloc(&shop->allocator, n_floats, sizeof **vectors, "vectors", vectors));
    const llmcs_status status = shop_embed_simplified(shop->encoder, &shop->allocator, texts, n, NULL, *vectors);
    if (!status) return LLMCS_OK;
    shop_free(&shop->allocator, *vectors);
    *vectors = NULL;
    return status;
}

/* IEEE 754 binary16, rounded to nearest even. Values beyond its largest, 65504, saturate; elements of vectors are far
 * smaller. */
static uint16_t to_half(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    const uint16_t sign = (uint16_t)(bits >> 16 & 0x8000);
    const float magnitude = fabsf(x);
    if (!(magnitude < 65520.0f)) return (uint16_t)(sign | 0x7bff);
    if (magnitude < 0x1p-14f) return (uint16_t)(sign | (uint16_t)lrintf(magnitude * 0x1p24f)); /* subnormal */
    memcpy(&bits, &magnitude, sizeof bits);
    bits += 0xfff + (bits >> 13 & 1); /* rounds to nearest, ties to even */
    return (uint16_t)(sign | ((bits >> 13) - (112 << 10)));
}

static float from_half(uint16_t half) {
    const uint32_t exponent = half >> 10 & 31, fraction = half & 0x3ff;
    float x = exponent == 31 ? (fraction ? NAN : INFINITY)
              : exponent     ? ldexpf((float)(fraction | 0x400), (int)exponent - 25)
                             : ldexpf((float)fraction, -24);
    return half & 0x8000 ? -x : x;
}

llmcs_status shop_vector_put(llmcs_shop *shop, shop_connection *c, const char *source, int64_t row,
                             const float *vector) {
    unsigned char *blob;
    const size_t n = (size_t)shop->n_embedding;
    if (!vector) return LLMCS_OK;
    SHOP_TRY(shop_alloc(&shop->allocator, n, 2, "vector", &blob));
    for (size_t i = 0; i < n; i++) {
        const uint16_t half = to_half(vector[i]);
        blob[2 * i] = (unsigned char)(half & 255);
        blob[2 * i + 1] = (unsigned char)(half >> 8);
    }
    const llmcs_status status =
        shop_change(c, "INSERT OR REPLACE INTO vectors(source, row, fingerprint, vector) VALUES(?1, ?2, ?3, ?4)",
                    "siib", source, row, (int64_t)shop->fingerprint, blob, 2 * n);
    shop_free(&shop->allocator, blob);
    return status;
}

llmcs_status shop_vector_decode(const llmcs_shop *shop, const void *blob, size_t n_bytes, float *vector) {
    const unsigned char *bytes = blob;
    const size_t n = (size_t)shop->n_embedding;
    if (n_bytes != 2 * n)
        return shop_fail(LLMCS_FORMAT, "%s: a vector has %lld bytes, expected %lld", shop->path, (long long)n_bytes,
                         (long long)(2 * n));
    for (size_t i = 0; i < n; i++) {
        vector[i] = from_half((uint16_t)(bytes[2 * i] | bytes[2 * i + 1] << 8));
        if (!isfinite(vector[i])) return shop_fail(LLMCS_FORMAT, "%s: a vector is not finite", shop->path);
    }
    return LLMCS_OK;
}

/* ---- missing vectors */

/* `changed` makes the indexes in memory read the row again. */
static llmcs_status touch_text(shop_connection *c, int64_t row, const char *text, int64_t change, bool *there) {
    int64_t found;
    (void)text;
    SHOP_TRY(shop_lookup_int(c, 0, &found, "UPDATE texts SET changed = ?2 WHERE row = ?1 AND live RETURNING 1", "ii",
                             row, change));
    *there = found != 0;
    return LLMCS_OK;
}

static llmcs_status touch_product(shop_connection *c, int64_t row, const char *text, int64_t change, bool *there) {
    int64_t found;
    (void)text;
    SHOP_TRY(shop_lookup_int(c, 0, &found, "SELECT 1 FROM product_texts WHERE row = ?1", "i", row));
    *there = found != 0;
    if (!*there) return LLMCS_OK;
    return shop_change(c,
                       "UPDATE products SET changed = ?2 WHERE row = (SELECT product FROM product_texts WHERE row ="
                       " ?1)",
                       "ii", row, change);
}

static const shop_vector_source entry_texts = {
    .table = "texts",
    .missing =
        "SELECT row, text FROM texts t WHERE live AND row > ?2 AND NOT EXISTS(SELECT 1 FROM vectors v"
        " WHERE v.source = 'texts' AND v.row = t.row AND v.fingerprint = ?1) ORDER BY row LIMIT 64",
    .last = "SELECT max(row) FROM texts WHERE live",
    .is_indexed = true,
    .touch = touch_text};
/* Of a product, title and description are embedded. */
static const shop_vector_source product_texts = {
    .table = "product_texts",
    .missing =
        "SELECT row, title || ifnull('. ' || description, '') FROM product_texts t WHERE row > ?2 AND NOT EXISTS"
        "(SELECT 1 FROM vectors v WHERE v.source = 'product_texts' AND v.row = t.row AND v.fingerprint = ?1)"
        " ORDER BY row LIMIT 64",
    .last = "SELECT max(row) FROM product_texts",
    .is_indexed = true,
    .touch = touch_product};

enum { AT_ONCE = 64 }; /* the LIMIT of the queries */

typedef struct missing {
    int64_t rows[AT_ONCE];
    char *texts[AT_ONCE];
    size_t n;
} missing;

static void free_missing(const llmcs_allocator *a, missing *m) {
    for (size_t i = 0; i < m->n; i++) shop_free(a, m->texts[i]);
    m->n = 0;
}

static llmcs_status read_missing(llmcs_shop *shop, const shop_vector_source *source, int64_t after, missing *m) {
    shop_connection *c;
    shop_query q;
    SHOP_TRY(shop_read_begin(shop, &c));
    llmcs_status status = shop_query_begin(c, &q, source->missing, "ii", (int64_t)shop->fingerprint, after);
    bool more = !status;
    while (more) {
        size_t n;
        if ((status = shop_query_next(&q))) break;
        if ((more = q.has_row && m->n < AT_ONCE)) {
            const char *text = shop_query_text(&q, 1, &n);
            if ((status = shop_copy_text(&shop->allocator, text, n, "text", &m->texts[m->n]))) break;
            m->rows[m->n++] = shop_query_int(&q, 0);
        }
    }
    shop_query_end(&q);
    shop_read_end(shop, c);
    return status;
}

/* A text that was replaced or deleted meanwhile gets no vector. */
static llmcs_status write_missing(llmcs_shop *shop, shop_connection *c, const shop_vector_source *source,
                                  const missing *m, const float *vectors) {
    int64_t change = 0;
    if (source->is_indexed) SHOP_TRY(shop_next_change(c, &change));
    for (size_t i = 0; i < m->n; i++) {
        bool there;
        SHOP_TRY(source->touch(c, m->rows[i], m->texts[i], change, &there));
        if (there)
            SHOP_TRY(shop_vector_put(shop, c, source->table, m->rows[i], vectors + i * (size_t)shop->n_embedding));
    }
    return LLMCS_OK;
}

static llmcs_status make_batch(llmcs_shop *shop, const shop_vector_source *source, const missing *m) {
    llmcs_text texts[AT_ONCE];
    shop_connection *c;
    float *vectors;
    for (size_t i = 0; i < m->n; i++) texts[i] = (llmcs_text){m->texts[i], LLMCS_NUL, NULL, 0};
    SHOP_TRY(shop_embed(shop, texts, m->n, &vectors));
    llmcs_status status = shop_write_begin(shop, &c);
    if (!status) status = shop_write_end(shop, c, write_missing(shop, c, source, m, vectors));
    shop_free(&shop->allocator, vectors);
    return status;
}

static int report(llmcs_progress_fn progress, void *user, double done) {
    if (!progress) return 0;
    shop_call *call = shop_callback_begin();
    const int stop = progress(user, (float)done);
    shop_callback_end(call);
    return stop;
}

static llmcs_status read_last(llmcs_shop *shop, const shop_vector_source *source, int64_t *last) {
    shop_connection *c;
    SHOP_TRY(shop_read_begin(shop, &c));
    const llmcs_status status = shop_lookup_int(c, 1, last, source->last, "");
    shop_read_end(shop, c);
    return status;
}

llmcs_status shop_vectors_make(llmcs_shop *shop, const shop_vector_source *source, llmcs_progress_fn progress,
                               void *user) {
    int64_t after = 0, last = 1;
    missing m = {.n = 0};
    if (!shop->encoder) return LLMCS_OK;
    if (progress) SHOP_TRY(read_last(shop, source, &last));
    llmcs_status status = LLMCS_OK;
    while (!status) {
        status = read_missing(shop, source, after, &m);
        if (status || !m.n) break;
        after = m.rows[m.n - 1];
        status = make_batch(shop, source, &m);
        free_missing(&shop->allocator, &m);
        if (!status && report(progress, user, last > 0 ? (double)after / (double)last : 1))
            status = shop_fail(LLMCS_CANCELLED, "cancelled: the vectors made so far are stored");
    }
    free_missing(&shop->allocator, &m);
    return status;
}

llmcs_status shop_vectors_make_missing(llmcs_shop *shop, bool products, llmcs_progress_fn progress, void *user) {
    return shop_vectors_make(shop, products ? &product_texts : &entry_texts, progress, user);
}

static llmcs_status delete_others(llmcs_shop *shop) {
    shop_connection *c;
    SHOP_TRY(shop_write_begin(shop, &c));
    return shop_write_end(
        shop, c, shop_change(c, "DELETE FROM vectors WHERE fingerprint <> ?1", "i", (int64_t)shop->fingerprint));
}

llmcs_status llmcs_shop_update_vectors(llmcs_shop *shop, llmcs_progress_fn progress, void *user) {
    SHOP_PUBLIC_CALL;
    SHOP_TRY(shop_check(shop));
    if (!shop->encoder)
        return shop_fail(LLMCS_STATE, "%s: the store was opened without an encoder: set llmcs_shop_options.encoder",
                         shop->path);
    SHOP_TRY(shop_vectors_make_missing(shop, false, progress, user));
    SHOP_TRY(shop_vectors_make_missing(shop, true, progress, user));
    return delete_others(shop);
}
