/* The writer: put, remove, get. A put validates and reserves everything first; what follows cannot fail. */
#include <string.h>

#include "base/array.h"
#include "base/call.h"
#include "search/index.h"

/* Workspace of a put. */
typedef struct put_work {
    float *row;       /* [row] */
    uint16_t *halves; /* [row], or NULL: vectors stay float32 */
    uint32_t *lists;  /* [n] the list of each vector; NULL: a flat index */
    size_t *counts;   /* [n_lists] */
    ll_nearest nearest;
} put_work;

static void free_put(const llmcs_index *x, put_work *w) {
    ll_free(&x->allocator, w->row);
    ll_free(&x->allocator, w->halves);
    ll_free(&x->allocator, w->lists);
    ll_free(&x->allocator, w->counts);
    ll_nearest_free(x, &w->nearest);
}

static llmcs_status allocate_put(const llmcs_index *x, put_work *w, size_t n) {
    const llmcs_allocator *a = &x->allocator;
    LL_TRY(ll_alloc(a, x->format.row, sizeof *w->row, "put", &w->row));
    if (x->format.type != LLMCS_VECTOR_F32) LL_TRY(ll_alloc(a, x->format.row, sizeof *w->halves, "put", &w->halves));
    if (!x->layout->centroids) return LLMCS_OK;
    LL_TRY(ll_alloc(a, n, sizeof *w->lists, "put", &w->lists));
    LL_TRY(ll_alloc_zero(a, x->layout->n_lists, sizeof *w->counts, "put", &w->counts));
    return ll_nearest_create(x, 1, &w->nearest);
}

/* Checks all vectors and finds their lists. */
static llmcs_status validate_vectors(const llmcs_index *x, put_work *w, const uint64_t *ids, const float *vectors,
                                     size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (ids[i] == LLMCS_NO_ITEM) return ll_fail(LLMCS_ARG, "ids[%zu]: LLMCS_NO_ITEM is not an id", i);
        LL_TRY(ll_row_check(x, "vectors", i, vectors + i * x->format.dim, w->row));
        if (!w->lists) continue;
        ll_nearest_lists(x, x->layout->centroids, &w->nearest, w->row, 1, &w->lists[i]);
        w->counts[w->lists[i]]++;
    }
    return LLMCS_OK;
}

/* Blocks that `count` more slots of a list need. */
static size_t blocks_for(const ll_layout *layout, size_t list, size_t count) {
    const ll_block *tail = layout->tails[list];
    const size_t left = tail ? LL_BLOCK - atomic_load_explicit(&tail->n_used, memory_order_relaxed) : 0;
    return count > left ? (count - left + LL_BLOCK - 1) / LL_BLOCK : 0;
}

static llmcs_status reserve_slots(llmcs_index *x, const put_work *w, size_t n) {
    ll_layout *layout = x->layout;
    size_t n_blocks = 0;
    for (size_t list = 0; list < layout->n_lists; list++)
        n_blocks += blocks_for(layout, list, w->counts ? w->counts[list] : n);
    LL_TRY(ll_index_reserve_bytes(x, layout->bytes + ll_ids_bytes(&x->ids, n) - ll_ids_bytes(&x->ids, 0)));
    LL_TRY(ll_ids_reserve(&x->ids, &x->allocator, n));
    return ll_layout_reserve(x, layout, n_blocks);
}

static void put_item(llmcs_index *x, put_work *w, size_t list, const ll_item *item, uint64_t version) {
    const ll_vector_format *f = &x->format;
    const ll_slot s = ll_layout_append(x->layout, list);
    ll_row_pack(f, s.block, s.at, w->row, w->halves);
    if (s.block->bias) s.block->bias[s.at] = -0.5f * x->kernels->dot_f32(w->row, w->row, f->row);
    ll_layout_publish(s, item, version);
    const uint32_t before = ll_ids_set(&x->ids, item->id, ll_slot_number(s));
    if (before != LL_NO_SLOT) ll_layout_kill(x->layout, ll_layout_slot(x->layout, before), version);
}

