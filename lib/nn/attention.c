/*
 * Attention over blocks of keys and values (Vaswani et al. 2017, eq. 1): how it is divided. The work is a line of
 * heads, the same head of every run, then the next head; each as heavy as the scores it takes. A thread gets a stretch
 * of that line, so one thread stores a head's keys and values and attends to them while they are in its cache, and
 * where the number of threads divides that of heads, its heads are the same in every run: then it can also be the one
 * that computes their columns. Where there are too few heads for an even division, what is dealt is a head's tiles of
 * rows. What a row's result is does not depend on it: that is the kernel's (kernels/attend.h).
 */
#include "nn/attention_internal.h"

/* ---- dividing: positions times rows are what a piece costs; ROW_COST is what a row costs beside that */

#define ROW_COST 16

/* Positions that row r of the run attends to: [0, n). */
static size_t positions_of(const ll_attention *a, const ll_segment *run, size_t r) {
    return run->first_position + (a->causal ? r + 1 : run->n_rows);
}

/* Of rows [begin, end) of one head. */
static uint64_t cost_of(const ll_attention *a, const ll_segment *run, size_t begin, size_t end) {
    const uint64_t n = end - begin;
    const uint64_t twice = (uint64_t)positions_of(a, run, begin) + positions_of(a, run, end - 1); /* even growth */
    return n * twice / 2 + n * ROW_COST;
}

/* A thread's stretch of the line: the pieces whose middle lies in it. Costs are counted twice, so that middles are
 * whole numbers. */
typedef struct stretch {
    uint64_t begin, end;
    uint64_t head_cost; /* of one head of all runs */
} stretch;

static stretch stretch_of(const ll_exec *exec, const ll_attention *a) {
    stretch s = {0};
    for (size_t i = 0; i < a->n_segments; i++) s.head_cost += 2 * cost_of(a, &a->segments[i], 0, a->segments[i].n_rows);
    const uint64_t total = s.head_cost * a->layout->n_head, size = (uint64_t)exec->team->size;
    const uint64_t index = (uint64_t)exec->team->index;
    s.begin = total / size * index + total % size * index / size;
    s.end = total / size * (index + 1) + total % size * (index + 1) / size;
    return s;
}

