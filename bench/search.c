/*
 * llmcs-bench search [FOLDER]: the vector index. FOLDER has base.f32 and queries.f32 of search_vectors.py; without it,
 * random vectors around cluster centres are used. Measures exact search against the machine's limits, IVF lists by
 * recall and time, a filter that 1 % of the vectors pass, and puts during searches.
 */
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "bench.h"

#define RANDOM_DIM 384
#define RANDOM_VECTORS 200000
#define RANDOM_QUERIES 500
#define CENTRES 2000
#define PUT_CHUNK 4096
#define MEASURED_QUERIES 200
#define K 10
#define TOGETHER 32
#define ONE_PERCENT 0x100u /* the tag that one vector in a hundred has */
#define PUT_SECONDS 3.0
#define NEW_ID ((uint64_t)1 << 40)

typedef struct search_bench {
    const bench *bench;
    size_t n, n_queries, dim;
    float *base, *queries; /* [n, dim], [n_queries, dim] */
    llmcs_index *index;
    size_t next; /* query */
} search_bench;

/* ---- vectors */

static float *read_floats(const char *folder, const char *name, size_t dim, size_t *n) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    if (!file || fseek(file, 0, SEEK_END)) {
        fprintf(stderr, "llmcs-bench: %s cannot be read\n", path);
        exit(1);
    }
    *n = (size_t)ftell(file) / (dim * sizeof(float));
    rewind(file);
    float *floats = bench_memory(*n * dim * sizeof *floats);
    const size_t n_read = fread(floats, dim * sizeof *floats, *n, file);
    fclose(file);
    if (n_read == *n && *n) return floats;
    fprintf(stderr, "llmcs-bench: %s is cut off\n", path);
    exit(1);
}

/* Each around one of CENTRES centres. */
static float *random_vectors(const float *centres, size_t n, size_t dim, uint32_t state) {
    float *x = bench_memory(n * dim * sizeof *x);
    for (size_t i = 0; i < n; i++) {
        state = state * 1664525u + 1013904223u;
        const float *centre = centres + (state >> 8) % CENTRES * dim;
        for (size_t k = 0; k < dim; k++) {
            state = state * 1664525u + 1013904223u;
            x[i * dim + k] = centre[k] + 0.8f * ((float)(state >> 8) * 0x1p-23f - 1.0f);
        }
    }
    return x;
}

static void take_vectors(search_bench *s) {
    const bench_options *o = s->bench->options;
    s->dim = RANDOM_DIM;
    if (o->path) {
        s->base = read_floats(o->path, "base.f32", s->dim, &s->n);
        s->queries = read_floats(o->path, "queries.f32", s->dim, &s->n_queries);
        return;
    }
    float *centres = bench_floats(CENTRES * s->dim, 1.0f);
    s->n = RANDOM_VECTORS;
    s->n_queries = RANDOM_QUERIES;
    s->base = random_vectors(centres, s->n, s->dim, 2);
    s->queries = random_vectors(centres, s->n_queries, s->dim, 3);
    free(centres);
}

/* ---- figures */

static bench_row row_of(const search_bench *s, const char *label, const char *name, const char *unit) {
    return (bench_row){.label = label, .name = name, .weights = "int8", .tokens = s->n, .unit = unit};
}

static void report_value(const search_bench *s, const char *label, const char *name, const char *unit, double value) {
    const bench_row row = row_of(s, label, name, unit);
    bench_report_row(s->bench, &row, &(bench_figure){.value = value, .least = value, .most = value});
}

static llmcs_status put_base(const search_bench *s) {
    static uint64_t ids[PUT_CHUNK];
    static llmcs_item_tags tags[PUT_CHUNK];
    for (size_t first = 0; first < s->n; first += PUT_CHUNK) {
        const size_t n = s->n - first < PUT_CHUNK ? s->n - first : PUT_CHUNK;
        for (size_t i = 0; i < n; i++) {
            ids[i] = first + i;
            tags[i] = (llmcs_item_tags){(first + i) * 2654435761u % 100 == 0 ? ONE_PERCENT : 0, (double)i};
        }
        const llmcs_status st = llmcs_index_put(s->index, ids, s->base + first * s->dim, tags, n);
        if (st) return st;
    }
    return LLMCS_OK;
}

static double pass_exact(const search_bench *s, size_t n, size_t *next) {
    uint64_t ids[TOGETHER * K];
    float scores[TOGETHER * K];
    llmcs_search_params p;
    llmcs_search_params_init(&p);
    p.exact = 1;
    if (*next + n > s->n_queries) *next = 0;
    const uint64_t start = ll_now_ns();
    if (llmcs_index_search(s->index, s->queries + *next * s->dim, n, &p, ids, scores, NULL)) return -1;
    *next += n;
    return (double)(ll_now_ns() - start) * 1e-9;
}

static double one_query(const bench *b, void *arg) {
    search_bench *s = arg;
    (void)b;
    return pass_exact(s, 1, &s->next);
}

static double queries_together(const bench *b, void *arg) {
    search_bench *s = arg;
    (void)b;
    return pass_exact(s, TOGETHER, &s->next);
}