static llmcs_status put_vectors(llmcs_index *x, put_work *w, const uint64_t *ids, const float *vectors,
                                const llmcs_item_tags *tags, size_t n) {
    const uint64_t version = x->version + 1;
    LL_TRY(allocate_put(x, w, n));
    LL_TRY(validate_vectors(x, w, ids, vectors, n));
    ll_layout_reclaim(x->layout, ll_index_oldest(x), version);
    LL_TRY(reserve_slots(x, w, n));
    for (size_t i = 0; i < n; i++) {
        const ll_item item = {ids[i], tags ? tags[i] : (llmcs_item_tags){0, __builtin_nan("")}};
        (void)ll_row_prepare(x, "vectors", i, vectors + i * x->format.dim, w->row, w->halves); /* validated */
        put_item(x, w, w->lists ? w->lists[i] : 0, &item, version);
    }
    ll_layout_compact(x, x->layout, version, &x->ids);
    ll_index_publish(x, version, x->ids.n);
    return LLMCS_OK;
}

llmcs_status llmcs_index_put(llmcs_index *x, const uint64_t *ids, const float *vectors, const llmcs_item_tags *tags,
                             size_t n) {
    LL_PUBLIC_CALL;
    put_work w = {0};
    LL_TRY(ll_index_check(x));
    if (n == 0) return LLMCS_OK;
    if (!ids || !vectors) return ll_fail(LLMCS_ARG, "%s: is NULL", ids ? "vectors" : "ids");
    if (n > LL_INDEX_MAX_SLOTS) return ll_fail(LLMCS_LIMIT, "n: %zu is more than %zu", n, LL_INDEX_MAX_SLOTS);
    pthread_mutex_lock(&x->writer);
    const llmcs_status st = put_vectors(x, &w, ids, vectors, tags, n);
    free_put(x, &w);
    pthread_mutex_unlock(&x->writer);
    return st;
}

llmcs_status llmcs_index_remove(llmcs_index *x, const uint64_t *ids, size_t n, size_t *n_removed) {
    LL_PUBLIC_CALL;
    size_t removed = 0;
    if (n_removed) *n_removed = 0;
    LL_TRY(ll_index_check(x));
    if (!ids && n) return ll_fail(LLMCS_ARG, "ids: is NULL");
    LL_TRY(ll_check_array("ids", n, sizeof *ids));
    pthread_mutex_lock(&x->writer);
    const uint64_t version = x->version + 1;
    ll_layout_reclaim(x->layout, ll_index_oldest(x), version);
    for (size_t i = 0; i < n; i++) {
        const uint32_t slot = ll_ids_find(&x->ids, ids[i]);
        if (slot == LL_NO_SLOT) continue;
        ll_layout_kill(x->layout, ll_layout_slot(x->layout, slot), version);
        ll_ids_remove(&x->ids, ids[i]);
        removed++;
    }
    ll_layout_compact(x, x->layout, version, &x->ids);
    ll_index_publish(x, version, x->ids.n);
    pthread_mutex_unlock(&x->writer);
    if (n_removed) *n_removed = removed;
    return LLMCS_OK;
}

llmcs_status llmcs_index_get(llmcs_index *x, uint64_t id, float *vector, llmcs_item_tags *tags, int *found) {
    LL_PUBLIC_CALL;
    LL_TRY(ll_index_check(x));
    if (!found) return ll_fail(LLMCS_ARG, "found: is NULL");
    *found = 0;
    float *row;
    LL_TRY(ll_alloc(&x->allocator, x->format.row, sizeof *row, "vector", &row));
    pthread_mutex_lock(&x->writer);
    const uint32_t number = ll_ids_find(&x->ids, id);
    if (number != LL_NO_SLOT) {
        const ll_slot s = ll_layout_slot(x->layout, number);
        ll_row_unpack(&x->format, s.block, s.at, row);
        if (vector) memcpy(vector, row, x->format.dim * sizeof *row);
        if (tags) *tags = (llmcs_item_tags){s.block->tags[s.at], s.block->numbers[s.at]};
        *found = 1;
    }
    pthread_mutex_unlock(&x->writer);
    ll_free(&x->allocator, row);
    return LLMCS_OK;
}
