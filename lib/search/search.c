/*
 * llmcs_index_search. The threads of a search
 *   1  with a filter: evaluate it for all blocks, and count what passes;
 *   2  with lists: find the lists to read (plan_scan says whether lists, or few rows, or all blocks are read);
 *   3  score vectors, each thread with its own candidates;
 *   4  merge the candidates, compute their final scores, and sort them.
 * Candidates are ordered by score and id alone, so neither the number of threads nor who reads what changes a result.
 */
#include <math.h>
#include <string.h>

#include "base/array.h"
#include "base/call.h"
#include "base/clock.h"
#include "base/options.h"
#include "search/scan.h"

#define PARAMS_OLDEST (offsetof(llmcs_search_params, stats) + sizeof(void *))
#define STATS_OLDEST LL_SIZE_UP_TO(llmcs_search_stats, ns)
#define MAX_K 10000
#define MAX_RESCORE 64
#define MAX_QUERIES 64                   /* scored in one group */
#define MAX_CANDIDATES ((size_t)1 << 20) /* of all queries scored together, in each thread */
#define EXTRA_CANDIDATES 8
#define EXACT_SHARE 16  /* if fewer than one vector in so many passes, lists are not read row by row */
#define CHUNK_BLOCKS 32 /* that a thread takes at a time */
/* The caller reads less than this alone: waking threads would take as long. */
#define ALONE_BYTES ((size_t)512 << 10)

typedef enum plan { PLAN_BLOCKS, PLAN_ROWS, PLAN_LISTS } plan;

typedef struct search {
    ll_scan scan;
    llmcs_search_params params;
    ll_reader reader;
    ll_ids exclude;
    int n_threads;
    size_t max_queries;  /* of a group */
    size_t n_candidates; /* of a query, before rescoring */
    size_t n_blocks;
    size_t n_probe; /* lists that a query reads without a filter; 0: lists are not used */
    size_t n_read;  /* and with it */
    bool is_exact;  /* the plan is made */
    bool by_rows;   /* it is PLAN_ROWS */
    /* Workspace. */
    float *floats;
    char *rows;
    ll_scanner *scanners; /* [n_threads] */
    ll_nearest *nearest;  /* [n_threads] */
    ll_candidate *probes; /* [max_queries, n_read] the lists to read */
    uint64_t *masks;      /* [n_blocks], or NULL */
    char *memory;         /* of the scanners */
    /* The current group. */
    plan plan;
    atomic_size_t next; /* the next chunk of work */
    atomic_uint_fast64_t n_passing, n_passing_blocks;
    atomic_uint_fast64_t least_bytes; /* to read what passes, each block in the cheaper way */
    atomic_bool is_short;             /* a query found fewer results than exist */
    uint64_t n_lists;
    uint64_t *ids;
    float *scores;
    size_t *n_found;
} search;

/* ---- parameters */

void llmcs_search_params_init_sized(llmcs_search_params *params, size_t struct_size) {
    const llmcs_search_params defaults = {
        .struct_size = sizeof defaults, .k = 10, .rescore = 4, .number_min = -INFINITY, .number_max = INFINITY};
    ll_options_init(params, struct_size, &defaults, sizeof defaults);
}

llmcs_status ll_search_read_params(const llmcs_search_params *params, llmcs_search_params *out) {
    llmcs_search_params_init(out);
    if (params) LL_TRY(ll_options_in(out, sizeof *out, PARAMS_OLDEST, params, "llmcs_search_params"));
    if (out->k == 0 || out->k > MAX_K) return ll_fail(LLMCS_ARG, "k: %zu is not valid (1 to %d)", out->k, MAX_K);
    if (out->n_probe < 0) return ll_fail(LLMCS_ARG, "n_probe: %d is negative", (int)out->n_probe);
    if (out->rescore < 1 || out->rescore > MAX_RESCORE)
        return ll_fail(LLMCS_ARG, "rescore: %d is not valid (1 to %d)", (int)out->rescore, MAX_RESCORE);
    if (isnan(out->number_min) || isnan(out->number_max))
        return ll_fail(LLMCS_ARG, "%s: is NaN", isnan(out->number_min) ? "number_min" : "number_max");
    if (out->n_exclude && !out->exclude) return ll_fail(LLMCS_ARG, "exclude: is NULL");
    if (out->n_exclude > LL_INDEX_MAX_SLOTS)
        return ll_fail(LLMCS_ARG, "n_exclude: %zu is more than %zu", out->n_exclude, LL_INDEX_MAX_SLOTS);
    if (out->stats) LL_TRY(ll_options_check(out->stats, STATS_OLDEST, "llmcs_search_stats"));
    return LLMCS_OK;
}

