/* Measures one figure. */
#include <stdlib.h>

#include "base/clock.h"
#include "bench.h"

double bench_run(const bench *b, ll_team_fn fn, void *arg) {
    const uint64_t start = ll_now_ns();
    if (ll_pool_run(b->pool, fn, arg)) return -1;
    return (double)(ll_now_ns() - start) * 1e-9;
}

static int ascending(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double bench_median(double *values, size_t n) {
    qsort(values, n, sizeof *values, ascending);
    return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

/* The machine's current limits: bytes and operations per second; 0: not requested. */
typedef struct moment {
    double read, arithmetic;
} moment;

static moment look(const bench *b, const bench_cost *cost) {
    moment m = {0, 0};
    if (cost->read_bytes > 0) m.read = bench_limit_read(b, cost->read_bytes);
    if (cost->operations > 0) m.arithmetic = bench_limit_arithmetic(b, cost->arithmetic);
    return m;
}

/* The minimum time of a pass in seconds, by the better of the limits measured before and after it. */
static double least_seconds(const bench_cost *cost, const moment *a, const moment *b, bool *reading) {
    const double read = a->read > b->read ? a->read : b->read;
    const double arithmetic = a->arithmetic > b->arithmetic ? a->arithmetic : b->arithmetic;
    const double read_s = read > 0 ? cost->steps * cost->read_bytes / read : 0;
    const double arithmetic_s = arithmetic > 0 ? cost->steps * cost->operations / arithmetic : 0;
    *reading = read_s >= arithmetic_s;
    return *reading ? read_s : arithmetic_s;
}

int bench_measure(const bench *b, const bench_row *row, bench_pass pass, void *arg, const bench_cost *cost) {
    double rates[BENCH_MAX_REPEATS], limits[BENCH_MAX_REPEATS], shares[BENCH_MAX_REPEATS];
    const size_t n = (size_t)b->repeats;
    const double amount = row->amount / (row->unit_scale > 0 ? row->unit_scale : 1);
    size_t n_reading = 0;
    if (pass(b, arg) < 0) return bench_failed(row->label); /* memory touched, clocks up */
    moment before = look(b, cost);
    for (size_t i = 0; i < n; i++) {
        const double seconds = pass(b, arg);
        if (seconds < 0) return bench_failed(row->label);
        const moment after = look(b, cost);
        bool reading;
        const double least = least_seconds(cost, &before, &after, &reading);
        n_reading += reading;
        rates[i] = amount / seconds;
        limits[i] = least > 0 ? amount / least : 0;
        shares[i] = least / seconds;
        before = after;
    }
    bench_figure f = {.value = bench_median(rates, n), .least = rates[0], .most = rates[n - 1]};
    f.limit = bench_median(limits, n);
    f.share = bench_median(shares, n);
    f.limit_of = 2 * n_reading > n ? "reading memory" : bench_arithmetic_name(cost->arithmetic);
    bench_report_row(b, row, &f);
    return 0;
}
