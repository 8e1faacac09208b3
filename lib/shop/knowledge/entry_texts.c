/* Keeps the words, trigrams and vectors of entry texts in memory. */
#include "shop/knowledge/entry_texts.h"

#include <string.h>
#include <unistd.h>

#include "shop/base/hash.h"
#include "shop/knowledge/follow.h"
#include "shop/knowledge/signature.h"

enum { N_BUCKETS = 4096 };

struct shop_entry_cache {
    pthread_mutex_t lock;
    shop_entry_texts *buckets[N_BUCKETS];
    size_t bytes, most_bytes;
    uint64_t n_forgotten; /* counts forgotten entries: a read that began before the last one may be out of date */
};

llmcs_status shop_entry_texts_create(llmcs_shop *shop, size_t most_bytes) {
    struct shop_entry_cache *cache;
    SHOP_TRY(shop_alloc_zero(&shop->allocator, 1, sizeof *cache, "entries", &cache));
    if (pthread_mutex_init(&cache->lock, NULL)) {
        shop_free(&shop->allocator, cache);
        return shop_fail(LLMCS_THREAD, "a lock could not be created");
    }
    cache->most_bytes = most_bytes;
    shop->entry_cache = cache;
    return LLMCS_OK;
}

static void free_texts(const llmcs_allocator *a, shop_entry_texts *texts) {
    shop_free(a, texts->id);
    shop_free(a, texts->lang);
    shop_free(a, texts->tags);
    shop_free(a, texts->items);
    shop_free(a, texts->chars);
    shop_free(a, texts->words);
    shop_free(a, texts->trigrams);
    shop_free(a, texts->vectors);
    shop_free(a, texts);
}

void shop_entry_texts_release(llmcs_shop *shop, shop_entry_texts *texts) {
    if (texts && atomic_fetch_sub(&texts->n_users, 1) == 1) free_texts(&shop->allocator, texts);
}

/* Call under the lock. Drops the table's references; texts in use live until they are released. */
static void empty_table(llmcs_shop *shop) {
    struct shop_entry_cache *cache = shop->entry_cache;
    for (size_t b = 0; b < N_BUCKETS; b++)
        for (shop_entry_texts *t = cache->buckets[b], *next; t; t = next) {
            next = t->next;
            shop_entry_texts_release(shop, t);
        }
    memset(cache->buckets, 0, sizeof cache->buckets);
    cache->bytes = 0;
}

void shop_entry_texts_free(llmcs_shop *shop) {
    struct shop_entry_cache *cache = shop->entry_cache;
    if (!cache) return;
    empty_table(shop);
    if (shop->owner == getpid()) pthread_mutex_destroy(&cache->lock);
    shop_free(&shop->allocator, cache);
    shop->entry_cache = NULL;
}

/* ---- reading */

/* The state while an entry is read. */
typedef struct reading {
    llmcs_shop *shop;
    shop_entry_texts *texts;
    shop_see_words see;
    void *user;
} reading;

static llmcs_status add_chars(reading *r, const char *bytes, size_t n, size_t *begin) {
    shop_entry_texts *e = r->texts;
    size_t need;
    if (!shop_add(e->n_chars, n, &need) || !shop_add(need, 1, &need))
        return shop_fail(LLMCS_NOMEM, "texts of an entry: more bytes than can be addressed");
    SHOP_TRY(shop_grow(&r->shop->allocator, &e->chars, e->n_chars, &e->chars_capacity, need, 1, "texts of an entry"));
    *begin = e->n_chars;
    memcpy(e->chars + e->n_chars, bytes, n);
    e->chars[need - 1] = 0;
    e->n_chars = need;
    return LLMCS_OK;
}

/* Adds the words that a question is compared with: without repetitions, and only the first ones of a long answer. */
static llmcs_status add_words(reading *r, const shop_words *words, shop_entry_text *t) {
    shop_entry_texts *e = r->texts;
    const size_t most = shop_min(words->n, 4 * SHOP_MAX_WORDS);
    const size_t used = most ? words->items[most - 1].begin + words->items[most - 1].len : 0;
    SHOP_TRY(add_chars(r, words->joined, used, &t->joined));
    SHOP_TRY(shop_grow(&r->shop->allocator, &e->words, e->n_words, &e->words_capacity, e->n_words + most,
                       sizeof *e->words, "words of an entry"));
    t->first_word = e->n_words;
    for (size_t i = 0; i < most; i++) {
        const shop_text_word *w = &words->items[i];
        if (w->repeated) continue;
        e->words[e->n_words++] = (shop_entry_word){.hash = shop_xxh64(words->joined + w->begin, w->len),
                                                   .begin = (uint32_t)w->begin,
                                                   .len = (uint16_t)w->len,
                                                   .function_word = w->function_word};
    }
    t->n_words = e->n_words - t->first_word;
    return LLMCS_OK;
}