static ll_filter filter_of(const llmcs_search_params *p) {
    ll_filter f = {
        .all = p->tags_all, .any = p->tags_any, .none = p->tags_none, .min = p->number_min, .max = p->number_max};
    f.has_range = p->number_min > -INFINITY || p->number_max < INFINITY;
    f.active = f.has_range || f.all || f.any || f.none;
    return f;
}

/* ---- workspace */

static llmcs_status read_exclude(search *s) {
    LL_TRY(ll_ids_reserve(&s->exclude, &s->scan.x->allocator, s->params.n_exclude));
    for (size_t i = 0; i < s->params.n_exclude; i++) (void)ll_ids_set(&s->exclude, s->params.exclude[i], 0);
    s->scan.exclude = &s->exclude;
    return LLMCS_OK;
}

/* Scanners are contiguous, each in its own cache lines. */
static llmcs_status allocate_scanners(search *s) {
    const size_t n = s->max_queries, row = s->scan.x->format.row;
    const size_t sizes[] = {n * sizeof(ll_top),  n * LL_BLOCK * sizeof(float),
                            n * sizeof(float),   n * sizeof(uint64_t),
                            row * sizeof(float), n * s->n_candidates * sizeof(ll_candidate)};
    size_t at[7] = {0}, n_threads = (size_t)s->n_threads;
    for (size_t i = 0; i < 6; i++) at[i + 1] = at[i] + ll_round_up(sizes[i], 64);
    LL_TRY(ll_alloc(&s->scan.x->allocator, n_threads, at[6], "search", &s->memory));
    for (size_t i = 0; i < n_threads; i++) {
        char *memory = s->memory + i * at[6];
        ll_scanner *t = &s->scanners[i];
        *t = (ll_scanner){.tops = (ll_top *)(void *)memory,
                          .scores = (float *)(void *)(memory + at[1]),
                          .least = (float *)(void *)(memory + at[2]),
                          .bits = (uint64_t *)(void *)(memory + at[3]),
                          .row = (float *)(void *)(memory + at[4])};
        ll_candidate *items = (ll_candidate *)(void *)(memory + at[5]);
        for (size_t q = 0; q < n; q++) t->tops[q] = (ll_top){items + q * s->n_candidates, 0, s->n_candidates};
    }
    return LLMCS_OK;
}

static llmcs_status allocate_search(search *s) {
    const llmcs_index *x = s->scan.x;
    const llmcs_allocator *a = &x->allocator;
    const ll_vector_format *f = &x->format;
    const size_t n_threads = (size_t)s->n_threads;
    LL_TRY(ll_alloc(a, s->max_queries, f->row * sizeof(float), "search", &s->floats));
    s->scan.floats = s->floats;
    s->scan.rows = (const char *)s->floats;
    s->scan.stride = f->row * sizeof(float);
    if (f->panel_type == LL_Q8) {
        s->scan.stride = ll_q_row_bytes(x->kernels->q_bytes, f->dim);
        LL_TRY(ll_alloc(a, s->max_queries, s->scan.stride, "search", &s->rows));
        s->scan.rows = s->rows;
    }
    LL_TRY(ll_alloc_zero(a, n_threads, sizeof *s->scanners, "search", &s->scanners));
    LL_TRY(allocate_scanners(s));
    if (s->scan.filter.active) LL_TRY(ll_alloc(a, s->n_blocks, sizeof *s->masks, "search filter", &s->masks));
    if (s->params.n_exclude) LL_TRY(read_exclude(s));
    if (!s->n_probe) return LLMCS_OK;
    const size_t most = s->scan.filter.active ? s->scan.layout->n_lists : s->n_probe;
    LL_TRY(ll_alloc(a, s->max_queries * most, sizeof *s->probes, "search lists", &s->probes));
    LL_TRY(ll_alloc_zero(a, n_threads, sizeof *s->nearest, "search lists", &s->nearest));
    for (size_t i = 0; i < n_threads; i++) LL_TRY(ll_nearest_create(x, 1, &s->nearest[i]));
    return LLMCS_OK;
}

static void free_search(search *s) {
    const llmcs_allocator *a = &s->scan.x->allocator;
    for (size_t i = 0; s->nearest && i < (size_t)s->n_threads; i++) ll_nearest_free(s->scan.x, &s->nearest[i]);
    ll_free(a, s->nearest);
    ll_free(a, s->probes);
    ll_free(a, s->masks);
    ll_ids_free(&s->exclude, a);
    ll_free(a, s->memory);
    ll_free(a, s->scanners);
    ll_free(a, s->rows);
    ll_free(a, s->floats);
}

