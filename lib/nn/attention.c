/*
 * Attention over blocks of keys and values (Vaswani et al. 2017, eq. 1), partitioned over threads. The work is a list
 * of (KV head, segment) pairs: head 0 of every segment, then head 1 of every segment, and so on. Each has a cost: the
 * scores of the query heads that read it. A thread gets a contiguous range of the list. It norms and rotates a head's
 * queries and keys, stores its keys and values, and attends to them while they are in its cache. If the number of
 * threads divides the number of KV heads, a thread has the same heads in every segment and can compute their columns of
 * queries, keys and values itself. If there are too few pairs for an even division, the tiles of a head are divided
 * instead. None of this affects the result: a row's bits depend on the kernel alone (kernels/attend.h;
 * kernels/scalar_attention.c is its definition).
 */
#include <string.h>

#include "nn/attention_internal.h"

/* ---- dividing by cost: the positions that a row attends to, plus ROW_COST for everything else */

#define ROW_COST 16

/* Query heads that read one head of keys and values. */
static size_t group_of(const ll_attention *a) { return a->n_head / a->layout->n_kv_head; }

/* Row r of the segment attends to positions [begin, end). */
static size_t end_of(const ll_attention *a, const ll_segment *segment, size_t r) {
    const size_t position = segment->first_position + r, all = segment->first_position + segment->n_rows;
    if (a->causal) return position + 1;
    return a->window && position + a->window < all ? position + a->window + 1 : all;
}
static size_t begin_of(const ll_attention *a, const ll_segment *segment, size_t r) {
    const size_t position = segment->first_position + r, before = a->window ? a->window - a->causal : SIZE_MAX;
    return position > before ? position - before : 0;
}
static size_t n_positions_of(const ll_attention *a, const ll_segment *segment, size_t r) {
    return end_of(a, segment, r) - begin_of(a, segment, r);
}

/* Cost of rows [begin, end) of one head. It is additive over ranges. */
static uint64_t cost_of(const ll_attention *a, const ll_segment *segment, size_t begin, size_t end) {
    const uint64_t n = end - begin;
    uint64_t seen = 0;
    if (a->window)
        for (size_t r = begin; r < end; r++) seen += n_positions_of(a, segment, r);
    else /* an arithmetic series */
        seen = n * ((uint64_t)n_positions_of(a, segment, begin) + n_positions_of(a, segment, end - 1)) / 2;
    return seen + n * ROW_COST;
}

/* A thread's range of the list, in units of cost: it gets the heads (or tiles) whose midpoint lies in the range. Costs
 * are doubled, so that midpoints are integers. */
typedef struct cost_range {
    uint64_t begin, end;
    uint64_t head_cost; /* of one head of all segments */
} cost_range;

static cost_range cost_range_of(const ll_exec *exec, const ll_attention *a) {
    cost_range s = {0};
    for (size_t i = 0; i < a->n_segments; i++) s.head_cost += 2 * cost_of(a, &a->segments[i], 0, a->segments[i].n_rows);
    const uint64_t total = s.head_cost * a->layout->n_kv_head, size = (uint64_t)exec->team->size;
    const uint64_t index = (uint64_t)exec->team->index;
    s.begin = total / size * index + total % size * index / size;
    s.end = total / size * (index + 1) + total % size * (index + 1) / size;
    return s;
}

/* This thread's heads [*first, *end) of a segment. middle: the midpoint of the segment's head 0. */
static void own_heads(const cost_range *s, uint64_t middle, size_t n_head, size_t *first, size_t *end) {
    const uint64_t before = s->begin <= middle ? 0 : (s->begin - middle + s->head_cost - 1) / s->head_cost;
    const uint64_t up_to = s->end <= middle ? 0 : (s->end - middle + s->head_cost - 1) / s->head_cost;
    *first = (size_t)before < n_head ? (size_t)before : n_head;
    *end = (size_t)up_to < n_head ? (size_t)up_to : n_head;
}

/* From this many positions on, dividing one token's attention is worth a barrier. */
#define LONG_CONTEXT 1024