static llmcs_status add_trigrams(reading *r, const char *text, shop_entry_text *t) {
    shop_entry_texts *e = r->texts;
    shop_signature signature;
    size_t n = 0;
    t->first_trigram = e->n_trigrams;
    if (!t->position) return LLMCS_OK; /* answers are not compared by trigrams */
    SHOP_TRY(shop_signature_make(&r->shop->allocator, text, t->n, &signature));
    for (size_t i = 0; i < SHOP_SIGNATURE_WORDS; i++) n += (size_t)__builtin_popcountll(signature.bits[i]);
    SHOP_TRY(shop_grow(&r->shop->allocator, &e->trigrams, e->n_trigrams, &e->trigrams_capacity, e->n_trigrams + n,
                       sizeof *e->trigrams, "trigrams of an entry"));
    for (size_t i = 0; i < 64 * SHOP_SIGNATURE_WORDS; i++)
        if (signature.bits[i / 64] >> i % 64 & 1) e->trigrams[e->n_trigrams++] = (uint16_t)i;
    t->n_trigrams = n;
    return LLMCS_OK;
}

static llmcs_status add_text(reading *r, const shop_query *row) {
    const llmcs_allocator *a = &r->shop->allocator;
    shop_entry_texts *e = r->texts;
    shop_words words;
    SHOP_TRY(shop_grow(a, &e->items, e->n, &e->capacity, e->n + 1, sizeof *e->items, "texts of an entry"));
    shop_entry_text *t = &e->items[e->n];
    *t = (shop_entry_text){
        .row = shop_query_int(row, 0), .position = shop_query_int(row, 1), .live = shop_query_int(row, 3) != 0};
    const char *text = shop_query_text(row, 2, &t->n);
    SHOP_TRY(add_chars(r, text, t->n, &t->begin));
    SHOP_TRY(shop_words_make(a, text, t->n, &words));
    llmcs_status status = add_words(r, &words, t);
    if (!status && r->see) status = r->see(r->user, t, &words);
    shop_words_free(&words);
    if (!status) status = add_trigrams(r, text, t);
    if (!status) e->n++;
    return status;
}

static llmcs_status read_texts(reading *r, shop_connection *c) {
    shop_query row;
    llmcs_status status = LLMCS_OK;
    SHOP_TRY(shop_query_begin(
        c, &row, "SELECT row, position, text, live FROM texts WHERE entry = ?1 AND version = ?2 ORDER BY position",
        "ii", r->texts->entry, (int64_t)r->texts->version));
    while (!(status = shop_query_next(&row)) && row.has_row && !(status = add_text(r, &row))) {
    }
    shop_query_end(&row);
    return status;
}

static llmcs_status read_tags(reading *r, shop_connection *c) {
    shop_entry_texts *e = r->texts;
    shop_query row;
    llmcs_status status = LLMCS_OK;
    if (e->odd_tags) return LLMCS_OK;
    SHOP_TRY(shop_query_begin(c, &row,
                              "SELECT h.value FROM entries e, json_each(e.tags) h WHERE e.row = ?1 AND h.type = 'text'",
                              "i", e->entry));
    while (!(status = shop_query_next(&row)) && row.has_row) {
        size_t n;
        const char *tag = shop_query_text(&row, 0, &n);
        n = strlen(tag); /* a tag ends at its first NUL */
        if ((status = shop_grow(&r->shop->allocator, &e->tags, e->tags_bytes, &e->tags_capacity, e->tags_bytes + n + 1,
                                1, "tags of an entry")))
            break;
        memcpy(e->tags + e->tags_bytes, tag, n + 1);
        e->tags_bytes += n + 1;
    }
    shop_query_end(&row);
    return status;
}

static llmcs_status read_head(reading *r, shop_connection *c) {
    const llmcs_allocator *a = &r->shop->allocator;
    shop_entry_texts *e = r->texts;
    shop_query row;
    size_t n;
    SHOP_TRY(shop_query_begin(c, &row,
                              "SELECT id, lang, retired, valid_from, valid_until, NOT json_valid(tags) FROM entries"
                              " WHERE row = ?1",
                              "i", e->entry));
    SHOP_TRY(shop_query_next(&row));
    const char *text = row.has_row ? shop_query_text(&row, 0, &n) : "";
    llmcs_status status = shop_copy_text(a, text, strlen(text), "entry", &e->id);
    text = row.has_row ? shop_query_text(&row, 1, &n) : "";
    if (!status) status = shop_copy_text(a, text, strlen(text), "entry", &e->lang);
    e->valid_from = INT64_MIN;
    e->valid_until = INT64_MAX;
    e->retired = !row.has_row || shop_query_int(&row, 2);
    if (row.has_row && !shop_query_is_null(&row, 3)) e->valid_from = shop_query_int(&row, 3);
    if (row.has_row && !shop_query_is_null(&row, 4)) e->valid_until = shop_query_int(&row, 4);
    e->odd_tags = !row.has_row || shop_query_int(&row, 5);
    shop_query_end(&row);
    return status;
}

