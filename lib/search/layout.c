/*
 * Blocks and lists: memory for slots, in extents that grow with the index, and its reuse. Only the writer changes them;
 * searches read concurrently. A search may meet:
 *
 * - a block that is being filled: it sees n_used slots, whose versions it compares with its own;
 * - a retired block: its vectors have died, or live on in other slots, from version `retired` on. A search of that
 *   version skips it; an older one reads it;
 * - an unlinked block that it is reading: it continues with the next one.
 */
#include <math.h>
#include <string.h>

#include "search/index.h"

#define EXTENT_BYTES ((size_t)32 << 20)
#define MAX_EXTENT_BLOCKS 4096
/* A full block with so few vectors left is emptied. */
#define SPARSE_LIVE (LL_BLOCK / 2)
#define BYTES_PER_SLOT (4 * sizeof(uint64_t) + sizeof(double))

/* ---- queues */

static void enqueue(ll_queue *q, ll_block *block) {
    block->queued = NULL;
    if (q->last)
        q->last->queued = block;
    else
        q->first = block;
    q->last = block;
    q->n++;
}

static ll_block *dequeue(ll_queue *q) {
    ll_block *block = q->first;
    q->first = block->queued;
    if (!q->first) q->last = NULL;
    q->n--;
    return block;
}

/* ---- extents: the first has one block, each further one as many as all before it, up to extent_blocks */

static size_t log2_of(size_t n) { return (size_t)(63 - __builtin_clzll((unsigned long long)n)); }

static size_t blocks_of_extent(const ll_layout *layout, size_t e) {
    if (e == 0) return 1;
    return e - 1 < log2_of(layout->extent_blocks) ? (size_t)1 << (e - 1) : layout->extent_blocks;
}

ll_block *ll_layout_block(const ll_layout *layout, size_t number) {
    const ll_extent *extents = atomic_load_explicit(&layout->extents, memory_order_acquire);
    const size_t largest = layout->extent_blocks;
    if (number >= largest) {
        const size_t rest = number - largest;
        return extents[1 + log2_of(largest) + rest / largest].blocks + rest % largest;
    }
    if (number == 0) return extents[0].blocks;
    const size_t e = log2_of(number);
    return extents[1 + e].blocks + (number - ((size_t)1 << e));
}

ll_slot ll_layout_slot(const ll_layout *layout, uint32_t number) {
    return (ll_slot){ll_layout_block(layout, number / LL_BLOCK), number % LL_BLOCK};
}

static uint64_t block_bytes_of(const ll_vector_format *f) {
    const size_t halves = f->has_halves ? f->row * sizeof(uint16_t) : 0;
    const size_t bias = f->metric == LLMCS_METRIC_L2 ? sizeof(float) : 0;
    return sizeof(ll_block) + f->panels_bytes + LL_BLOCK * (halves + bias + BYTES_PER_SLOT);
}

/* A table of twice as many extents. The old one stays for searches that read it: the entry behind the last of a table
 * keeps the table before it. */
static llmcs_status grow_table(const llmcs_index *x, ll_layout *layout) {
    const size_t capacity = layout->extent_capacity ? layout->extent_capacity * 2 : 16;
    ll_extent *old = atomic_load_explicit(&layout->extents, memory_order_relaxed), *fresh;
    LL_TRY(ll_index_reserve_bytes(x, layout->outside_bytes + layout->bytes + capacity * sizeof *fresh));
    LL_TRY(ll_alloc_zero(&x->allocator, capacity + 1, sizeof *fresh, "index extents", &fresh));
    if (old) memcpy(fresh, old, layout->extent_capacity * sizeof *fresh);
    fresh[capacity].memory = (char *)old;
    fresh[capacity].n_before = layout->extent_capacity;
    layout->extent_capacity = capacity;
    layout->bytes += capacity * sizeof *fresh;
    atomic_store_explicit(&layout->extents, fresh, memory_order_release);
    return LLMCS_OK;
}

/* Divides an extent's memory among its blocks, in the order in which a search reads it. */
static void divide_extent(const ll_vector_format *f, ll_layout *layout, const ll_extent *extent, size_t first,
                          size_t n) {
    char *panels = extent->memory, *at = panels + n * f->panels_bytes;
    uint16_t *halves = (uint16_t *)(void *)at;
    if (f->has_halves) at += n * LL_BLOCK * f->row * sizeof(uint16_t);
    for (size_t i = 0; i < n; i++) {
        ll_block *b = extent->blocks + i;
        uint64_t *words = (uint64_t *)(void *)at;
        b->number = (uint32_t)(first + i);
        b->lock = &layout->locks[b->number % LL_LOCKS];
        b->panels = panels + i * f->panels_bytes;
        b->halves = f->has_halves ? halves + i * LL_BLOCK * f->row : NULL;
        b->ids = words;
        b->tags = words + LL_BLOCK;
        b->born = words + 2 * LL_BLOCK;
        b->died = (_Atomic uint64_t *)(words + 3 * LL_BLOCK);
        b->numbers = (double *)(words + 4 * LL_BLOCK);
        at += LL_BLOCK * BYTES_PER_SLOT;
        if (f->metric == LLMCS_METRIC_L2) {
            b->bias = (float *)(void *)at;
            at += LL_BLOCK * sizeof(float);
        }
        enqueue(&layout->free, b);
    }
}

