/*
 * llmcs-bench encode: encodes the texts of a file in the ways that services do: in one call, in batches, one at a time
 * from one thread, and one at a time from several threads, alternating with the machine's limit. Padding does not
 * count.
 */
#include "encode.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#define MAX_MODES (BENCH_MAX_LIST + 3)

/* One way to send the texts. */
typedef struct mode {
    const char *name;
    char label[48];
    size_t batch, n_callers;
    double rates[BENCH_MAX_REPEATS], shares[BENCH_MAX_REPEATS], of_whole[BENCH_MAX_REPEATS];
    double *latencies_ms; /* [repeats * calls of a turn] */
    size_t n_latencies;
} mode;

typedef struct encoding {
    subject s;
    encode_texts texts;
    llmcs_text_info *infos; /* [n] */
    float *out;             /* [n, floats of an answer] */
    size_t n_out, n_tokens;
    bool classifies;
    mode modes[MAX_MODES];
    size_t n_modes;
    /* Of the turn that is measured. */
    const mode *now;
    double *latencies_ms;
    atomic_size_t next; /* call */
    atomic_bool failed;
} encoding;

/* ---- one turn */

static llmcs_status encode_range(encoding *e, size_t first, size_t n) {
    const llmcs_text *texts = e->texts.texts + first;
    float *out = e->out + first * e->n_out;
    llmcs_text_params p;
    llmcs_text_params_init(&p);
    p.overflow = LLMCS_OVERFLOW_TRUNCATE;
    p.max_length = (size_t)e->s.b->options->max_length;
    if (p.max_length > (size_t)e->s.info.n_ctx) p.max_length = 0;
    if (e->classifies) return llmcs_classify(e->s.model, texts, n, &p, out, NULL, e->infos + first);
    return llmcs_embed(e->s.model, texts, n, &p, out, e->infos + first);
}

/* A thread that makes calls until none are left. */
static void *call_on(void *arg) {
    encoding *e = arg;
    const size_t batch = e->now->batch;
    for (size_t i; (i = atomic_fetch_add(&e->next, 1)) * batch < e->texts.n;) {
        const size_t left = e->texts.n - i * batch;
        const uint64_t start = ll_now_ns();
        if (encode_range(e, i * batch, left < batch ? left : batch)) {
            bench_failed("encode");
            atomic_store(&e->failed, true);
            return NULL;
        }
        e->latencies_ms[i] = (double)(ll_now_ns() - start) * 1e-6;
    }
    return NULL;
}

/* Seconds, or a negative number. */
static double run_mode(encoding *e, mode *m) {
    pthread_t threads[BENCH_MAX_CALLERS];
    size_t n_threads = 0;
    e->now = m;
    e->latencies_ms = m->latencies_ms + m->n_latencies;
    atomic_store(&e->next, 0);
    const uint64_t start = ll_now_ns();
    for (; m->n_callers > 1 && n_threads < m->n_callers; n_threads++)
        if (pthread_create(&threads[n_threads], NULL, call_on, e)) {
            fprintf(stderr, "llmcs-bench: a thread could not be started\n");
            atomic_store(&e->failed, true);
            break;
        }
    if (m->n_callers == 1) call_on(e);
    for (size_t i = 0; i < n_threads; i++) pthread_join(threads[i], NULL);
    m->n_latencies += (e->texts.n + m->batch - 1) / m->batch;
    return atomic_load(&e->failed) ? -1 : (double)(ll_now_ns() - start) * 1e-9;
}

/* The layers' products of one token on all multipliers; and where a limit is not known, nothing. */
static double limit_now(const encoding *e) {
    const double operations = bench_limit_arithmetic(e->s.b, e2e_arithmetic(&e->s.info));
    return operations / e2e_layer_operations(&e->s);
}

