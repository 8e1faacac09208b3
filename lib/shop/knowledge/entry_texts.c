/* Keeps the words and trigrams of entries' texts in memory. */
#include "shop/knowledge/entry_texts.h"

#include <string.h>
#include <unistd.h>

#include "shop/base/hash.h"
#include "shop/knowledge/signature.h"

enum { N_BUCKETS = 4096 };

struct shop_entry_cache {
    pthread_mutex_t lock;
    shop_entry_texts *buckets[N_BUCKETS];
    size_t bytes;
};

llmcs_status shop_entry_texts_create(llmcs_shop *shop) {
    struct shop_entry_cache *cache;
    SHOP_TRY(shop_alloc_zero(&shop->allocator, 1, sizeof *cache, "entries", &cache));
    if (pthread_mutex_init(&cache->lock, NULL)) {
        shop_free(&shop->allocator, cache);
        return shop_fail(LLMCS_THREAD, "a lock could not be created");
    }
    shop->entry_cache = cache;
    return LLMCS_OK;
}

static void free_texts(const llmcs_allocator *a, shop_entry_texts *texts) {
    for (size_t i = 0; i < texts->n; i++) {
        shop_free(a, texts->items[i].text);
        shop_words_free(&texts->items[i].words);
    }
    shop_free(a, texts->items);
    shop_free(a, texts);
}

/* Under the lock: the table lets go of everything; what is in use lives on until it is released. */
static void empty_table(struct shop_entry_cache *cache, const llmcs_allocator *a) {
    for (size_t b = 0; b < N_BUCKETS; b++)
        for (shop_entry_texts *t = cache->buckets[b], *next; t; t = next) {
            next = t->next;
            if (!--t->n_users) free_texts(a, t);
        }
    memset(cache->buckets, 0, sizeof cache->buckets);
    cache->bytes = 0;
}

void shop_entry_texts_free(llmcs_shop *shop) {
    struct shop_entry_cache *cache = shop->entry_cache;
    if (!cache) return;
    empty_table(cache, &shop->allocator);
    if (shop->owner == getpid()) pthread_mutex_destroy(&cache->lock);
    shop_free(&shop->allocator, cache);
    shop->entry_cache = NULL;
}

/* ---- reading */

static llmcs_status add_text(const llmcs_allocator *a, shop_entry_texts *texts, const shop_query *row) {
    shop_entry_text *t;
    SHOP_TRY(shop_grow(a, &texts->items, texts->n, &texts->capacity, texts->n + 1, sizeof *t, "texts of an entry"));
    t = &texts->items[texts->n];
    *t = (shop_entry_text){.row = shop_query_int(row, 0), .position = shop_query_int(row, 1)};
    const char *text = shop_query_text(row, 2, &t->n);
    SHOP_TRY(shop_copy_text(a, text, t->n, "text of an entry", &t->text));
    const llmcs_status status = shop_words_make(a, text, t->n, &t->words);
    if (status) {
        shop_free(a, t->text);
        return status;
    }
    texts->n++;
    texts->bytes += sizeof *t + t->n + t->words.joined_capacity + t->words.capacity * sizeof *t->words.items;
    return shop_signature_make(a, text, t->n, &t->signature);
}

static llmcs_status read_texts(const llmcs_allocator *a, shop_connection *c, shop_entry_texts *texts) {
    shop_query row;
    llmcs_status status = LLMCS_OK;
    SHOP_TRY(shop_query_begin(
        c, &row, "SELECT row, position, text FROM texts WHERE entry = ?1 AND version = ?2 ORDER BY position", "ii",
        texts->entry, (int64_t)texts->version));
    while (!(status = shop_query_next(&row)) && row.has_row && !(status = add_text(a, texts, &row))) {
    }
    shop_query_end(&row);
    return status;
}

/* ---- the table */

static shop_entry_texts **bucket_of(struct shop_entry_cache *cache, int64_t entry, int32_t version) {
    const int64_t key[2] = {entry, version};
    return &cache->buckets[shop_xxh64(key, sizeof key) % N_BUCKETS];
}

/* Under the lock. NULL: not there. */
static shop_entry_texts *find_texts(struct shop_entry_cache *cache, int64_t entry, int32_t version) {
    shop_entry_texts *t = *bucket_of(cache, entry, version);
    while (t && (t->entry != entry || t->version != version)) t = t->next;
    if (t) t->n_users++;
    return t;
}

/* Under the lock. Another thread may have read the same version meanwhile: the table then has both. */
static void keep_texts(struct shop_entry_cache *cache, const llmcs_allocator *a, shop_entry_texts *texts) {
    if (cache->bytes + texts->bytes > SHOP_ENTRY_TEXTS_BYTES) empty_table(cache, a);
    if (texts->bytes > SHOP_ENTRY_TEXTS_BYTES) return;
    shop_entry_texts **bucket = bucket_of(cache, texts->entry, texts->version);
    texts->next = *bucket;
    *bucket = texts;
    texts->n_users++;
    cache->bytes += texts->bytes;
}

llmcs_status shop_entry_texts_acquire(llmcs_shop *shop, shop_connection *c, int64_t entry, int32_t version,
                                      shop_entry_texts **texts) {
    struct shop_entry_cache *cache = shop->entry_cache;
    shop_entry_texts *made;
    pthread_mutex_lock(&cache->lock);
    *texts = find_texts(cache, entry, version);
    pthread_mutex_unlock(&cache->lock);
    if (*texts) return LLMCS_OK;
    SHOP_TRY(shop_alloc_zero(&shop->allocator, 1, sizeof *made, "texts of an entry", &made));
    *made = (shop_entry_texts){.entry = entry, .version = version, .n_users = 1, .bytes = sizeof *made};
    const llmcs_status status = read_texts(&shop->allocator, c, made);
    if (status) {
        free_texts(&shop->allocator, made);
        return status;
    }
    pthread_mutex_lock(&cache->lock);
    keep_texts(cache, &shop->allocator, made);
    pthread_mutex_unlock(&cache->lock);
    *texts = made;
    return LLMCS_OK;
}

void shop_entry_texts_release(llmcs_shop *shop, shop_entry_texts *texts) {
    struct shop_entry_cache *cache = shop->entry_cache;
    pthread_mutex_lock(&cache->lock);
    const bool last = !--texts->n_users;
    pthread_mutex_unlock(&cache->lock);
    if (last) free_texts(&shop->allocator, texts);
}