bool ll_attention_waits(const ll_exec *exec, const ll_attention *a) {
    const size_t size = (size_t)exec->team->size, n_heads = a->n_segments * a->layout->n_kv_head;
    if (size == 1 || n_heads % size == 0 || n_heads >= 8 * size) return false;
    for (size_t i = 0; i < a->n_segments; i++) {
        const ll_segment *s = &a->segments[i];
        if (s->n_rows > LL_ATTEND_ROWS) return true;
        if (n_heads < size && group_of(a) > 1 && n_positions_of(a, s, s->n_rows - 1) >= LONG_CONTEXT) return true;
    }
    return false;
}

/* ---- one head of keys and values of one segment, with its group of query heads */

typedef struct segment_head {
    const ll_attention *a;
    const ll_segment *segment;
    size_t head;
} segment_head;

/* Where in a block the head's keys and values begin. */
static size_t head_offset(const segment_head *h) {
    const ll_kv_layout *l = h->a->layout;
    return (h->a->layer * l->n_kv_head + h->head) * ll_kv_head_bytes(l->type, l->head_dim);
}

/* Row r of the group's i-th query head. */
static float *query_of(const segment_head *h, size_t r, size_t i) {
    const ll_attention *a = h->a;
    return a->q + (h->segment->first_row + r) * a->ldq + (h->head * group_of(a) + i) * a->layout->head_dim;
}

static float *key_of(const segment_head *h, size_t r) {
    return h->a->k + (h->segment->first_row + r) * h->a->ldk + h->head * h->a->layout->head_dim;
}

static void prepare_row(const ll_exec *exec, const ll_attention *a, const ll_norm *norm, size_t row, float *x) {
    if (norm) ll_norm_row(exec->kernels, norm, x, x);
    if (a->rope) exec->kernels->rope(x, a->rope + row * a->n_rotated, a->n_rotated);
}

/* Norms and rotates queries and keys of rows [begin, end). */
static void prepare_rows(const ll_exec *exec, const segment_head *h, size_t begin, size_t end) {
    const ll_attention *a = h->a;
    for (size_t r = begin; r < end; r++) {
        const size_t row = h->segment->first_row + r;
        if (a->k_norm || a->rope) prepare_row(exec, a, a->k_norm, row, key_of(h, r));
        for (size_t i = 0; (a->q_norm || a->rope) && i < group_of(a); i++)
            prepare_row(exec, a, a->q_norm, row, query_of(h, r, i));
    }
}

/* Stores keys and values of rows [begin, end), which are in one block. */
static void store_rows(const ll_exec *exec, const segment_head *h, size_t begin, size_t end) {
    const ll_attention *a = h->a;
    const ll_kv_layout *l = a->layout;
    const size_t position = h->segment->first_position + begin;
    const ll_kv_rows rows = {.key = key_of(h, begin),
                             .value = a->v + (h->segment->first_row + begin) * a->ldv + h->head * l->head_dim,
                             .ld_key = a->ldk,
                             .ld_value = a->ldv,
                             .n_tokens = end - begin,
                             .slot = position % LL_KV_BLOCK,
                             .head_dim = l->head_dim,
                             .type = l->type,
                             .head = (char *)h->segment->kv_blocks[position / LL_KV_BLOCK] + head_offset(h)};
    exec->kernels->kv_store(&rows);
}

/* The end of the tile that begins with row r. Tiles end where blocks do, so that the last positions of a causal tile's
 * rows are in one block. */
static size_t tile_end(const ll_segment *segment, size_t r) {
    const size_t slot = (segment->first_position + r) % LL_KV_BLOCK;
    return ll_min(segment->n_rows, r + ll_min(LL_ATTEND_ROWS, LL_KV_BLOCK - slot));
}

/* A bias for each position that the tile's rows attend to, and for LL_ATTEND_ROWS before: row r of the tile adds
 * result[t - r] to the score of position t. Written to `bias`, whose end is *end. */
