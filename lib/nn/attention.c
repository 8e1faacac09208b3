/*
 * Attention over blocks of keys and values (Vaswani et al. 2017, eq. 1): how it is divided over threads. The work is a
 * line of heads: head 0 of every segment, then head 1 of every segment, and so on, each with the cost of its scores. A
 * thread gets a range of that line, so one thread stores a head's keys and values and attends to them while they are in
 * its cache. Where the number of threads divides the number of heads, its heads are the same in every segment, and it
 * can compute their columns of queries, keys and values itself. Where there are too few heads for an even division, the
 * tiles of a head are divided instead. The result of a row does not depend on any of this: one tile is the kernel's
 * work (kernels/attend.h; kernels/scalar_attention.c is its definition).
 */
#include "nn/attention_internal.h"

/* ---- dividing by cost: rows times positions, and ROW_COST for what a row costs besides */

#define ROW_COST 16

/* Row r of the segment attends to positions [0, n). */
static size_t n_positions_of(const ll_attention *a, const ll_segment *segment, size_t r) {
    return segment->first_position + (a->causal ? r + 1 : segment->n_rows);
}

/* Of rows [begin, end) of one head. */
static uint64_t cost_of(const ll_attention *a, const ll_segment *segment, size_t begin, size_t end) {
    const uint64_t n = end - begin;
    const uint64_t first_and_last =
        (uint64_t)n_positions_of(a, segment, begin) + n_positions_of(a, segment, end - 1); /* they grow evenly */
    return n * first_and_last / 2 + n * ROW_COST;
}

/* A thread's range of the line: it gets the heads (or tiles) whose middle lies in the range. Costs are counted twice,
 * so that middles are integers. */
typedef struct cost_range {
    uint64_t begin, end;
    uint64_t head_cost; /* of one head of all segments */
} cost_range;

static cost_range cost_range_of(const ll_exec *exec, const ll_attention *a) {
    cost_range s = {0};
    for (size_t i = 0; i < a->n_segments; i++) s.head_cost += 2 * cost_of(a, &a->segments[i], 0, a->segments[i].n_rows);
    const uint64_t total = s.head_cost * a->layout->n_head, size = (uint64_t)exec->team->size;
    const uint64_t index = (uint64_t)exec->team->index;
    s.begin = total / size * index + total % size * index / size;
    s.end = total / size * (index + 1) + total % size * (index + 1) / size;
    return s;
}

/* This thread's heads [*first, *end) of a segment; middle: of the segment's head 0. */
static void own_heads(const cost_range *s, uint64_t middle, size_t n_head, size_t *first, size_t *end) {
    const uint64_t before = s->begin <= middle ? 0 : (s->begin - middle + s->head_cost - 1) / s->head_cost;
    const uint64_t up_to = s->end <= middle ? 0 : (s->end - middle + s->head_cost - 1) / s->head_cost;
    *first = (size_t)before < n_head ? (size_t)before : n_head;
    *end = (size_t)up_to < n_head ? (size_t)up_to : n_head;
}

bool ll_attention_waits(const ll_exec *exec, const ll_attention *a) {
    const size_t size = (size_t)exec->team->size, n_heads = a->n_segments * a->layout->n_head;
    if (size == 1 || n_heads % size == 0 || n_heads >= 8 * size) return false;
    for (size_t i = 0; i < a->n_segments; i++)
        if (a->segments[i].n_rows > LL_ATTEND_ROWS) return true;
    return false;
}

/* ---- one head of one segment */

typedef struct segment_head {
    const ll_attention *a;
    const ll_segment *segment;
    size_t head;
} segment_head;

static size_t n_embd(const ll_attention *a) { return a->layout->n_head * a->layout->head_dim; }

/* Where in a block the head's keys and values begin. */
static size_t head_offset(const segment_head *h) {
    const ll_kv_layout *l = h->a->layout;
    return (h->a->layer * l->n_head + h->head) * ll_kv_head_bytes(l->type, l->head_dim);
}

/* Row r's query; its key and its value are n_embd and 2 n_embd further. */
static const float *query_of(const segment_head *h, size_t r) {
    return h->a->qkv + (h->segment->first_row + r) * 3 * n_embd(h->a) + h->head * h->a->layout->head_dim;
}

/* Stores keys and values of rows [begin, end), which lie in one block. */
static void store_rows(const ll_exec *exec, const segment_head *h, size_t begin, size_t end) {
    const ll_kv_layout *l = h->a->layout;
    const size_t n = n_embd(h->a), position = h->segment->first_position + begin;
    const ll_kv_rows rows = {.key = query_of(h, begin) + n,
                             .value = query_of(h, begin) + 2 * n,
                             .ld = 3 * n,
                             .n_tokens = end - begin,
                             .slot = position % LL_KV_BLOCK,
                             .head_dim = l->head_dim,
                             .type = l->type,
                             .head = (char *)h->segment->kv_blocks[position / LL_KV_BLOCK] + head_offset(h)};
    exec->kernels->kv_store(&rows);
}

/* The end of the tile that begins with row r. Tiles end where blocks do, so that the last positions of a causal tile's
 * rows lie in one block. */
static size_t tile_end(const ll_segment *segment, size_t r) {
    const size_t slot = (segment->first_position + r) % LL_KV_BLOCK;
    return ll_min(segment->n_rows, r + ll_min(LL_ATTEND_ROWS, LL_KV_BLOCK - slot));
}