static llmcs_status add_extent(const llmcs_index *x, ll_layout *layout) {
    const size_t n = blocks_of_extent(layout, layout->n_extents), first = atomic_load(&layout->n_blocks);
    const size_t bytes = n * (layout->block_bytes - sizeof(ll_block));
    ll_extent extent = {0};
    if ((first + n) * LL_BLOCK > LL_INDEX_MAX_SLOTS)
        return ll_fail(LLMCS_LIMIT, "index: more than %zu vectors", LL_INDEX_MAX_SLOTS);
    if (layout->n_extents == layout->extent_capacity) LL_TRY(grow_table(x, layout));
    LL_TRY(ll_index_reserve_bytes(x, layout->outside_bytes + layout->bytes + n * layout->block_bytes));
    LL_TRY(ll_alloc_zero(&x->allocator, n, sizeof *extent.blocks, "index blocks", &extent.blocks));
    llmcs_status st = ll_alloc_zero(&x->allocator, bytes, 1, "index vectors", &extent.memory);
    if (st) {
        ll_free(&x->allocator, extent.blocks);
        return st;
    }
    divide_extent(&x->format, layout, &extent, first, n);
    atomic_load_explicit(&layout->extents, memory_order_relaxed)[layout->n_extents++] = extent;
    layout->bytes += n * layout->block_bytes;
    atomic_store_explicit(&layout->n_blocks, first + n, memory_order_release);
    return LLMCS_OK;
}

llmcs_status ll_layout_reserve(const llmcs_index *x, ll_layout *layout, size_t n) {
    while (layout->free.n < n) LL_TRY(add_extent(x, layout));
    return LLMCS_OK;
}

/* ---- create, free */

static llmcs_status create_lists(const llmcs_index *x, ll_layout *layout, size_t n_lists) {
    LL_TRY(ll_alloc_zero(&x->allocator, n_lists, sizeof *layout->heads, "index lists", &layout->heads));
    LL_TRY(ll_alloc_zero(&x->allocator, n_lists, sizeof(void *), "index lists", &layout->tails));
    for (; layout->n_locks < LL_LOCKS; layout->n_locks++) {
        if (pthread_mutex_init(&layout->locks[layout->n_locks], NULL))
            return ll_fail(LLMCS_THREAD, "index: a lock could not be created");
    }
    return LLMCS_OK;
}

llmcs_status ll_layout_create(const llmcs_index *x, size_t n_lists, ll_layout **layout) {
    ll_layout *fresh;
    *layout = NULL;
    LL_TRY(ll_alloc_zero(&x->allocator, 1, sizeof *fresh, "index", &fresh));
    fresh->references = 1;
    fresh->n_lists = n_lists;
    fresh->block_bytes = block_bytes_of(&x->format);
    fresh->extent_blocks = 1;
    while (fresh->extent_blocks < MAX_EXTENT_BLOCKS && fresh->extent_blocks * 2 * fresh->block_bytes <= EXTENT_BYTES)
        fresh->extent_blocks *= 2;
    fresh->bytes = sizeof *fresh + n_lists * (sizeof *fresh->heads + sizeof(void *));
    llmcs_status st = create_lists(x, fresh, n_lists);
    if (st)
        ll_layout_free(x, fresh);
    else
        *layout = fresh;
    return st;
}

void ll_layout_free(const llmcs_index *x, ll_layout *layout) {
    const llmcs_allocator *a = &x->allocator;
    if (!layout) return;
    ll_extent *table = atomic_load(&layout->extents);
    for (size_t e = 0; e < layout->n_extents; e++) {
        ll_free(a, table[e].blocks);
        ll_free(a, table[e].memory);
    }
    for (size_t capacity = layout->extent_capacity; table;) {
        ll_extent *before = (ll_extent *)(void *)table[capacity].memory;
        const size_t n_before = table[capacity].n_before;
        ll_free(a, table);
        table = before;
        capacity = n_before;
    }
    for (size_t i = 0; i < layout->n_locks; i++) pthread_mutex_destroy(&layout->locks[i]);
    ll_centroids_free(a, layout->centroids);
    ll_free(a, layout->heads);
    ll_free(a, layout->tails);
    ll_free(a, layout);
}

/* ---- slots */

static bool has_space(const ll_block *block) {
    return block && atomic_load_explicit(&block->n_used, memory_order_relaxed) < LL_BLOCK;
}

/* True if the next slot of the list needs a free block. */
static bool needs_block(const ll_layout *layout, size_t list) { return !has_space(layout->tails[list]); }