/* ---- 1: the filter */

/* Takes the next chunk of n items. False: none is left. */
static bool take_chunk(search *s, size_t n, size_t chunk, size_t *begin, size_t *end) {
    *begin = atomic_fetch_add_explicit(&s->next, chunk, memory_order_relaxed);
    *end = ll_min(*begin + chunk, n);
    return *begin < n;
}

static void evaluate_filter(search *s) {
    uint64_t passing = 0, passing_blocks = 0, bytes = 0;
    bool by_rows;
    for (size_t begin, end; take_chunk(s, s->n_blocks, CHUNK_BLOCKS, &begin, &end);) {
        for (size_t i = begin; i < end; i++) {
            s->masks[i] = ll_scan_mask(&s->scan, ll_layout_block(s->scan.layout, i));
            passing += (uint64_t)__builtin_popcountll(s->masks[i]);
            passing_blocks += s->masks[i] != 0;
            bytes += ll_scan_bytes(&s->scan, s->masks[i], &by_rows);
        }
    }
    atomic_fetch_add(&s->n_passing, passing);
    atomic_fetch_add(&s->n_passing_blocks, passing_blocks);
    atomic_fetch_add(&s->least_bytes, bytes);
}

/* ---- 2: the plan */

/* Lists to read so that a query sees as many vectors as without a filter, if a `share` of them pass. */
static size_t probes_for(const search *s, double share) {
    const double wanted = (double)s->n_probe / share;
    return wanted < (double)s->scan.layout->n_lists ? (size_t)ceil(wanted) : s->scan.layout->n_lists;
}

/* What is read, by the bytes it takes: all blocks in which something passes; or what passes, row by row; or the nearest
 * lists, as many more as the filter leaves out. The first two are exact. */
static void plan_scan(search *s) {
    const ll_vector_format *f = &s->scan.x->format;
    const size_t n = (size_t)s->reader.n_vectors, passing = s->masks ? (size_t)atomic_load(&s->n_passing) : n;
    const size_t n_blocks = s->masks ? (size_t)atomic_load(&s->n_passing_blocks) : s->n_blocks;
    const double rows = (double)passing * (double)s->scan.n * (double)(f->row * sizeof(uint16_t));
    double least = (double)n_blocks * (double)f->panels_bytes;
    s->scan.masks = s->masks;
    s->plan = s->by_rows ? PLAN_ROWS : PLAN_BLOCKS;
    if (s->by_rows) return;
    if (s->masks && f->has_halves && rows < least) {
        s->plan = PLAN_ROWS;
        least = rows;
    }
    if (s->n_probe == 0) return;
    s->n_read = s->masks && passing ? probes_for(s, (double)passing / (double)n) : s->n_probe;
    const double share = (double)s->n_read / (double)s->scan.layout->n_lists * (double)s->scan.n;
    /* Reading all rows costs little if few pass, and loses none. */
    const bool many_pass = s->masks && passing > n / EXACT_SHARE;
    const double of_lists =
        many_pass ? (double)atomic_load(&s->least_bytes) : (double)s->n_blocks * (double)f->panels_bytes;
    if (!s->masks || share * of_lists < least) s->plan = PLAN_LISTS;
}

/* ---- 3: scores */

static void scan_blocks(search *s, ll_scanner *t) {
    const ll_scan *scan = &s->scan;
    for (size_t begin, end; take_chunk(s, s->n_blocks, CHUNK_BLOCKS, &begin, &end);) {
        for (size_t i = begin; i < end; i++) {
            const ll_block *block = ll_layout_block(scan->layout, i);
            const uint64_t mask = ll_scan_mask(scan, block);
            if (!mask) continue;
            if (s->plan == PLAN_ROWS)
                ll_scan_rows(scan, t, block, mask, 0, scan->n);
            else
                ll_scan_block(scan, t, block, mask, 0, scan->n,
                              i + 1 < s->n_blocks ? ll_layout_block(scan->layout, i + 1) : NULL);
        }
    }
}

/* This thread's queries find their lists. */
static void find_probes(search *s, const ll_team *team) {
    const llmcs_index *x = s->scan.x;
    size_t begin, end;
    ll_team_share(team, s->scan.n, 1, &begin, &end);
    for (size_t q = begin; q < end; q++) {
        ll_top top = {s->probes + q * s->n_read, 0, s->n_read};
        ll_nearest_probes(x, s->scan.layout->centroids, &s->nearest[team->index], s->floats + q * x->format.row, &top);
    }
}

