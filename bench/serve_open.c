/*
 * The open loop: customers arrive by a Poisson process, whether the engine is busy or not, and their time counts from
 * the arrival. The rate is given per second, or as a share of the capacity: the rate of a closed loop just before, with
 * as many conversations as the largest batch and the same distribution of lengths.
 */
#include <math.h>
#include <stdio.h>
#include <time.h>

#include "base/clock.h"
#include "serve.h"

#define SLEEP_NS 2000000u /* at most, while there is nothing to do */

static uint64_t gap_ns(serve *v, double rate) { return (uint64_t)(-log(1 - serve_uniform(v)) / rate * 1e9); }

static void sleep_until(uint64_t due_ns) {
    const uint64_t now_ns = ll_now_ns();
    if (now_ns >= due_ns) return;
    const uint64_t left_ns = due_ns - now_ns;
    const struct timespec t = {0, (long)(left_ns < SLEEP_NS ? left_ns : SLEEP_NS)};
    nanosleep(&t, NULL);
}

/* Customers arrive for `seconds`. Then waits at most as long again until all of them have their first token. */
static int serve_customers(serve *v, double rate) {
    const uint64_t start_ns = ll_now_ns(), span_ns = (uint64_t)v->s->b->options->serve.seconds * 1000000000u;
    const uint64_t end_ns = start_ns + span_ns;
    uint64_t due_ns = start_ns + gap_ns(v, rate), now_ns = start_ns;
    serve_step step;
    while (now_ns < end_ns || (v->n_speaking < v->n_talks && now_ns < end_ns + span_ns)) {
        for (; due_ns <= now_ns && due_ns < end_ns; due_ns += gap_ns(v, rate)) {
            serve_ask ask = serve_draw(v, BENCH_LOGNORMAL);
            ask.due_ns = due_ns;
            if (serve_submit(v, &ask)) return 1;
        }
        if (serve_work(v, &step)) return 1;
        if (!step.progressed) sleep_until(due_ns);
        now_ns = ll_now_ns();
    }
    return 0;
}

static void report(serve *v, double rate, double load) {
    char label[96];
    const int n = load > 0 ? snprintf(label, sizeof label, "%.0f %% of capacity, ", 100 * load) : 0;
    snprintf(label + n, sizeof label - (size_t)n, "%.1f requests/s: time per token", rate);
    bench_row row = e2e_row(v->s, label, "open_per_token", 0, 0, 1, "ms");
    row.load = load;
    serve_report_times(v, &row, &v->token_ms);
    double ratio = v->token_ms.n ? serve_quantile(&v->token_ms, 0.99) / serve_quantile(&v->token_ms, 0.5) : 0;
    row.label = "  p99 of it over p50";
    row.name = "open_ratio";
    row.unit = "x";
    if (ratio > 0) serve_report(v, &row, &ratio, 1);
    row.label = "  first token";
    row.name = "open_first_token";
    row.unit = "ms";
    serve_report_times(v, &row, &v->first_ms);
    double asked = rate;
    row.label = "  customers";
    row.name = "open_rate";
    row.unit = "requests/s";
    serve_report(v, &row, &asked, 1);
}

static int measure(serve *v, double rate, double load) {
    if (serve_reset(v)) return 1;
    v->first_ms.n = v->token_ms.n = 0;
    if (serve_customers(v, rate)) return 1;
    report(v, rate, load);
    v->first_ms.n = v->token_ms.n = 0;
    return 0;
}

int serve_open_loop(serve *v, size_t batch) {
    const struct bench_serve_options *o = &v->s->b->options->serve;
    int code = 0;
    for (int i = 0; i < o->rates.n && !code; i++) code = measure(v, o->rates.values[i], 0);
    for (int i = 0; i < o->loads.n && !o->rates.n && !code; i++) {
        serve_closed found;
        code = serve_closed_loop(v, batch, BENCH_LOGNORMAL, &found);
        if (!code) code = measure(v, o->loads.values[i] * found.requests_per_s, o->loads.values[i]);
    }
    return code;
}
