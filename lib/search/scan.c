/*
 * The inner loop of a search: a block's visible slots as a mask, their scores by the kernels' product, and those at
 * least as good as the worst candidate so far. Most blocks end there: a search of a million vectors for ten looks at a
 * few hundred of them one by one.
 */
#include "search/scan.h"

/* Slots that were put before the search began and removed after it, if at all. */
static uint64_t visible_slots(const ll_scan *s, const ll_block *block) {
    if (atomic_load_explicit(&block->retired, memory_order_acquire) <= s->version) return 0;
    const uint32_t n = atomic_load_explicit(&block->n_used, memory_order_acquire);
    const uint64_t used = n == LL_BLOCK ? UINT64_MAX : ((uint64_t)1 << n) - 1;
    if (atomic_load_explicit(&block->last_born, memory_order_relaxed) <= s->version &&
        atomic_load_explicit(&block->first_died, memory_order_relaxed) > s->version)
        return used;
    uint64_t visible = 0;
    for (uint32_t i = 0; i < n; i++) {
        const bool alive = atomic_load_explicit(&block->died[i], memory_order_relaxed) > s->version;
        visible |= (uint64_t)(alive && block->born[i] <= s->version) << i;
    }
    return visible;
}

/* Slots of `mask` whose tags pass. */
static uint64_t tagged_slots(const ll_filter *f, const ll_block *block, uint64_t mask) {
    const uint64_t any_tags = atomic_load_explicit(&block->any_tags, memory_order_relaxed);
    const uint64_t any = f->any ? f->any : UINT64_MAX, or_none = f->any ? 0 : 1;
    uint64_t passed = 0;
    if ((f->all & ~any_tags) || (f->any && !(f->any & any_tags))) return 0;
    for (uint64_t bits = mask; bits; bits &= bits - 1) {
        const size_t i = (size_t)__builtin_ctzll(bits);
        const uint64_t tags = block->tags[i];
        const bool passes = (tags & f->all) == f->all && ((tags & any) | or_none) && !(tags & f->none);
        passed |= (uint64_t)passes << i;
    }
    return passed;
}

static uint64_t numbered_slots(const ll_filter *f, const ll_block *block, uint64_t mask) {
    uint64_t passed = 0;
    for (uint64_t bits = mask; bits; bits &= bits - 1) {
        const size_t i = (size_t)__builtin_ctzll(bits);
        passed |= (uint64_t)(block->numbers[i] >= f->min && block->numbers[i] <= f->max) << i;
    }
    return passed;
}

uint64_t ll_scan_mask(const ll_scan *s, const ll_block *block) {
    if (s->masks) return s->masks[block->number];
    uint64_t mask = visible_slots(s, block);
    if (!mask || !s->filter.active) return mask;
    if (s->filter.all || s->filter.any || s->filter.none) mask = tagged_slots(&s->filter, block, mask);
    return mask && s->filter.has_range ? numbered_slots(&s->filter, block, mask) : mask;
}

static bool is_excluded(const ll_scan *s, uint64_t id) {
    return s->exclude && ll_ids_find(s->exclude, id) != LL_NO_SLOT;
}

/* The slots of `mask` whose scores may enter. */
static void push_scores(const ll_scan *s, ll_top *top, const ll_block *block, const float *scores, uint64_t mask) {
    for (uint64_t bits = mask; bits; bits &= bits - 1) {
        const size_t i = (size_t)__builtin_ctzll(bits);
        if (scores[i] < ll_top_least(top)) continue;
        if (is_excluded(s, block->ids[i])) continue;
        ll_top_push(top, (ll_candidate){scores[i], block->number * LL_BLOCK + (uint32_t)i, block->ids[i]});
    }
}

/* Multiplies a block's panels. A block that is not full is locked: the writer may be filling further columns. */
static void multiply_block(const ll_scan *s, const ll_block *block, const ll_product *p) {
    const bool full = atomic_load_explicit(&block->n_used, memory_order_acquire) == LL_BLOCK;
    if (!full) pthread_mutex_lock(block->lock);
    s->x->kernels->matmul[s->x->format.panel_type](p);
    if (!full) pthread_mutex_unlock(block->lock);
}

void ll_scan_block(const ll_scan *s, ll_scanner *t, const ll_block *block, uint64_t mask, size_t first,
                   size_t n_queries, const ll_block *next) {
    const ll_vector_format *f = &s->x->format;
    const ll_product p = {.x = s->rows + first * s->stride,
                          .x_stride = s->stride,
                          .n_rows = n_queries,
                          .w = block->panels,
                          .panel_bytes = f->panel_bytes,
                          .n_in = f->dim,
                          .n_out = LL_BLOCK,
                          .bias = block->bias,
                          .y = t->scores,
                          .ldy = LL_BLOCK,
                          .next = next ? next->panels : NULL};
    multiply_block(s, block, &p);
    s->x->kernels->at_least(t->scores, n_queries, t->least + first, t->bits);
    for (size_t q = 0; q < n_queries; q++) {
        ll_top *top = &t->tops[first + q];
        if (!(t->bits[q] & mask)) continue;
        push_scores(s, top, block, t->scores + q * LL_BLOCK, t->bits[q] & mask);
        t->least[first + q] = ll_top_least(top);
    }
    t->n_scored += LL_BLOCK * n_queries;
    t->n_passed += (uint64_t)__builtin_popcountll(mask) * n_queries;
}

float ll_scan_score(const ll_scan *s, ll_scanner *t, size_t query, ll_slot slot) {
    const ll_vector_format *f = &s->x->format;
    const ll_kernels *k = s->x->kernels;
    const float *q = s->floats + query * f->row;
    const bool is_distance = f->metric == LLMCS_METRIC_L2;
    if (slot.block->halves) {
        const uint16_t *halves = slot.block->halves + slot.at * f->row;
        return is_distance ? -k->distance_f16(q, halves, f->row) : k->dot_f16(q, halves, f->row);
    }
    ll_row_unpack(f, slot.block, slot.at, t->row);
    return is_distance ? -k->distance_f32(q, t->row, f->row) : k->dot_f32(q, t->row, f->row);
}

/* Single rows take twice as long to read as as many bytes of panels. Final scores of L2 are distances, those of panels
 * are not: the two cannot be compared. */
size_t ll_scan_bytes(const ll_scan *s, uint64_t mask, bool *by_rows) {
    const ll_vector_format *f = &s->x->format;
    const size_t rows = 2 * (size_t)__builtin_popcountll(mask) * f->row * sizeof(uint16_t);
    *by_rows = f->has_halves && f->metric != LLMCS_METRIC_L2 && rows < f->panels_bytes;
    return *by_rows ? rows : mask ? f->panels_bytes : 0;
}

void ll_scan_rows(const ll_scan *s, ll_scanner *t, const ll_block *block, uint64_t mask, size_t first,
                  size_t n_queries) {
    for (uint64_t bits = mask; bits; bits &= bits - 1) {
        const ll_slot slot = {(ll_block *)block, (size_t)__builtin_ctzll(bits)};
        if (is_excluded(s, block->ids[slot.at])) continue;
        for (size_t q = first; q < first + n_queries; q++) {
            const float score = ll_scan_score(s, t, q, slot);
            ll_top_push(&t->tops[q], (ll_candidate){score, ll_slot_number(slot), block->ids[slot.at]});
        }
        t->n_scored += n_queries;
        t->n_passed += n_queries;
    }
}