static const float *expand_distance(const ll_attention *a, size_t head, size_t position, size_t n_positions,
                                    float *bias, float **end) {
    const size_t n = LL_ATTEND_ROWS + ll_round_up(n_positions, LL_KV_BLOCK), last = 2 * a->n_distance - 2;
    const float *table = a->distance + head * (last + 1);
    /* bias[i] is of key i - LL_ATTEND_ROWS: bias[query] is the middle of the table. */
    const size_t query = LL_ATTEND_ROWS + position, middle = a->n_distance - 1;
    const size_t first = query > middle ? ll_min(query - middle, n) : 0, skipped = middle > query ? middle - query : 0;
    const size_t n_table = ll_min(n - first, last + 1 - skipped);
    for (size_t i = 0; i < first; i++) bias[i] = table[0];
    memcpy(bias + first, table + skipped, n_table * sizeof *bias);
    for (size_t i = first + n_table; i < n; i++) bias[i] = table[last];
    *end = bias + n;
    return bias + LL_ATTEND_ROWS;
}

static void set_window(const ll_attention *a, size_t position, size_t n_all, bool heads, ll_attend *tile) {
    tile->begin = (ptrdiff_t)position - (ptrdiff_t)(a->window - a->causal);
    tile->begin_step = !heads;
    tile->n_most = n_all;
    if (a->causal) return;
    tile->n_positions = position + a->window + 1;
    tile->causal_step = 1;
}

/* A tile of rows [begin, end) of the group's i-th query head, or where that is one row, of n_heads query heads from
 * there on. next: the head this thread attends to after this one, whose keys are prefetched, or NULL. */
static void attend_tile(const ll_exec *exec, const segment_head *h, size_t begin, size_t end, size_t i, size_t n_heads,
                        const segment_head *next) {
    const ll_attention *a = h->a;
    const ll_segment *segment = h->segment;
    const size_t head_dim = a->layout->head_dim, ldo = a->n_head * head_dim, head = h->head * group_of(a) + i;
    const size_t n_next = next ? end_of(a, next->segment, 0) : 0, position = segment->first_position + begin;
    const bool heads = n_heads > 1;
    ll_attend tile = {.q = query_of(h, begin, i),
                      .out = a->out + (segment->first_row + begin) * ldo + head * head_dim,
                      .ldq = heads ? head_dim : a->ldq,
                      .ldo = heads ? head_dim : ldo,
                      .kv_blocks = segment->kv_blocks,
                      .head_bytes = head_offset(h),
                      .type = a->layout->type,
                      .head_dim = head_dim,
                      .n_rows = heads ? n_heads : end - begin,
                      .n_positions = end_of(a, segment, begin),
                      .causal_step = a->causal && !heads,
                      .scale = a->scale,
                      .next_blocks = next ? next->segment->kv_blocks : NULL,
                      .n_next_blocks = (n_next + LL_KV_BLOCK - 1) / LL_KV_BLOCK,
                      .next_head_bytes = next ? head_offset(next) : 0,
                      .scratch = a->scratch};
    if (a->window) set_window(a, position, segment->first_position + segment->n_rows, heads, &tile);
    if (a->distance) {
        const size_t n_positions = end_of(a, segment, end - 1);
        tile.distance = expand_distance(a, head, position, n_positions, a->scratch, &tile.scratch);
        tile.distance_step = -1;
    }
    exec->kernels->attend(&tile);
}

/* True: a tile is one token of all query heads of a group, which reads keys and values once for all of them. False: a
 * tile is some tokens of one query head. The tile with more rows is chosen. */
static bool tiles_are_heads(const ll_attention *a, size_t n_rows) {
    return a->causal && !a->distance && n_rows < group_of(a);
}

/* Rows [begin, end), which are a tile, of the group's query heads [i, i_end). */
static void attend_heads(const ll_exec *exec, const segment_head *h, size_t begin, size_t end, size_t i, size_t i_end,
                         const segment_head *next) {
    const bool heads = tiles_are_heads(h->a, h->segment->n_rows);
    for (size_t n; i < i_end; i += n) {
        n = heads ? ll_min(i_end - i, LL_ATTEND_ROWS) : 1;
        const segment_head *after = i + n == i_end ? next : NULL;
        if (!heads) attend_tile(exec, h, begin, end, i, 1, after);
        for (size_t r = begin; heads && r < end; r++) attend_tile(exec, h, r, r + 1, i, n, after);
    }
}

