/* Keeps an index of vectors and one of words in step with the store's texts. */
#include "shop/knowledge/follow.h"

#include <stdatomic.h>
#include <unistd.h>

#include "shop/knowledge/entry_texts.h"
#include "shop/knowledge/knowledge.h"
#include "shop/knowledge/word_index.h"
#include "shop/store/vectors.h"

enum { ROWS_AT_ONCE = 256, LISTS_FROM = 50000 };

struct shop_knowledge {
    pthread_mutex_t lock; /* guards changes of the indexes; searches do not take it */
    llmcs_index *index;   /* by texts.row; NULL without an encoder */
    shop_word_index *words;
    _Atomic int64_t seen; /* value of the setting llmcs.changes that the indexes reflect */
    atomic_bool asked;    /* a question has been answered before */
    uint64_t n_built;     /* number of vectors when the lists were last built */
};

llmcs_status shop_knowledge_create(llmcs_shop *shop) {
    struct shop_knowledge *k;
    llmcs_index_options options;
    SHOP_TRY(shop_entry_texts_create(shop, SHOP_ENTRY_TEXTS_BYTES));
    SHOP_TRY(shop_alloc_zero(&shop->allocator, 1, sizeof *k, "knowledge", &k));
    llmcs_index_options_init(&options);
    options.dim = shop->n_embedding;
    options.model_fingerprint = shop->fingerprint;
    options.allocator = &shop->allocator;
    llmcs_status status = shop->encoder ? llmcs_index_create(&options, &k->index) : LLMCS_OK;
    if (!status) status = shop_word_index_create(shop, SHOP_WORD_INDEX_BYTES, &k->words);
    if (!status && pthread_mutex_init(&k->lock, NULL)) status = shop_fail(LLMCS_THREAD, "a lock could not be created");
    if (status) {
        shop_word_index_free(shop, &k->words);
        llmcs_index_free(&k->index);
        shop_free(&shop->allocator, k);
        return status;
    }
    atomic_init(&k->seen, -1);
    atomic_init(&k->asked, false);
    shop->knowledge = k;
    return LLMCS_OK;
}

void shop_knowledge_free(llmcs_shop *shop) {
    struct shop_knowledge *k = shop->knowledge;
    shop_entry_texts_free(shop);
    if (!k) return;
    shop_word_index_free(shop, &k->words);
    llmcs_index_free(&k->index);
    if (shop->owner == getpid()) pthread_mutex_destroy(&k->lock);
    shop_free(&shop->allocator, k);
    shop->knowledge = NULL;
}

/* ---- changes */

/* The rows of one llmcs_index_put. */
typedef struct load {
    llmcs_shop *shop;
    uint64_t ids[ROWS_AT_ONCE];
    float *vectors; /* [ROWS_AT_ONCE, n_embedding] */
    size_t n;
} load;

static llmcs_status flush(load *l) {
    const size_t n = l->n;
    l->n = 0;
    return n ? llmcs_index_put(l->shop->knowledge->index, l->ids, l->vectors, NULL, n) : LLMCS_OK;
}

static llmcs_status add_vector(load *l, shop_query *q) {
    size_t n_bytes;
    const void *blob = shop_query_blob(q, 1, &n_bytes);
    SHOP_TRY(shop_vector_decode(l->shop, blob, n_bytes, l->vectors + l->n * (size_t)l->shop->n_embedding));
    l->ids[l->n++] = (uint64_t)shop_query_int(q, 0);
    return l->n == ROWS_AT_ONCE ? flush(l) : LLMCS_OK;
}

static llmcs_status load_vectors(load *l, shop_connection *c, int64_t seen) {
    shop_query q;
    llmcs_status status = LLMCS_OK;
    SHOP_TRY(
        shop_query_begin(c, &q,
                         "SELECT t.row, v.vector FROM texts t JOIN vectors v ON v.source = 'texts' AND v.row = t.row"
                         " AND v.fingerprint = ?1 WHERE t.changed > ?2 AND t.live",
                         "ii", (int64_t)l->shop->fingerprint, seen));
    for (;;) {
        SHOP_TRY(shop_query_next(&q));
        if (!q.has_row || (status = add_vector(l, &q))) break;
    }
    shop_query_end(&q);
    return status ? status : flush(l);
}

static llmcs_status remove_vectors(llmcs_shop *shop, shop_connection *c, int64_t seen) {
    shop_query q;
    llmcs_status status = LLMCS_OK;
    SHOP_TRY(shop_query_begin(c, &q, "SELECT row FROM texts WHERE changed > ?1 AND NOT live", "i", seen));
    while (!status) {
        SHOP_TRY(shop_query_next(&q));
        if (!q.has_row) break;
        const uint64_t id = (uint64_t)shop_query_int(&q, 0);
        status = llmcs_index_remove(shop->knowledge->index, &id, 1, NULL);
    }
    shop_query_end(&q);
    return status;
}