/* Links a free block after the list's last one. */
static void add_block(ll_layout *layout, size_t list) {
    ll_block *block = dequeue(&layout->free), *last = layout->tails[list];
    atomic_store_explicit(&block->n_used, 0, memory_order_relaxed);
    atomic_store_explicit(&block->last_born, 0, memory_order_relaxed);
    atomic_store_explicit(&block->first_died, LL_FOR_EVER, memory_order_relaxed);
    atomic_store_explicit(&block->any_tags, 0, memory_order_relaxed);
    atomic_store_explicit(&block->next, NULL, memory_order_relaxed);
    block->list = (uint32_t)list;
    block->n_live = 0;
    block->previous = last;
    atomic_store_explicit(&block->retired, LL_FOR_EVER, memory_order_release);
    atomic_store_explicit(last ? &last->next : &layout->heads[list], block, memory_order_release);
    layout->tails[list] = block;
}

ll_slot ll_layout_append(ll_layout *layout, size_t list) {
    if (needs_block(layout, list)) add_block(layout, list);
    ll_block *block = layout->tails[list];
    pthread_mutex_lock(block->lock);
    return (ll_slot){block, atomic_load_explicit(&block->n_used, memory_order_relaxed)};
}

void ll_layout_publish(ll_slot s, const ll_item *item, uint64_t version) {
    ll_block *b = s.block;
    pthread_mutex_unlock(b->lock);
    b->ids[s.at] = item->id;
    b->tags[s.at] = item->tags.tags;
    b->numbers[s.at] = item->tags.number;
    b->born[s.at] = version;
    atomic_store_explicit(&b->died[s.at], LL_FOR_EVER, memory_order_relaxed);
    b->n_live++;
    atomic_store_explicit(&b->any_tags, atomic_load_explicit(&b->any_tags, memory_order_relaxed) | item->tags.tags,
                          memory_order_relaxed);
    atomic_store_explicit(&b->last_born, version, memory_order_relaxed);
    atomic_store_explicit(&b->n_used, (uint32_t)s.at + 1, memory_order_release);
}

void ll_layout_kill(ll_layout *layout, ll_slot s, uint64_t version) {
    ll_block *b = s.block;
    atomic_store_explicit(&b->died[s.at], version, memory_order_relaxed);
    if (atomic_load_explicit(&b->first_died, memory_order_relaxed) == LL_FOR_EVER)
        atomic_store_explicit(&b->first_died, version, memory_order_relaxed);
    b->n_live--;
    layout->n_dead++;
    if (b->n_live > SPARSE_LIVE || has_space(b) || b->is_sparse) return;
    b->is_sparse = true;
    enqueue(&layout->sparse, b);
}

/* ---- reuse */

static void move_slot(const llmcs_index *x, ll_layout *layout, ll_slot from, uint64_t version, ll_ids *ids) {
    const ll_block *b = from.block;
    const ll_item item = {b->ids[from.at], {b->tags[from.at], b->numbers[from.at]}};
    const ll_slot to = ll_layout_append(layout, b->list);
    ll_row_copy(&x->format, from, to);
    ll_layout_publish(to, &item, version);
    ll_layout_kill(layout, from, version);
    (void)ll_ids_set(ids, item.id, ll_slot_number(to));
}

void ll_layout_compact(const llmcs_index *x, ll_layout *layout, uint64_t version, ll_ids *ids) {
    for (size_t n = layout->sparse.n; n > 0; n--) {
        ll_block *b = dequeue(&layout->sparse);
        const bool fits = b->n_live == 0 || layout->free.n > 0 || !ll_layout_reserve(x, layout, 1);
        if (!fits) { /* no memory: try again later */
            enqueue(&layout->sparse, b);
            continue;
        }
        for (size_t i = 0; i < LL_BLOCK && b->n_live > 0; i++) {
            if (atomic_load_explicit(&b->died[i], memory_order_relaxed) == LL_FOR_EVER)
                move_slot(x, layout, (ll_slot){b, i}, version, ids);
        }
        b->stamp = version;
        atomic_store_explicit(&b->retired, version, memory_order_release);
        enqueue(&layout->retired, b);
    }
}

static void unlink_block(ll_layout *layout, ll_block *b) {
    ll_block *next = atomic_load_explicit(&b->next, memory_order_relaxed);
    atomic_store_explicit(b->previous ? &b->previous->next : &layout->heads[b->list], next, memory_order_release);
    if (next)
        next->previous = b->previous;
    else
        layout->tails[b->list] = b->previous;
}

void ll_layout_reclaim(ll_layout *layout, uint64_t oldest, uint64_t version) {
    while (layout->unlinked.first && layout->unlinked.first->stamp <= oldest) {
        ll_block *b = dequeue(&layout->unlinked);
        b->is_sparse = false;
        layout->n_dead -= LL_BLOCK;
        enqueue(&layout->free, b);
    }
    while (layout->retired.first && layout->retired.first->stamp <= oldest) {
        ll_block *b = dequeue(&layout->retired);
        unlink_block(layout, b);
        b->stamp = version;
        enqueue(&layout->unlinked, b);
    }
}