/* Measures the limit before and after every mode; the better of the two counts. */
static bool turn(encoding *e, size_t t, double *limit) {
    double before = limit_now(e), whole = 0;
    *limit = before;
    for (size_t i = 0; i < e->n_modes; i++) {
        mode *m = &e->modes[i];
        const double seconds = run_mode(e, m);
        if (seconds < 0) return false;
        const double after = limit_now(e), best = before > after ? before : after;
        m->rates[t] = (double)e->n_tokens / seconds;
        m->shares[t] = best > 0 ? m->rates[t] / best : 0;
        if (i == 0) whole = m->rates[t];
        m->of_whole[t] = m->rates[t] / whole;
        if (best > *limit) *limit = best;
        before = after;
    }
    return true;
}

/* ---- what comes of them */

static double percentile(const double *sorted, size_t n, double p) {
    const size_t at = (size_t)(p * (double)(n - 1) + 0.5);
    return sorted[at];
}

static void report(const encoding *e, mode *m, const char *unit, double amount, const char *what, double limit) {
    const bench *b = e->s.b;
    const size_t n = (size_t)b->repeats;
    char label[96], name[64];
    double values[BENCH_MAX_REPEATS];
    snprintf(label, sizeof label, "%s%s", m->label, what);
    snprintf(name, sizeof name, "%s%s", m->name, what);
    const bench_row row = e2e_row(&e->s, label, name, e->n_tokens / e->texts.n, m->batch, 1, unit);
    for (size_t i = 0; i < n; i++) values[i] = m->rates[i] * amount;
    bench_figure f = {.value = bench_median(values, n), .least = values[0], .most = values[n - 1]};
    if (limit > 0) {
        f.limit = limit;
        f.share = bench_median(m->shares, n);
        f.limit_of = bench_arithmetic_name(e2e_arithmetic(&e->s.info));
    }
    bench_report_row(b, &row, &f);
}

/* One number from [least, most]. */
static void report_one(const encoding *e, const mode *m, const char *what, const char *unit, double value, double least,
                       double most) {
    char label[96], name[64];
    snprintf(label, sizeof label, "%s, %s", m->label, what);
    snprintf(name, sizeof name, "%s, %s", m->name, what);
    const bench_row row = e2e_row(&e->s, label, name, e->n_tokens / e->texts.n, m->batch, 1, unit);
    bench_report_row(e->s.b, &row, &(bench_figure){.value = value, .least = least, .most = most});
}

static void report_mode(const encoding *e, mode *m, double limit) {
    static const struct {
        const char *name;
        double p;
    } marks[] = {{"p50", 0.5}, {"p95", 0.95}, {"p99", 0.99}};
    const size_t n = (size_t)e->s.b->repeats;
    report(e, m, "tokens/s", 1, "", limit);
    report(e, m, "texts/s", (double)e->texts.n / (double)e->n_tokens, ", texts", 0);
    if (m != e->modes) {
        const double median = bench_median(m->of_whole, n);
        report_one(e, m, "of one call", "%", 100 * median, 100 * m->of_whole[0], 100 * m->of_whole[n - 1]);
    }
    bench_median(m->latencies_ms, m->n_latencies);
    for (size_t i = 0; i < 3 && m->batch < e->texts.n; i++)
        report_one(e, m, marks[i].name, "ms", percentile(m->latencies_ms, m->n_latencies, marks[i].p),
                   m->latencies_ms[0], m->latencies_ms[m->n_latencies - 1]);
}

/* ---- the command */

static void add_mode(encoding *e, const char *name, size_t batch, size_t n_callers) {
    mode *m = &e->modes[e->n_modes++];
    const size_t n_calls = (e->texts.n + batch - 1) / batch;
    *m = (mode){.name = name, .batch = batch, .n_callers = n_callers};
    m->latencies_ms = bench_memory((size_t)e->s.b->repeats * n_calls * sizeof(double));
    if (n_callers > 1)
        snprintf(m->label, sizeof m->label, "%zu threads, one text at a time", n_callers);
    else if (batch == 1)
        snprintf(m->label, sizeof m->label, "one text at a time");
    else
        snprintf(m->label, sizeof m->label, batch < e->texts.n ? "calls of %zu texts" : "one call of %zu texts", batch);
}