/* next: the head this thread attends to after this one, whose keys are prefetched, or NULL. */
static void attend_tile(const ll_exec *exec, const segment_head *h, size_t begin, size_t end,
                        const segment_head *next) {
    const ll_attention *a = h->a;
    const size_t n = n_embd(a), head_dim = a->layout->head_dim;
    const size_t n_next = next ? n_positions_of(a, next->segment, 0) : 0;
    const ll_attend tile = {.q = query_of(h, begin),
                            .out = a->out + (h->segment->first_row + begin) * n + h->head * head_dim,
                            .ldq = 3 * n,
                            .ldo = n,
                            .kv_blocks = h->segment->kv_blocks,
                            .head_bytes = head_offset(h),
                            .type = a->layout->type,
                            .head_dim = head_dim,
                            .n_rows = end - begin,
                            .n_positions = n_positions_of(a, h->segment, begin),
                            .causal_step = a->causal ? 1 : 0,
                            .scale = a->scale,
                            .next_blocks = next ? next->segment->kv_blocks : NULL,
                            .n_next_blocks = (n_next + LL_KV_BLOCK - 1) / LL_KV_BLOCK,
                            .next_head_bytes = next ? head_offset(next) : 0,
                            .scratch = a->scratch};
    exec->kernels->attend(&tile);
}

/* ---- a thread's part */

/* Block by block, all heads of a block together, so that rows of qkv are read from left to right. */
static void store_heads(const ll_exec *exec, const ll_attention *a, const ll_segment *segment, size_t first,
                        size_t end) {
    for (size_t r = 0, next; r < segment->n_rows; r = next) {
        next = tile_end(segment, r);
        for (size_t head = first; head < end; head++) store_rows(exec, &(segment_head){a, segment, head}, r, next);
    }
}

/* A segment of one row: stored and attended to head by head. It waits for memory, so the next head's keys are
 * prefetched. */
static void attend_one_row(const ll_exec *exec, const ll_attention *a, size_t i, size_t first, size_t end) {
    for (size_t head = first; head < end; head++) {
        const bool last = head + 1 == end;
        const segment_head h = {a, &a->segments[i], head};
        const segment_head next = {a, &a->segments[last ? i + 1 : i], last ? first : head + 1};
        store_rows(exec, &h, 0, 1);
        attend_tile(exec, &h, 0, 1, last && i + 1 == a->n_segments ? NULL : &next);
    }
}

/* Stores or attends to this thread's heads of every segment, or both. */
static void process_heads(const ll_exec *exec, const ll_attention *a, bool store, bool attend) {
    const cost_range range = cost_range_of(exec, a);
    uint64_t before = 0;
    for (size_t i = 0; i < a->n_segments; i++) {
        const ll_segment *segment = &a->segments[i];
        const uint64_t cost = cost_of(a, segment, 0, segment->n_rows);
        size_t first, end;
        own_heads(&range, before + cost, a->layout->n_head, &first, &end);
        before += 2 * cost;
        if (store && attend && segment->n_rows == 1) {
            attend_one_row(exec, a, i, first, end);
            continue;
        }
        if (store) store_heads(exec, a, segment, first, end);
        for (size_t head = first; attend && head < end; head++) {
            for (size_t r = 0, next; r < segment->n_rows; r = next) {
                next = tile_end(segment, r);
                attend_tile(exec, &(segment_head){a, segment, head}, r, next, NULL);
            }
        }
    }
}

/* Attends to this thread's tiles of every head. */
static void attend_tiles(const ll_exec *exec, const ll_attention *a) {
    const cost_range range = cost_range_of(exec, a);
    uint64_t at = 0;
    for (size_t i = 0; i < a->layout->n_head * a->n_segments && at < range.end; i++) {
        const segment_head h = {a, &a->segments[i % a->n_segments], i / a->n_segments};
        for (size_t r = 0, next; r < h.segment->n_rows; r = next) {
            next = tile_end(h.segment, r);
            const uint64_t cost = cost_of(a, h.segment, r, next);
            if (at + cost >= range.begin && at + cost < range.end) attend_tile(exec, &h, r, next, NULL);
            at += 2 * cost;
        }
    }
}

void ll_attention_store(const ll_exec *exec, const ll_attention *a) { process_heads(exec, a, true, false); }

void ll_attention_attend(const ll_exec *exec, const ll_attention *a) {
    if (ll_attention_waits(exec, a))
        attend_tiles(exec, a);
    else
        process_heads(exec, a, false, true);
}

void ll_attention_apply(const ll_exec *exec, const ll_attention *a) {
    if (!ll_attention_waits(exec, a)) {
        process_heads(exec, a, true, true);
        return;
    }
    process_heads(exec, a, true, false);
    ll_team_wait(exec->team);
    attend_tiles(exec, a);
}

bool ll_attention_columns(const ll_exec *exec, const ll_attention *a, size_t nr, size_t *begin, size_t *end) {
    const size_t size = (size_t)exec->team->size, n_head = a->layout->n_head, n = n_embd(a);
    if (n_head % size || n % nr || n / size % nr || ll_attention_waits(exec, a)) return false;
    *begin = n / size * (size_t)exec->team->index;
    *end = *begin + n / size;
    return true;
}

size_t ll_attention_scratch_floats(const ll_kv_layout *layout, size_t max_positions) {
    return ll_attend_scratch_floats(layout->head_dim, max_positions);
}

void ll_attention_project(const ll_exec *exec, const ll_linear *linear, const ll_input *in, float *qkv,
                          const ll_attention *a) {
    size_t begin, end;
    if (ll_attention_columns(exec, a, linear->nr, &begin, &end)) {
        ll_linear_apply_parts(exec, linear, in, 3, begin, end, qkv);
    } else {
        ll_linear_apply_to(exec, linear, in, LL_ACT_NONE, NULL, qkv);
        ll_team_wait(exec->team);
    }
    ll_attention_apply(exec, a);
}
