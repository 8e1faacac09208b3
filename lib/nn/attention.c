/*
 * Attention over blocks of keys and values (Vaswani et al. 2017, eq. 1): how it is divided. The work is a line of
 * heads, run after run, each head as heavy as the scores it takes; a thread gets a stretch of that line. So one
 * thread stores a head's keys and values and attends to them while they are in its cache. Where there are too few
 * heads for an even division, what is dealt is a head's tiles of rows. What a row's result is does not depend on
 * it: that is the kernel's (kernels/attend.h).
 */
#include "nn/nn.h"

/* ---- dividing: positions times rows are what a piece costs; ROW_COST is what a row costs beside that */

#define ROW_COST 16

/* Positions that row r of the run attends to: [0, n). */
static size_t positions_of(const ll_attention *a, const ll_run *run, size_t r) {
    return run->first_position + (a->causal ? r + 1 : run->n_rows);
}

/* Of rows [begin, end) of one head. */
static uint64_t cost_of(const ll_attention *a, const ll_run *run, size_t begin, size_t end) {
    const uint64_t n = end - begin;
    const uint64_t twice = (uint64_t)positions_of(a, run, begin) + positions_of(a, run, end - 1); /* even growth */
    return n * twice / 2 + n * ROW_COST;
}

/* A thread's stretch of the line: pieces whose middle lies in it. Costs are counted twice, so that middles are whole.
 */
typedef struct stretch {
    uint64_t at, begin, end; /* at: where the next piece begins */
} stretch;

static stretch stretch_of(const ll_exec *exec, const ll_attention *a) {
    uint64_t total = 0;
    for (size_t i = 0; i < a->n_runs; i++) total += cost_of(a, &a->runs[i], 0, a->runs[i].n_rows);
    total *= 2 * a->layout->n_head;
    const uint64_t size = (uint64_t)exec->team->size, index = (uint64_t)exec->team->index;
    return (stretch){.begin = total / size * index + total % size * index / size,
                     .end = total / size * (index + 1) + total % size * (index + 1) / size};
}

static bool take(stretch *s, uint64_t cost) {
    const uint64_t middle = s->at + cost;
    s->at += 2 * cost;
    return middle >= s->begin && middle < s->end;
}

bool ll_attention_waits(const ll_exec *exec, const ll_attention *a) {
    const size_t size = (size_t)exec->team->size, n_heads = a->n_runs * a->layout->n_head;
    if (size == 1 || n_heads % size == 0 || n_heads >= 8 * size) return false;
    for (size_t i = 0; i < a->n_runs; i++)
        if (a->runs[i].n_rows > LL_ATTEND_ROWS) return true;
    return false;
}

/* ---- one head of one run */

typedef struct place {
    const ll_attention *a;
    const ll_run *run;
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

static void store_head(const ll_exec *exec, const place *p) {
    const ll_kv_layout *l = p->a->layout;
    const size_t n = n_embd(p->a);
    for (size_t r = 0, rows; r < p->run->n_rows; r += rows) {
        const size_t position = p->run->first_position + r, slot = position % LL_KV_BLOCK;
        rows = ll_min(p->run->n_rows - r, LL_KV_BLOCK - slot);
        const ll_kv_part part = {.key = query_of(p, r) + n,
                                 .value = query_of(p, r) + 2 * n,
                                 .ld = 3 * n,
                                 .n_tokens = rows,
                                 .slot = slot,
                                 .head_dim = l->head_dim,
                                 .type = l->type,
                                 .head = (char *)p->run->kv_blocks[position / LL_KV_BLOCK] + head_bytes(p)};
        exec->kernels->kv_store(&part);
    }
}

/* Tiles end where blocks do, so that the last positions of a causal tile's rows lie in one block. */
static size_t tile_end(const ll_run *run, size_t r) {
    const size_t slot = (run->first_position + r) % LL_KV_BLOCK;
    return ll_min(run->n_rows, r + ll_min(LL_ATTEND_ROWS, LL_KV_BLOCK - slot));
}

static void attend_tile(const ll_exec *exec, const place *p, size_t begin, size_t end) {
    const ll_attention *a = p->a;
    const size_t n = n_embd(a), head_dim = a->layout->head_dim;
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
                            .scratch = a->scratch};
    exec->kernels->attend(&tile);
}

/* ---- a thread's part */

/* work(...) for every head whose middle lies in this thread's stretch. */
static void each_own_head(const ll_exec *exec, const ll_attention *a, void (*work)(const ll_exec *, const place *)) {
    stretch s = stretch_of(exec, a);
    for (size_t i = 0; i < a->n_runs && s.at < s.end; i++) {
        const uint64_t cost = cost_of(a, &a->runs[i], 0, a->runs[i].n_rows);
        for (size_t head = 0; head < a->layout->n_head; head++) {
            const place p = {a, &a->runs[i], head};
            if (take(&s, cost)) work(exec, &p);
        }
    }
}

static void attend_head(const ll_exec *exec, const place *p) {
    for (size_t r = 0, end; r < p->run->n_rows; r = end) {
        end = tile_end(p->run, r);
        attend_tile(exec, p, r, end);
    }
}

static void store_and_attend_head(const ll_exec *exec, const place *p) {
    store_head(exec, p);
    attend_head(exec, p);
}

static void each_own_tile(const ll_exec *exec, const ll_attention *a) {
    stretch s = stretch_of(exec, a);
    for (size_t i = 0; i < a->n_runs * a->layout->n_head && s.at < s.end; i++) {
        const place p = {a, &a->runs[i / a->layout->n_head], i % a->layout->n_head};
        for (size_t r = 0, end; r < p.run->n_rows; r = end) {
            end = tile_end(p.run, r);
            if (take(&s, cost_of(a, p.run, r, end))) attend_tile(exec, &p, r, end);
        }
    }
}

void ll_attention_store(const ll_exec *exec, const ll_attention *a) { each_own_head(exec, a, store_head); }

void ll_attention_attend(const ll_exec *exec, const ll_attention *a) {
    if (ll_attention_waits(exec, a))
        each_own_tile(exec, a);
    else
        each_own_head(exec, a, attend_head);
}

void ll_attention_apply(const ll_exec *exec, const ll_attention *a) {
    if (!ll_attention_waits(exec, a)) {
        each_own_head(exec, a, store_and_attend_head);
        return;
    }
    ll_attention_store(exec, a);
    ll_team_wait(exec->team);
    ll_attention_attend(exec, a);
}

size_t ll_attention_scratch_floats(const ll_kv_layout *layout, size_t max_positions) {
    return ll_attend_scratch_floats(layout->head_dim, max_positions);
}