static void add_modes(encoding *e) {
    const bench_options *o = e->s.b->options;
    const bench_list batches = e2e_list(&o->batches, (bench_list){1, {16}});
    add_mode(e, "whole", e->texts.n, 1);
    for (int i = 0; i < batches.n; i++)
        if ((size_t)batches.values[i] < e->texts.n && batches.values[i] > 1)
            add_mode(e, "batches", (size_t)batches.values[i], 1);
    add_mode(e, "single", 1, 1);
    if (o->callers > 1) add_mode(e, "callers", 1, (size_t)o->callers);
}

static int measure(encoding *e) {
    const size_t repeats = (size_t)e->s.b->repeats;
    double limits[BENCH_MAX_REPEATS];
    size_t n_cut = 0;
    if (encode_range(e, 0, e->texts.n)) return bench_failed("encode"); /* memory touched, clocks up */
    for (size_t i = 0; i < e->texts.n; i++) {
        e->n_tokens += e->infos[i].n_evaluated;
        n_cut += (size_t)e->infos[i].truncated;
    }
    bench_report_heading(e->s.b->options, "%s (%s, %s, %s): %zu texts of %.1f tokens on average, %zu cut to %d",
                         e->s.name, e->s.info.weights, e->s.info.backend, e->s.info.cpu, e->texts.n,
                         (double)e->n_tokens / (double)e->texts.n, n_cut, e->s.b->options->max_length);
    add_modes(e);
    for (size_t t = 0; t < repeats; t++)
        if (!turn(e, t, &limits[t])) return 1;
    const double limit = bench_median(limits, repeats);
    for (size_t i = 0; i < e->n_modes; i++) report_mode(e, &e->modes[i], limit);
    return 0;
}

static int open_and_measure(encoding *e, const char *path) {
    llmcs_model_info *info = &e->s.info;
    info->struct_size = sizeof *info;
    if (llmcs_model_open(path, &e->s.options, &e->s.model) || llmcs_model_get_info(e->s.model, info))
        return bench_failed(e->s.name);
    if (!(info->heads & LLMCS_HEAD_EMBEDDING) || !llmcs_model_tokenizer(e->s.model)) {
        fprintf(stderr, "llmcs-bench: %s: no encoder, or no tokenizer\n", e->s.name);
        return 1;
    }
    e->classifies = (info->heads & LLMCS_HEAD_CLASSIFICATION) != 0;
    e->n_out = (size_t)(e->classifies ? info->n_labels : info->n_embedding);
    e->infos = bench_memory(e->texts.n * sizeof *e->infos);
    for (size_t i = 0; i < e->texts.n; i++) e->infos[i].struct_size = sizeof *e->infos;
    e->out = bench_memory(e->texts.n * e->n_out * sizeof *e->out);
    return measure(e);
}

static int measure_as(const bench *b, const char *path, int weights) {
    const bench_options *o = b->options;
    encoding *e = calloc(1, sizeof *e);
    int code = 1;
    if (!e) return 1;
    e->s = (subject){.b = b, .name = o->shape ? o->shape->name : o->path};
    llmcs_model_options_init(&e->s.options);
    e->s.options.n_threads = b->n_threads;
    e->s.options.backend = o->backend;
    e->s.options.weights = (llmcs_weights)weights;
    if (encode_texts_read(&e->texts, o->texts, (size_t)o->count)) code = open_and_measure(e, path);
    for (size_t i = 0; i < e->n_modes; i++) free(e->modes[i].latencies_ms);
    free(e->infos);
    free(e->out);
    encode_texts_free(&e->texts);
    llmcs_model_free(&e->s.model);
    free(e);
    return code;
}

int bench_encode_main(const bench *b) {
    const bench_options *o = b->options;
    const char *path = o->shape ? bench_shape_folder(o->shape, o->tokenizer) : o->path;
    int code = !path;
    for (int w = 0; w < o->weights.n && !code; w++) code = measure_as(b, path, o->weights.values[w]);
    return code;
}