/* Heads [*first, *end) of a run are this thread's, where `middle` is that of its head 0. */
static void own_heads(const stretch *s, uint64_t middle, size_t n_head, size_t *first, size_t *end) {
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

/* ---- one head of one run */

typedef struct place {
    const ll_attention *a;
    const ll_segment *run;
    size_t head;
} place;

static size_t n_embd(const ll_attention *a) { return a->layout->n_head * a->layout->head_dim; }

static size_t head_bytes(const place *p) {
    const ll_kv_layout *l = p->a->layout;
    return (p->a->layer * l->n_head + p->head) * ll_kv_head_bytes(l->type, l->head_dim);
}

/* Row r's query; its key and its value are n_embd and 2 n_embd further. */
static const float *query_of(const place *p, size_t r) {
    return p->a->qkv + (p->run->first_row + r) * 3 * n_embd(p->a) + p->head * p->a->layout->head_dim;
}

/* Rows [begin, end), which lie in one block. */
static void store_rows(const ll_exec *exec, const place *p, size_t begin, size_t end) {
    const ll_kv_layout *l = p->a->layout;
    const size_t n = n_embd(p->a), position = p->run->first_position + begin;
    const ll_kv_rows part = {.key = query_of(p, begin) + n,
                             .value = query_of(p, begin) + 2 * n,
                             .ld = 3 * n,
                             .n_tokens = end - begin,
                             .slot = position % LL_KV_BLOCK,
                             .head_dim = l->head_dim,
                             .type = l->type,
                             .head = (char *)p->run->kv_blocks[position / LL_KV_BLOCK] + head_bytes(p)};
    exec->kernels->kv_store(&part);
}

/* Tiles end where blocks do, so that the last positions of a causal tile's rows lie in one block. */
static size_t tile_end(const ll_segment *run, size_t r) {
    const size_t slot = (run->first_position + r) % LL_KV_BLOCK;
    return ll_min(run->n_rows, r + ll_min(LL_ATTEND_ROWS, LL_KV_BLOCK - slot));
}

/* next: what this thread attends to after that, or NULL. */
static void attend_tile(const ll_exec *exec, const place *p, size_t begin, size_t end, const place *next) {
    const ll_attention *a = p->a;
    const size_t n = n_embd(a), head_dim = a->layout->head_dim;
    const size_t n_next = next ? positions_of(a, next->run, 0) : 0;
    const ll_attend tile = {.q = query_of(p, begin),
                            .out = a->out + (p->run->first_row + begin) * n + p->head * head_dim,
                            .ldq = 3 * n,
                            .ldo = n,
                            .kv_blocks = p->run->kv_blocks,
                            .head_bytes = head_bytes(p),
                            .type = a->layout->type,
                            .head_dim = head_dim,
                            .n_rows = end - begin,
                            .n_positions = positions_of(a, p->run, begin),
                            .more = a->causal ? 1 : 0,
                            .scale = a->scale,
                            .next_blocks = next ? next->run->kv_blocks : NULL,
                            .n_next_blocks = (n_next + LL_KV_BLOCK - 1) / LL_KV_BLOCK,
                            .next_head_bytes = next ? head_bytes(next) : 0,
                            .scratch = a->scratch};
    exec->kernels->attend(&tile);
}

/* ---- a thread's part */

/* Block by block, all heads of a block together: rows of qkv are read from left to right. */
static void store_heads(const ll_exec *exec, const ll_attention *a, const ll_segment *run, size_t first, size_t end) {
    for (size_t r = 0, next; r < run->n_rows; r = next) {
        next = tile_end(run, r);
        for (size_t head = first; head < end; head++) store_rows(exec, &(place){a, run, head}, r, next);
    }
}

static void attend_heads(const ll_exec *exec, const ll_attention *a, const ll_segment *run, size_t first, size_t end) {
    for (size_t head = first; head < end; head++) {
        for (size_t r = 0, next; r < run->n_rows; r = next) {
            next = tile_end(run, r);
            attend_tile(exec, &(place){a, run, head}, r, next, NULL);
        }
    }
}

/* The same of a run of one row, head by head, because a head's last keys are needed at once. */
static void one_row(const ll_exec *exec, const ll_attention *a, size_t i, size_t first, size_t end) {
    for (size_t head = first; head < end; head++) {
        const place p = {a, &a->segments[i], head};
        const bool is_last = head + 1 == end;
        const place next = {a, &a->segments[is_last ? i + 1 : i], is_last ? first : head + 1};
        store_rows(exec, &p, 0, 1);
        attend_tile(exec, &p, 0, 1, is_last && i + 1 == a->n_segments ? NULL : &next);
    }
}

/* For this thread's heads of every run. */
static void each_run(const ll_exec *exec, const ll_attention *a, bool store, bool attend) {
    const stretch s = stretch_of(exec, a);
    uint64_t before = 0;
    for (size_t i = 0; i < a->n_segments; i++) {
        const uint64_t cost = cost_of(a, &a->segments[i], 0, a->segments[i].n_rows);
        size_t first, end;
        own_heads(&s, before + cost, a->layout->n_head, &first, &end);
        if (store && attend && a->segments[i].n_rows == 1) {
            one_row(exec, a, i, first, end);
        } else {
            if (store) store_heads(exec, a, &a->segments[i], first, end);
            if (attend) attend_heads(exec, a, &a->segments[i], first, end);
        }
        before += 2 * cost;
    }
}

static void each_tile(const ll_exec *exec, const ll_attention *a) {
    const stretch s = stretch_of(exec, a);
    uint64_t at = 0;
    for (size_t i = 0; i < a->layout->n_head * a->n_segments && at < s.end; i++) {
        const place p = {a, &a->segments[i % a->n_segments], i / a->n_segments};
        for (size_t r = 0, next; r < p.run->n_rows; r = next) {
            next = tile_end(p.run, r);
            const uint64_t cost = cost_of(a, p.run, r, next);
            if (at + cost >= s.begin && at + cost < s.end) attend_tile(exec, &p, r, next, NULL);
            at += 2 * cost;
        }
    }
}

void ll_attention_store(const ll_exec *exec, const ll_attention *a) { each_run(exec, a, true, false); }

void ll_attention_attend(const ll_exec *exec, const ll_attention *a) {
    if (ll_attention_waits(exec, a))
        each_tile(exec, a);
    else
        each_run(exec, a, false, true);
}

void ll_attention_apply(const ll_exec *exec, const ll_attention *a) {
    if (!ll_attention_waits(exec, a)) {
        each_run(exec, a, true, true);
        return;
    }
    ll_attention_store(exec, a);
    ll_team_wait(exec->team);
    ll_attention_attend(exec, a);
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