static int measure_exact(search_bench *s) {
    const double bytes = (double)s->n * (double)(s->dim + 4), operations = 2.0 * (double)s->n * (double)s->dim;
    bench_row row = row_of(s, "exact, one query", "search_exact", "queries/s");
    row.batch = 1;
    row.amount = 1;
    const bench_cost one = {1, bytes, operations, BENCH_INT8};
    if (bench_measure(s->bench, &row, one_query, s, &one)) return 1;
    row.label = "exact, 32 queries together";
    row.batch = TOGETHER;
    row.amount = TOGETHER;
    const bench_cost many = {1, bytes, TOGETHER * operations, BENCH_INT8};
    return bench_measure(s->bench, &row, queries_together, s, &many);
}

static int measure_lists(search_bench *s, const char *what, llmcs_search_params *p) {
    llmcs_index_measurement m = {.struct_size = sizeof m};
    char label[96], name[64];
    const size_t n = s->n_queries < MEASURED_QUERIES ? s->n_queries : MEASURED_QUERIES;
    if (llmcs_index_measure(s->index, s->queries, n, p, &m)) return bench_failed("measure");
    snprintf(label, sizeof label, "%s: recall@%d", what, K);
    snprintf(name, sizeof name, "search_recall_%d", (int)p->n_probe);
    report_value(s, label, name, "", m.recall);
    snprintf(label, sizeof label, "%s: %.0f vectors of %.0f lists", what, m.vectors_scored, m.lists_probed);
    snprintf(name, sizeof name, "search_ms_%d", (int)p->n_probe);
    const bench_row row = row_of(s, label, name, "ms");
    bench_report_row(s->bench, &row,
                     &(bench_figure){.value = m.ms, .least = m.ms, .most = m.p99_ms, .p95 = m.p99_ms, .p99 = m.p99_ms});
    return 0;
}

static int measure_probes(search_bench *s) {
    static const int32_t probes[] = {0, 4, 8, 16, 32, 64, 128, 256};
    llmcs_search_params p;
    llmcs_search_params_init(&p);
    for (size_t i = 0; i < sizeof probes / sizeof *probes; i++) {
        char what[64];
        p.n_probe = probes[i];
        snprintf(what, sizeof what, probes[i] ? "%d lists" : "lists, by default", probes[i]);
        if (measure_lists(s, what, &p)) return 1;
    }
    p.n_probe = 0;
    p.tags_all = ONE_PERCENT;
    return measure_lists(s, "filter of 1 %", &p);
}

/* ---- puts next to searches */

typedef struct putter {
    const search_bench *bench;
    atomic_bool stop;
    uint64_t n;
    llmcs_status status;
} putter;

/* New vectors and old ones again, one at a time. */
static void *put_on_and_on(void *arg) {
    putter *p = arg;
    const search_bench *s = p->bench;
    while (!atomic_load(&p->stop) && !p->status) {
        const size_t i = (size_t)(p->n * 7919 % s->n);
        const uint64_t id = p->n % 2 ? i : NEW_ID + p->n;
        p->status = llmcs_index_put(s->index, &id, s->base + i * s->dim, NULL, 1);
        p->n++;
    }
    return NULL;
}

static int measure_puts(search_bench *s) {
    putter p = {.bench = s};
    pthread_t thread;
    uint64_t ids[K], searches = 0;
    float scores[K];
    llmcs_status st = LLMCS_OK;
    if (pthread_create(&thread, NULL, put_on_and_on, &p)) return bench_failed("thread");
    const uint64_t start = ll_now_ns();
    double seconds = 0;
    while (seconds < PUT_SECONDS && !st) {
        st = llmcs_index_search(s->index, s->queries + searches++ % s->n_queries * s->dim, 1, NULL, ids, scores, NULL);
        seconds = (double)(ll_now_ns() - start) * 1e-9;
    }
    atomic_store(&p.stop, true);
    pthread_join(thread, NULL);
    if (st || p.status) return bench_failed("puts and searches");
    report_value(s, "puts while searches run", "search_puts", "puts/s", (double)p.n / seconds);
    report_value(s, "searches while puts run", "search_with_puts", "queries/s", (double)searches / seconds);
    return 0;
}

static int measure_all(search_bench *s) {
    llmcs_index_info info = {.struct_size = sizeof info};
    llmcs_index_build_params build;
    uint64_t start = ll_now_ns();
    if (put_base(s)) return bench_failed("put");
    const double put_s = (double)(ll_now_ns() - start) * 1e-9;
    if (measure_exact(s)) return 1;
    llmcs_index_build_params_init(&build);
    build.min_vectors = 1;
    start = ll_now_ns();
    if (llmcs_index_build(s->index, &build)) return bench_failed("build");
    report_value(s, "puts of all vectors", "search_put", "s", put_s);
    report_value(s, "build of the lists", "search_build", "s", (double)(ll_now_ns() - start) * 1e-9);
    if (llmcs_index_get_info(s->index, &info)) return bench_failed("info");
    report_value(s, "lists", "search_lists", "", info.n_lists);
    report_value(s, "memory", "search_memory", "MB", (double)info.bytes * 1e-6);
    return measure_probes(s) || measure_puts(s);
}

int bench_search_main(const bench *b) {
    search_bench s = {.bench = b};
    llmcs_index_options o;
    take_vectors(&s);
    bench_report_heading(b->options, "vector index of %zu x %zu, int8 with float16, %s", s.n, s.dim,
                         b->options->path ? b->options->path : "random vectors around centres");
    llmcs_index_options_init(&o);
    o.dim = (int32_t)s.dim;
    o.n_threads = b->n_threads;
    int code = llmcs_index_create(&o, &s.index) ? bench_failed("create") : measure_all(&s);
    llmcs_index_free(&s.index);
    free(s.base);
    free(s.queries);
    return code;
}
