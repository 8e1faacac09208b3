/*
 * llmcs-bench serve: many conversations on one engine. In the closed loop a fixed number runs all the time; in the open
 * loop customers arrive by a Poisson process, whether the engine is busy or not. The other scenarios are those of
 * shops: a common text before every question, a long prompt during running streams, answers that repeat earlier text.
 */
#include "serve.h"

#include <stdio.h>

/* ---- reports */

void serve_report(const serve *v, const bench_row *row, double *values, size_t n) {
    bench_figure f = {.value = bench_median(values, n)};
    f.least = values[0];
    f.most = values[n - 1];
    bench_report_row(v->s->b, row, &f);
}

void serve_report_times(const serve *v, const bench_row *row, serve_times *times) {
    if (!times->n) return;
    bench_figure f = {
        .value = serve_quantile(times, 0.5), .p95 = serve_quantile(times, 0.95), .p99 = serve_quantile(times, 0.99)};
    f.least = times->ms[0];
    f.most = times->ms[times->n - 1];
    bench_report_row(v->s->b, row, &f);
}

/* ---- closed loop */

typedef struct closed {
    serve *v;
    size_t batch;
    bool sampled;
    double overhead[BENCH_MAX_REPEATS], sampling[BENCH_MAX_REPEATS];
    size_t n;
    bool warm;
    double peak_mb; /* of the process, before there was anything of the limits' */
} closed;

/* Seconds of one more token for each conversation. */
static double decode_pass(const bench *b, void *arg) {
    closed *c = arg;
    serve_decoding found;
    (void)b;
    if (serve_decode(c->v, c->batch, c->sampled, &found)) return -1;
    if (!c->warm) { /* the first one is not counted */
        c->warm = true;
        c->peak_mb = bench_peak_kb() * 1024e-6;
        return found.seconds;
    }
    c->overhead[c->n] = 100 * found.overhead;
    c->sampling[c->n++] = 100 * found.sampling;
    return found.seconds;
}

static void forget_peak(void) {
    bench_limits_free();
    FILE *f = fopen("/proc/self/clear_refs", "w"); /* 5: VmHWM begins anew (proc(5)) */
    if (!f) return;
    fputs("5", f);
    fclose(f);
}

static bench_row row_of(const closed *c, const char *label, const char *name, const char *unit) {
    return e2e_row(c->v->s, label, name, (size_t)c->v->s->b->options->serve.prompt_tokens, c->batch, 1, unit);
}

static void report_of(const closed *c, const char *label, const char *name, const char *unit, double *values,
                      size_t n) {
    const bench_row row = row_of(c, label, name, unit);
    serve_report(c->v, &row, values, n);
}

static void report_times(const closed *c, const char *label, const char *name, serve_times *times) {
    const bench_row row = row_of(c, label, name, "ms");
    serve_report_times(c->v, &row, times);
}

static int report_closed(closed *c) {
    serve *v = c->v;
    serve_closed found;
    report_of(c, "  engine overhead", "closed_overhead", "% of step", c->overhead, c->n);
    report_of(c, "    of that, sampling tokens", "closed_sampling", "% of step", c->sampling, c->n);
    report_of(c, "  peak memory of the process", "closed_peak", "MB", &c->peak_mb, 1);
    v->n_blocks = 0;
    if (serve_closed_loop(v, c->batch, BENCH_FIXED, &found)) return 1;
    report_of(c, "  always as many, prompts included", "closed_whole", "tokens/s", &found.tokens_per_s, 1);
    report_times(c, "  first token", "closed_first_token", &v->first_ms);
    report_times(c, "  time per token", "closed_per_token", &v->token_ms);
    double blocks = (double)v->n_blocks;
    report_of(c, "  blocks of keys and values, cached ones too", "closed_blocks", "blocks", &blocks, 1);
    return 0;
}