static void scan_list(search *s, ll_scanner *t, size_t query, size_t list) {
    const ll_scan *scan = &s->scan;
    const ll_block *block = atomic_load_explicit(&scan->layout->heads[list], memory_order_acquire);
    while (block) {
        const ll_block *next = atomic_load_explicit(&block->next, memory_order_acquire);
        const uint64_t mask = block->number < s->n_blocks ? ll_scan_mask(scan, block) : 0;
        bool by_rows;
        if (ll_scan_bytes(scan, mask, &by_rows) && by_rows)
            ll_scan_rows(scan, t, block, mask, query, 1);
        else if (mask)
            ll_scan_block(scan, t, block, mask, query, 1, next);
        block = next;
    }
}

/* The most promising lists of all queries come first. */
static void scan_lists(search *s, ll_scanner *t) {
    const size_t n = s->scan.n;
    for (size_t i, end; take_chunk(s, s->n_read * n, 1, &i, &end);)
        scan_list(s, t, i % n, s->probes[i % n * s->n_read + i / n].slot);
}

/* ---- 4: results */

/* The threads' candidates of a query become one heap, with their final scores, best first. */
static ll_top *merge_candidates(search *s, ll_scanner *t, size_t query) {
    ll_top *top = &s->scanners[0].tops[query];
    for (int i = 1; i < s->n_threads; i++) {
        const ll_top *other = &s->scanners[i].tops[query];
        for (size_t j = 0; j < other->n; j++) ll_top_push(top, other->items[j]);
    }
    const size_t n = top->n;
    top->n = 0;
    for (size_t i = 0; i < n; i++) {
        ll_candidate c = top->items[i];
        c.score = ll_scan_score(&s->scan, t, query, ll_layout_slot(s->scan.layout, c.slot));
        ll_top_push(top, c);
    }
    ll_top_sort(top);
    return top;
}

static void write_results(search *s, const ll_team *team) {
    const size_t k = s->params.k;
    const bool is_distance = s->scan.x->format.metric == LLMCS_METRIC_L2;
    const uint64_t passing = s->masks ? atomic_load(&s->n_passing) : s->reader.n_vectors;
    size_t begin, end;
    ll_team_share(team, s->scan.n, 1, &begin, &end);
    for (size_t q = begin; q < end; q++) {
        const ll_top *top = merge_candidates(s, &s->scanners[team->index], q);
        const size_t found = ll_min(top->n, k);
        if (found < k && found < passing) atomic_store(&s->is_short, true);
        for (size_t i = 0; i < k; i++) {
            const float score = i < found ? top->items[i].score : -INFINITY;
            s->ids[q * k + i] = i < found ? top->items[i].id : LLMCS_NO_ITEM;
            s->scores[q * k + i] = is_distance ? -score : score;
        }
        if (s->n_found) s->n_found[q] = found;
        s->scanners[team->index].n_rescored += top->n;
    }
}

/* ---- a group of queries */

static void reset_scanner(const search *s, ll_scanner *t) {
    for (size_t q = 0; q < s->scan.n; q++) {
        t->tops[q].n = 0;
        t->least[q] = -INFINITY;
    }
}

/* One thread's part of a group. Thread 0 does between two barriers what the others only read. */
static void search_group(ll_team *team, void *arg) {
    search *s = arg;
    ll_scanner *t = &s->scanners[team->index];
    reset_scanner(s, t);
    if (s->masks && !s->scan.masks) evaluate_filter(s);
    ll_team_wait(team);
    if (team->index == 0) {
        if (!s->is_exact) plan_scan(s);
        atomic_store(&s->next, 0);
    }
    ll_team_wait(team);
    if (s->plan == PLAN_LISTS) {
        find_probes(s, team);
        ll_team_wait(team);
        scan_lists(s, t);
    } else {
        scan_blocks(s, t);
    }
    ll_team_wait(team);
    write_results(s, team);
}

static llmcs_status run_group(search *s) {
    atomic_store(&s->next, 0);
    if (s->n_threads > 1) return ll_pool_run(s->scan.x->pool, search_group, s);
    ll_team alone = {NULL, 0, 1};
    search_group(&alone, s);
    return LLMCS_OK;
}

static llmcs_status prepare_queries(search *s, const float *queries, size_t first) {
    const llmcs_index *x = s->scan.x;
    for (size_t q = 0; q < s->scan.n; q++) {
        float *row = s->floats + q * x->format.row;
        LL_TRY(ll_row_prepare(x, "queries", first + q, queries + (first + q) * x->format.dim, row, NULL));
        if (s->rows) x->kernels->quantize(row, x->format.dim, false, s->rows + q * s->scan.stride);
    }
    return LLMCS_OK;
}