static void attend_rows(const ll_exec *exec, const segment_head *h, size_t begin, size_t end,
                        const segment_head *next) {
    attend_heads(exec, h, begin, end, 0, group_of(h->a), next);
}

/* ---- a thread's share */

/* Block by block, all heads of a block together, so that rows of queries, keys and values are read from left to right.
 */
static void store_heads(const ll_exec *exec, const ll_attention *a, const ll_segment *segment, size_t first,
                        size_t end) {
    for (size_t r = 0, next; r < segment->n_rows; r = next) {
        next = tile_end(segment, r);
        for (size_t head = first; head < end; head++) {
            const segment_head h = {a, segment, head};
            if (a->q) prepare_rows(exec, &h, r, next);
            store_rows(exec, &h, r, next);
        }
    }
}

/* A segment of one row: stored and attended to head by head. Memory is the limit, so the next head's keys are
 * prefetched. */
static void attend_one_row(const ll_exec *exec, const ll_attention *a, size_t i, size_t first, size_t end) {
    for (size_t head = first; head < end; head++) {
        const bool last = head + 1 == end;
        const segment_head h = {a, &a->segments[i], head};
        const segment_head next = {a, &a->segments[last ? i + 1 : i], last ? first : head + 1};
        prepare_rows(exec, &h, 0, 1);
        store_rows(exec, &h, 0, 1);
        attend_rows(exec, &h, 0, 1, last && i + 1 == a->n_segments ? NULL : &next);
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
        own_heads(&range, before + cost, a->layout->n_kv_head, &first, &end);
        before += 2 * cost;
        if (store && attend && segment->n_rows == 1) {
            attend_one_row(exec, a, i, first, end);
            continue;
        }
        if (store) store_heads(exec, a, segment, first, end);
        for (size_t head = first; attend && head < end; head++) {
            for (size_t r = 0, next; r < segment->n_rows; r = next) {
                next = tile_end(segment, r);
                attend_rows(exec, &(segment_head){a, segment, head}, r, next, NULL);
            }
        }
    }
}