/* Stores vectors of adjacent texts interleaved, so that one pass computes all their dot products. */
static llmcs_status read_vectors(reading *r) {
    shop_entry_texts *e = r->texts;
    const llmcs_allocator *a = &r->shop->allocator;
    const size_t dim = (size_t)r->shop->n_embedding;
    size_t n_floats;
    float *one;
    if (!r->shop->encoder || !e->n) return LLMCS_OK;
    const size_t blocks = (e->n + SHOP_VECTOR_LANES - 1) / SHOP_VECTOR_LANES;
    if (!shop_mul(blocks * SHOP_VECTOR_LANES, dim, &n_floats)) return shop_fail(LLMCS_NOMEM, "vectors: too many");
    SHOP_TRY(shop_alloc_zero(a, n_floats, sizeof *e->vectors, "vectors of an entry", &e->vectors));
    SHOP_TRY(shop_alloc(a, dim, sizeof *one, "vector", &one));
    llmcs_status status = LLMCS_OK;
    for (size_t i = 0; i < e->n && !status; i++) {
        float *lane = e->vectors + i / SHOP_VECTOR_LANES * SHOP_VECTOR_LANES * dim + i % SHOP_VECTOR_LANES;
        status = shop_text_vector(r->shop, e->items[i].row, one, &e->items[i].has_vector);
        for (size_t d = 0; d < dim && !status && e->items[i].has_vector; d++) lane[d * SHOP_VECTOR_LANES] = one[d];
    }
    e->bytes += n_floats * sizeof *e->vectors;
    shop_free(a, one);
    return status;
}

llmcs_status shop_entry_texts_read(llmcs_shop *shop, shop_connection *c, int64_t entry, int32_t version,
                                   shop_see_words see, void *user, shop_entry_texts **texts) {
    shop_entry_texts *e;
    *texts = NULL;
    SHOP_TRY(shop_alloc_zero(&shop->allocator, 1, sizeof *e, "texts of an entry", &e));
    e->entry = entry;
    e->version = version;
    atomic_init(&e->n_users, 1);
    reading r = {shop, e, see, user};
    llmcs_status status = read_head(&r, c);
    if (!status) status = read_tags(&r, c);
    if (!status) status = read_texts(&r, c);
    if (!status) status = read_vectors(&r);
    if (status) {
        free_texts(&shop->allocator, e);
        return status;
    }
    e->bytes += sizeof *e + e->capacity * sizeof *e->items + e->chars_capacity + e->words_capacity * sizeof *e->words +
                e->trigrams_capacity * sizeof *e->trigrams + e->tags_capacity;
    *texts = e;
    return LLMCS_OK;
}

/* ---- the table */

static shop_entry_texts **bucket_of(struct shop_entry_cache *cache, int64_t entry) {
    return &cache->buckets[shop_xxh64(&entry, sizeof entry) % N_BUCKETS];
}

/* Call under the lock. NULL: not found. */
static shop_entry_texts *find_texts(struct shop_entry_cache *cache, int64_t entry, int32_t version) {
    shop_entry_texts *t = *bucket_of(cache, entry);
    while (t && (t->entry != entry || t->version != version)) t = t->next;
    if (t) atomic_fetch_add(&t->n_users, 1);
    return t;
}

/* Call under the lock. If another thread has read the same version meanwhile, the table holds both. */
static void keep_texts(llmcs_shop *shop, shop_entry_texts *texts) {
    struct shop_entry_cache *cache = shop->entry_cache;
    if (cache->bytes + texts->bytes > cache->most_bytes) empty_table(shop);
    if (texts->bytes > cache->most_bytes) return;
    shop_entry_texts **bucket = bucket_of(cache, texts->entry);
    texts->next = *bucket;
    *bucket = texts;
    atomic_fetch_add(&texts->n_users, 1);
    cache->bytes += texts->bytes;
}

llmcs_status shop_entry_texts_acquire(llmcs_shop *shop, shop_connection *c, int64_t entry, int32_t version,
                                      shop_entry_texts **texts) {
    struct shop_entry_cache *cache = shop->entry_cache;
    shop_entry_texts *made;
    pthread_mutex_lock(&cache->lock);
    *texts = find_texts(cache, entry, version);
    const uint64_t n_forgotten = cache->n_forgotten;
    pthread_mutex_unlock(&cache->lock);
    if (*texts) return LLMCS_OK;
    SHOP_TRY(shop_entry_texts_read(shop, c, entry, version, NULL, NULL, &made));
    pthread_mutex_lock(&cache->lock);
    if (cache->n_forgotten == n_forgotten) keep_texts(shop, made);
    pthread_mutex_unlock(&cache->lock);
    *texts = made;
    return LLMCS_OK;
}

void shop_entry_texts_forget(llmcs_shop *shop, int64_t entry) {
    struct shop_entry_cache *cache = shop->entry_cache;
    pthread_mutex_lock(&cache->lock);
    cache->n_forgotten++;
    for (shop_entry_texts **at = bucket_of(cache, entry); *at;) {
        shop_entry_texts *t = *at;
        if (t->entry != entry) {
            at = &t->next;
            continue;
        }
        *at = t->next;
        cache->bytes -= t->bytes;
        shop_entry_texts_release(shop, t);
    }
    pthread_mutex_unlock(&cache->lock);
}