/* Fewer results than there are vectors to return, since the lists that were read hold no more: all are read. */
static llmcs_status search_again(search *s) {
    s->is_exact = true;
    s->plan = PLAN_BLOCKS;
    const llmcs_status st = run_group(s);
    s->is_exact = false;
    return st;
}

static llmcs_status search_queries(search *s, const float *queries, size_t n) {
    for (size_t first = 0; first < n; first += s->scan.n) {
        s->scan.n = ll_min(s->max_queries, n - first);
        LL_TRY(prepare_queries(s, queries, first));
        atomic_store(&s->is_short, false);
        LL_TRY(run_group(s));
        if (s->plan == PLAN_LISTS) s->n_lists += s->n_read * s->scan.n;
        if (s->plan == PLAN_LISTS && atomic_load(&s->is_short)) LL_TRY(search_again(s));
        s->ids += s->scan.n * s->params.k;
        s->scores += s->scan.n * s->params.k;
        if (s->n_found) s->n_found += s->scan.n;
    }
    return LLMCS_OK;
}

/* ---- the call */

static void size_search(search *s, size_t n) {
    const llmcs_index *x = s->scan.x;
    const ll_layout *layout = s->scan.layout;
    const llmcs_search_params *p = &s->params;
    s->n_blocks = atomic_load_explicit(&layout->n_blocks, memory_order_acquire);
    s->n_candidates = x->format.type == LLMCS_VECTOR_INT8 ? p->k * (size_t)p->rescore : p->k;
    s->n_candidates = ll_min(s->n_candidates + EXTRA_CANDIDATES, ll_max((size_t)s->reader.n_vectors, 1));
    s->n_threads = s->n_blocks * x->format.panels_bytes < ALONE_BYTES ? 1 : ll_pool_size(x->pool);
    if (layout->centroids && !p->exact)
        s->n_probe = ll_min(p->n_probe ? (size_t)p->n_probe : layout->n_probe, layout->n_lists);
    const size_t most = MAX_CANDIDATES / ll_max(s->n_candidates, 1);
    s->max_queries = ll_min(ll_min(n, MAX_QUERIES), most ? most : 1);
}

static void report_stats(const search *s, uint64_t start) {
    llmcs_search_stats stats = {.struct_size = sizeof stats, .n_lists = s->n_lists, .ns = ll_now_ns() - start};
    for (int i = 0; s->scanners && i < s->n_threads; i++) {
        stats.n_scored += s->scanners[i].n_scored;
        stats.n_passed += s->scanners[i].n_passed;
        stats.n_rescored += s->scanners[i].n_rescored;
    }
    if (s->params.stats)
        (void)ll_options_out(s->params.stats, STATS_OLDEST, &stats, sizeof stats, "llmcs_search_stats"); /* checked */
}

static llmcs_status search_index(search *s, const float *queries, size_t n) {
    const uint64_t start = ll_now_ns();
    size_search(s, n);
    llmcs_status st = allocate_search(s);
    if (!st) st = search_queries(s, queries, n);
    if (!st) report_stats(s, start);
    free_search(s);
    return st;
}

llmcs_status ll_index_search(llmcs_index *x, const float *queries, size_t n, const llmcs_search_params *params,
                             bool by_rows, uint64_t *ids, float *scores, size_t *n_found) {
    search s = {.scan.x = x, .params = *params, .by_rows = by_rows, .ids = ids, .scores = scores, .n_found = n_found};
    s.scan.filter = filter_of(&s.params);
    ll_reader_begin(x, &s.reader);
    s.scan.layout = s.reader.layout;
    s.scan.version = s.reader.version;
    const llmcs_status st = search_index(&s, queries, n);
    ll_reader_end(x, &s.reader);
    return st;
}

llmcs_status llmcs_index_search(llmcs_index *x, const float *queries, size_t n, const llmcs_search_params *params,
                                uint64_t *ids, float *scores, size_t *n_found) {
    LL_PUBLIC_CALL;
    llmcs_search_params p;
    LL_TRY(ll_index_check(x));
    LL_TRY(ll_search_read_params(params, &p));
    if (n == 0) return LLMCS_OK;
    if (!queries || !ids || !scores)
        return ll_fail(LLMCS_ARG, "%s: is NULL", !queries ? "queries" : !ids ? "ids" : "scores");
    LL_TRY(ll_check_array("queries", n, sizeof *queries));
    return ll_index_search(x, queries, n, &p, false, ids, scores, n_found);
}