/* Attends to this thread's tiles of every head: some rows of one query head each, or one row of some. */
static void attend_tiles(const ll_exec *exec, const ll_attention *a) {
    const cost_range range = cost_range_of(exec, a);
    const size_t group = group_of(a), size = (size_t)exec->team->size;
    uint64_t at = 0; /* in the units of the range, times the group */
    for (size_t i = 0; i < a->layout->n_kv_head * a->n_segments && at < range.end * group; i++) {
        const segment_head h = {a, &a->segments[i % a->n_segments], i / a->n_segments};
        const size_t step = tiles_are_heads(a, h.segment->n_rows) ? (group + size - 1) / size : 1;
        for (size_t r = 0, next; r < h.segment->n_rows; r = next) {
            next = tile_end(h.segment, r);
            for (size_t j = 0, end; j < group; j = end) {
                end = ll_min(j + step, group);
                const uint64_t cost = cost_of(a, h.segment, r, next) * (end - j);
                if (at + cost >= range.begin * group && at + cost < range.end * group)
                    attend_heads(exec, &h, r, next, j, end, NULL);
                at += 2 * cost;
            }
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

/* ---- attention to a source: nothing is stored, so tiles are divided as they come */

static void cross_tile(const ll_exec *exec, const segment_head *h, size_t begin, size_t end) {
    const ll_attention *a = h->a;
    const size_t head_dim = a->layout->head_dim, ldo = a->n_head * head_dim, group = group_of(a);
    for (size_t i = 0; i < group; i++) {
        const ll_attend tile = {
            .q = query_of(h, begin, i),
            .out = a->out + (h->segment->first_row + begin) * ldo + (h->head * group + i) * head_dim,
            .ldq = a->ldq,
            .ldo = ldo,
            .kv_blocks = h->segment->source_blocks,
            .head_bytes = head_offset(h),
            .type = a->layout->type,
            .head_dim = head_dim,
            .n_rows = end - begin,
            .n_positions = h->segment->n_source,
            .scale = a->scale,
            .scratch = a->scratch};
        exec->kernels->attend(&tile);
    }
}

static uint64_t cross_cost(const ll_segment *segment, size_t n_rows) {
    return (uint64_t)n_rows * (segment->n_source + ROW_COST);
}

/* Merges the segments from *i on that attend to the same source, as beams do. *i becomes the index after them. */
static ll_segment same_source(const ll_attention *a, size_t *i) {
    ll_segment all = a->segments[(*i)++];
    for (; *i < a->n_segments; (*i)++) {
        const ll_segment *next = &a->segments[*i];
        if (next->source_blocks != all.source_blocks || next->first_row != all.first_row + all.n_rows) break;
        all.n_rows += next->n_rows;
    }
    return all;
}

void ll_attention_cross(const ll_exec *exec, const ll_attention *a) {
    const size_t n_head = a->layout->n_kv_head, size = (size_t)exec->team->size, index = (size_t)exec->team->index;
    uint64_t total = 0, at = 0;
    for (size_t i = 0; i < a->n_segments; i++) total += 2 * n_head * cross_cost(&a->segments[i], a->segments[i].n_rows);
    const uint64_t first = total / size * index + total % size * index / size;
    const uint64_t last = total / size * (index + 1) + total % size * (index + 1) / size;
    for (size_t head = 0; head < n_head && at < last; head++) {
        for (size_t i = 0; i < a->n_segments && at < last;) {
            const ll_segment rows = same_source(a, &i);
            const segment_head h = {a, &rows, head};
            for (size_t r = 0, next; r < rows.n_rows; r = next) {
                next = ll_min(r + LL_ATTEND_ROWS, rows.n_rows);
                const uint64_t cost = cross_cost(&rows, next - r);
                if (at + cost >= first && at + cost < last) cross_tile(exec, &h, r, next);
                at += 2 * cost;
            }
        }
    }
}

/* ---- queries, keys and values from one product */

void ll_attention_set_qkv(ll_attention *a, float *qkv) {
    const size_t n_queries = a->n_head * a->layout->head_dim, n_keys = a->layout->n_kv_head * a->layout->head_dim;
    a->q = qkv;
    a->k = qkv + n_queries;
    a->v = a->k + n_keys;
    a->ldq = a->ldk = a->ldv = n_queries + 2 * n_keys;
}

bool ll_attention_columns(const ll_exec *exec, const ll_attention *a, size_t nr, ll_outputs columns[3]) {
    const size_t size = (size_t)exec->team->size, index = (size_t)exec->team->index, n_head = a->layout->n_kv_head;
    const size_t n_keys = n_head * a->layout->head_dim, n_queries = n_keys * group_of(a);
    if (n_head % size || n_keys % nr || n_keys / size % nr || ll_attention_waits(exec, a)) return false;
    const size_t keys = n_keys / size, queries = n_queries / size;
    columns[0] = (ll_outputs){queries * index, queries * (index + 1)};
    for (size_t i = 0; i < 2; i++) {
        const size_t first = n_queries + i * n_keys + keys * index;
        columns[1 + i] = (ll_outputs){first, first + keys};
    }
    return true;
}

size_t ll_attention_scratch_floats(const ll_kv_layout *layout, size_t max_positions) {
    return ll_attend_scratch_floats(layout->head_dim, max_positions) + LL_ATTEND_ROWS +
           ll_round_up(max_positions, LL_KV_BLOCK);
}

void ll_attention_project(const ll_exec *exec, const ll_linear *linear, const ll_input *in, float *qkv,
                          const ll_attention *a) {
    ll_outputs columns[3];
    if (ll_attention_columns(exec, a, linear->nr, columns)) {
        ll_linear_apply_ranges(exec, linear, in, columns, 3, qkv);
    } else {
        ll_linear_apply_to(exec, linear, in, LL_ACT_NONE, NULL, qkv);
        ll_team_wait(exec->team);
    }
    ll_attention_apply(exec, a);
}