static int measure_closed(serve *v, size_t batch) {
    const llmcs_model_info *i = &v->s->info;
    const struct bench_serve_options *o = &v->s->b->options->serve;
    closed c = {.v = v, .batch = batch};
    char label[64];
    const double n = (double)batch, context = o->prompt_tokens + 0.5 * o->new_tokens;
    const bench_cost cost = {1, e2e_step_weights(v->s) + n * e2e_context_bytes(v->s, context),
                             n * (e2e_layer_operations(v->s) + e2e_head_operations(v->s)), e2e_arithmetic(i)};
    snprintf(label, sizeof label, "%zu conversations, decoding", batch);
    const bench_row row = e2e_row(v->s, label, "closed_decode", (size_t)o->prompt_tokens, batch, n, "tokens/s");
    forget_peak();
    const int code = bench_measure(v->s->b, &row, decode_pass, &c, &cost);
    return code ? code : report_closed(&c);
}

/* ---- overhead */

static int measure_sampling(serve *v, size_t batch, bool sampled) {
    closed c = {.v = v, .batch = batch, .sampled = sampled};
    char label[64];
    for (int t = 0; t <= v->s->b->repeats; t++)
        if (decode_pass(v->s->b, &c) < 0) return 1;
    snprintf(label, sizeof label, "%zu conversations, %s: engine overhead", batch, sampled ? "sampled" : "greedy");
    report_of(&c, label, sampled ? "overhead_sampled" : "overhead", "% of step", c.overhead, c.n);
    report_of(&c, "  of that, sampling tokens", sampled ? "sampling_sampled" : "sampling", "% of step", c.sampling,
              c.n);
    return 0;
}

static int measure_overhead(serve *v, size_t batch) {
    return measure_sampling(v, batch, false) || measure_sampling(v, batch, true);
}

/* ---- all of it */

static size_t largest(const bench_list *list) {
    int most = 0;
    for (int i = 0; i < list->n; i++)
        if (list->values[i] > most) most = list->values[i];
    return (size_t)most;
}

static int run_scenario(serve *v, bench_scenario scenario, const bench_list *batches) {
    int code = 0;
    if (scenario == BENCH_OPEN) return serve_open_loop(v, largest(batches));
    if (scenario == BENCH_SHOP_TEXT) return serve_shop_text(v);
    if (scenario == BENCH_LONG_PROMPT) return serve_long_prompt(v);
    if (scenario == BENCH_LOOKUP) return serve_lookup(v);
    for (int i = 0; i < batches->n && !code; i++) {
        const size_t batch = (size_t)batches->values[i];
        code = scenario == BENCH_CLOSED ? measure_closed(v, batch) : measure_overhead(v, batch);
    }
    return code;
}

static int check_lengths(const subject *s) {
    const struct bench_serve_options *o = &s->b->options->serve;
    if (o->prompt_tokens + o->new_tokens <= s->info.n_ctx) return 0;
    fprintf(stderr, "llmcs-bench: prompts of %d and answers of %d tokens: %s holds %d\n", o->prompt_tokens,
            o->new_tokens, s->name, (int)s->info.n_ctx);
    return 1;
}

static int measure(subject *s) {
    const bench_options *o = s->b->options;
    const bench_list batches = e2e_list(&o->batches, (bench_list){3, {4, 16, 32}});
    const bench_list full = e2e_list(&o->batches, (bench_list){2, {16, 32}});
    const size_t most = largest(&batches);
    serve v;
    if (check_lengths(s)) return 1;
    int code = serve_open(&v, s, most, (size_t)o->serve.prompt_tokens + (size_t)o->serve.new_tokens);
    for (unsigned i = 0; i <= BENCH_OVERHEAD && !code; i++)
        if (o->serve.scenarios >> i & 1)
            code = run_scenario(&v, (bench_scenario)i, i == BENCH_OVERHEAD ? &full : &batches);
    serve_close(&v);
    return code;
}

int bench_serve_main(const bench *b) { return e2e_each(b, measure); }