/* Builds the inverted lists that speed up a search of many vectors. Rebuilds them when the index has doubled. */
static llmcs_status build_lists(struct shop_knowledge *k) {
    llmcs_index_info info = {.struct_size = sizeof info};
    SHOP_TRY(llmcs_index_get_info(k->index, &info));
    if (info.n_vectors < LISTS_FROM || info.n_vectors < 2 * k->n_built) return LLMCS_OK;
    k->n_built = info.n_vectors;
    return llmcs_index_build(k->index, NULL);
}

static llmcs_status follow_vectors(llmcs_shop *shop, shop_connection *c, int64_t seen) {
    load l = {.shop = shop};
    if (!shop->knowledge->index) return LLMCS_OK;
    if (seen >= 0) SHOP_TRY(remove_vectors(shop, c, seen));
    SHOP_TRY(
        shop_alloc(&shop->allocator, ROWS_AT_ONCE * (size_t)shop->n_embedding, sizeof(float), "vectors", &l.vectors));
    llmcs_status status = load_vectors(&l, c, seen);
    shop_free(&shop->allocator, l.vectors);
    return status ? status : build_lists(shop->knowledge);
}

/* Drops entries in memory whose texts got a vector or a new version. */
static llmcs_status forget_entries(llmcs_shop *shop, shop_connection *c, int64_t seen) {
    shop_query q;
    llmcs_status status = LLMCS_OK;
    SHOP_TRY(shop_query_begin(c, &q, "SELECT DISTINCT entry FROM texts WHERE changed > ?1", "i", seen));
    while (!(status = shop_query_next(&q)) && q.has_row) shop_entry_texts_forget(shop, shop_query_int(&q, 0));
    shop_query_end(&q);
    return status;
}

static llmcs_status follow_from(llmcs_shop *shop, shop_connection *c, int64_t seen) {
    SHOP_TRY(follow_vectors(shop, c, seen));
    return seen >= 0 ? forget_entries(shop, c, seen) : LLMCS_OK;
}

/* Words are loaded at the second question, so a program that asks only one does not wait for them. */
llmcs_status shop_follow(llmcs_shop *shop, shop_connection *c) {
    struct shop_knowledge *k = shop->knowledge;
    int64_t changes;
    SHOP_TRY(shop_lookup_int(c, 0, &changes, "SELECT value FROM settings WHERE key = 'llmcs.changes'", ""));
    const bool words = atomic_exchange(&k->asked, true) && !shop_word_index_is_current(k->words, changes);
    if (atomic_load(&k->seen) >= changes && !words) return LLMCS_OK;
    pthread_mutex_lock(&k->lock);
    const int64_t seen = atomic_load(&k->seen);
    llmcs_status status = seen < changes ? follow_from(shop, c, seen) : LLMCS_OK;
    if (!status && words) status = shop_word_index_follow(shop, k->words, c, changes);
    if (!status && seen < changes) atomic_store(&k->seen, changes);
    pthread_mutex_unlock(&k->lock);
    return status;
}

/* ---- search */

llmcs_status shop_nearest(llmcs_shop *shop, const float *vector, size_t k, uint64_t *rows, float *cosines, size_t *n) {
    llmcs_search_params params;
    *n = 0;
    if (!shop->knowledge->index) return LLMCS_OK;
    llmcs_search_params_init(&params);
    params.k = k;
    return llmcs_index_search(shop->knowledge->index, vector, 1, &params, rows, cosines, n);
}

llmcs_status shop_text_vector(llmcs_shop *shop, int64_t row, float *vector, bool *found) {
    int there = 0;
    *found = false;
    if (!shop->knowledge->index) return LLMCS_OK;
    SHOP_TRY(llmcs_index_get(shop->knowledge->index, (uint64_t)row, vector, NULL, &there));
    *found = there;
    return LLMCS_OK;
}

shop_word_index *shop_words_in_memory(llmcs_shop *shop) { return shop->knowledge->words; }

llmcs_status shop_limit_texts_in_memory(llmcs_shop *shop, size_t index_bytes, size_t entry_bytes) {
    shop_word_index_free(shop, &shop->knowledge->words);
    shop_entry_texts_free(shop);
    SHOP_TRY(shop_entry_texts_create(shop, entry_bytes));
    return shop_word_index_create(shop, index_bytes, &shop->knowledge->words);
}
