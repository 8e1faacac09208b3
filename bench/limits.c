/* Measures the machine's limits. Each thread counts its own work over a fixed time; the sum is the machine's limit. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "loops.h"

#define WHILE_NS 8000000u               /* long enough for the clock frequency to rise */
#define LARGE_BYTES ((size_t)512 << 20) /* more than any cache holds */
#define LEAST_BYTES ((size_t)16 << 10)  /* of a thread */
#define MAX_THREADS 512
#define N_ROUNDS 4000

static unsigned char *memory; /* [memory_bytes], as much as was ever read */
static size_t memory_bytes;

static void take_memory(size_t n_bytes) {
    if (n_bytes <= memory_bytes) return;
    free(memory);
    memory = bench_memory(n_bytes);
    memory_bytes = n_bytes;
    memset(memory, 1, n_bytes);
}

/* Four streams, as a product of few rows has; n_bytes is a multiple of four of them. */
#define N_STREAMS 4
#define STREAM_BYTES ((size_t)48 << 10) /* a panel of 768 x 16 floats */
typedef uint64_t vector __attribute__((vector_size(16), may_alias));

static void read_once(const unsigned char *at, size_t n_bytes, size_t stream_bytes) {
    vector sums[N_STREAMS] = {{0}};
    for (size_t i = 0; i < n_bytes; i += N_STREAMS * stream_bytes) {
        for (size_t j = 0; j < stream_bytes; j += 64) {
#pragma GCC unroll 4
            for (size_t s = 0; s < N_STREAMS; s++) {
                const unsigned char *line = at + i + s * stream_bytes + j;
                __builtin_prefetch(line + 1024);
#pragma GCC unroll 4
                for (size_t v = 0; v < 4; v++) sums[s] ^= ((const vector *)(const void *)line)[v];
            }
        }
    }
    __asm__ volatile("" : : "r"(sums) : "memory");
}

typedef struct race {
    const bench_loop *loop;
    size_t n_bytes, stream_bytes; /* that each thread reads, where there is no loop */
    double rates[MAX_THREADS];
} race;

/* Each thread repeats its loop until the time is over. */
static void run_race(ll_team *team, void *arg) {
    race *r = arg;
    double amount = 0;
    uint64_t elapsed_ns;
    ll_team_wait(team);
    const uint64_t start = ll_now_ns();
    do {
        if (r->loop) {
            r->loop->run(N_ROUNDS);
            amount += r->loop->operations * N_ROUNDS;
        } else {
            read_once(memory + (size_t)team->index * r->n_bytes, r->n_bytes, r->stream_bytes);
            amount += (double)r->n_bytes;
        }
        elapsed_ns = ll_now_ns() - start;
    } while (elapsed_ns < WHILE_NS);
    r->rates[team->index] = amount * 1e9 / (double)elapsed_ns;
}

static double together(const bench *b, race *r) {
    double sum = 0;
    if (bench_run(b, run_race, r) < 0) return 0;
    for (int i = 0; i < b->n_threads; i++) sum += r->rates[i];
    return sum;
}

double bench_limit_read(const bench *b, double n_bytes) {
    const double all = n_bytes < 1 || n_bytes > (double)LARGE_BYTES ? (double)LARGE_BYTES : n_bytes;
    race r = {.n_bytes = (size_t)(all / b->n_threads)};
    if (r.n_bytes < LEAST_BYTES) r.n_bytes = LEAST_BYTES;
    r.stream_bytes = r.n_bytes / N_STREAMS < STREAM_BYTES ? r.n_bytes / N_STREAMS / 64 * 64 : STREAM_BYTES;
    r.n_bytes -= r.n_bytes % (N_STREAMS * r.stream_bytes);
    take_memory((size_t)b->n_threads * r.n_bytes);
    return together(b, &r);
}

bench_arithmetic bench_arithmetic_of(const char *weights) {
    if (strncmp(weights, "int", 3) != 0) return BENCH_F32;
    return strcmp(weights, "int4") == 0 ? BENCH_INT4 : BENCH_INT8;
}

const char *bench_arithmetic_name(bench_arithmetic arithmetic) {
    return arithmetic == BENCH_F32 ? "multiply-adds" : "int8 dot products";
}

double bench_limit_arithmetic(const bench *b, bench_arithmetic kind) {
    race r = {.loop = bench_loop_of(b->kernels->name, kind)};
    return r.loop ? together(b, &r) : 0;
}

void bench_limits_free(void) {
    free(memory);
    memory = NULL;
    memory_bytes = 0;
}

/* ---- llmcs-bench limits */

typedef double (*limit_fn)(const bench *b, const void *arg);

static double read_limit(const bench *b, const void *arg) { return bench_limit_read(b, *(const double *)arg); }

static double loop_limit(const bench *b, const void *arg) {
    race r = {.loop = arg};
    return together(b, &r);
}

static int report(const bench *b, const char *name, const char *unit, limit_fn limit, const void *arg) {
    double rates[BENCH_MAX_REPEATS];
    const size_t n = (size_t)b->repeats;
    char label[96];
    snprintf(label, sizeof label, "%s, %d thread%s", name, b->n_threads, b->n_threads > 1 ? "s" : "");
    limit(b, arg); /* memory touched, clocks up */
    for (size_t i = 0; i < n; i++) rates[i] = limit(b, arg) * 1e-9;
    const bench_row row = {.label = label, .name = name, .unit = unit};
    const double median = bench_median(rates, n);
    bench_report_row(b, &row, &(bench_figure){.value = median, .least = rates[0], .most = rates[n - 1]});
    return 0;
}

static int report_all(const bench *b) {
    static const struct {
        const char *name;
        double bytes;
    } reads[] = {{"reading 512 MiB", 512 * 1048576.0},
                 {"reading 128 MiB", 128 * 1048576.0},
                 {"reading 64 MiB", 64 * 1048576.0},
                 {"reading 16 MiB", 16 * 1048576.0},
                 {"reading 4 MiB", 4 * 1048576.0}};
    const ll_cpu cpu = ll_cpu_detect();
    int code = 0;
    for (size_t i = 0; i < sizeof reads / sizeof *reads && !code; i++)
        code = report(b, reads[i].name, "GB/s", read_limit, &reads[i].bytes);
    for (size_t i = 0; i < bench_n_loops && !code; i++) {
        const bench_loop *l = &bench_loops[i];
        if (l->runs_on(&cpu))
            code = report(b, l->name, l->arithmetic >= BENCH_INT8 ? "GOP/s" : "GFLOP/s", loop_limit, l);
    }
    return code;
}

int bench_limits_main(const bench *b) {
    bench_report_heading(b->options, "limits of this machine (kernels are held against those of their row: %s)",
                         b->kernels->name);
    int code = 0;
    if (b->n_threads > 1) {
        const llmcs_allocator a = ll_allocator_default();
        const ll_log log = {0};
        bench one = *b;
        if (ll_pool_create(&a, 1, &log, &one.pool)) return bench_failed("threads");
        one.n_threads = 1;
        code = report_all(&one);
        ll_pool_free(&one.pool);
    }
    return code ? code : report_all(b);
}
