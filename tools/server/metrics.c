/* Prometheus' text format: HTTP, jobs, engines by model, memory, and what the APIs add. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "http.h"
#include "server.h"

enum { N_STATUS = 600, N_BUCKETS = 14 };
static const double bounds_ms[N_BUCKETS] = {1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000, 30000};

/* Counters of one route, without a lock. */
typedef struct route_metrics {
    const route *route; /* NULL: requests that none fits */
    uint64_t by_status[N_STATUS], buckets[N_BUCKETS + 1], sum_us;
} route_metrics;

struct metrics {
    route_metrics *routes; /* [n], the first one of no route */
    size_t n;
    uint64_t start_ns;
};

struct metrics *metrics_create(server *s) {
    struct metrics *m = calloc(1, sizeof *m);
    size_t n = 1;
    for (size_t a = 0; a < s->n_apis; a++) n += s->apis[a]->n_routes;
    if (!m || !(m->routes = calloc(n, sizeof *m->routes))) {
        free(m);
        return NULL;
    }
    m->n = 1;
    m->start_ns = now_ns();
    for (size_t a = 0; a < s->n_apis; a++)
        for (size_t i = 0; i < s->apis[a]->n_routes; i++) m->routes[m->n++].route = &s->apis[a]->routes[i];
    return m;
}

void metrics_free(struct metrics *m) {
    if (m) free(m->routes);
    free(m);
}

void metrics_count(server *s, const route *r, unsigned status, double ms) {
    struct metrics *m = s->metrics;
    size_t i = m->n - 1, b = 0;
    while (i && m->routes[i].route != r) i--;
    while (b < N_BUCKETS && ms > bounds_ms[b]) b++;
    __atomic_add_fetch(&m->routes[i].by_status[status < N_STATUS ? status : 0], 1, __ATOMIC_RELAXED);
    __atomic_add_fetch(&m->routes[i].buckets[b], 1, __ATOMIC_RELAXED);
    __atomic_add_fetch(&m->routes[i].sum_us, (uint64_t)(ms * 1000), __ATOMIC_RELAXED);
}

void metrics_label(FILE *out, const char *value) {
    fputc('"', out);
    for (; *value; value++) {
        if (*value == '\n') {
            fputs("\\n", out);
            continue;
        }
        if (*value == '"' || *value == '\\') fputc('\\', out);
        fputc(*value, out);
    }
    fputc('"', out);
}

static void head(FILE *out, const char *name, const char *type, const char *help) {
    fprintf(out, "# HELP llmcs_%s %s\n# TYPE llmcs_%s %s\n", name, help, name, type);
}

static void gauge(FILE *out, const char *name, const char *help, double value) {
    head(out, name, "gauge", help);
    fprintf(out, "llmcs_%s %.15g\n", name, value);
}

static uint64_t load(const uint64_t *counter) { return __atomic_load_n(counter, __ATOMIC_RELAXED); }

static void write_route_labels(FILE *out, const route_metrics *r) {
    fputs("route=", out);
    metrics_label(out, r->route ? r->route->path : "");
    fprintf(out, ",method=\"%s\"", r->route ? r->route->method : "");
}

static void write_http(const server *s, FILE *out) {
    const struct metrics *m = s->metrics;
    head(out, "http_requests_total", "counter", "Requests by route and status; 499: the client left.");
    for (size_t i = 0; i < m->n; i++)
        for (size_t status = 0; status < N_STATUS; status++) {
            const uint64_t n = load(&m->routes[i].by_status[status]);
            if (!n) continue;
            fputs("llmcs_http_requests_total{", out);
            write_route_labels(out, &m->routes[i]);
            fprintf(out, ",status=\"%zu\"} %llu\n", status, (unsigned long long)n);
        }
    head(out, "http_request_duration_seconds", "histogram", "From the request's head to the answer's last byte.");
    for (size_t i = 0; i < m->n; i++) {
        uint64_t n = 0, all = 0;
        for (size_t b = 0; b <= N_BUCKETS; b++) all += load(&m->routes[i].buckets[b]);
        for (size_t b = 0; b <= N_BUCKETS && all; b++) {
            n += load(&m->routes[i].buckets[b]);
            fputs("llmcs_http_request_duration_seconds_bucket{", out);
            write_route_labels(out, &m->routes[i]);
            if (b < N_BUCKETS)
                fprintf(out, ",le=\"%g\"} %llu\n", bounds_ms[b] * 1e-3, (unsigned long long)n);
            else
                fprintf(out, ",le=\"+Inf\"} %llu\n", (unsigned long long)n);
        }
        if (!all) continue;
        fputs("llmcs_http_request_duration_seconds_sum{", out);
        write_route_labels(out, &m->routes[i]);
        fprintf(out, "} %.6f\nllmcs_http_request_duration_seconds_count{", (double)load(&m->routes[i].sum_us) * 1e-6);
        write_route_labels(out, &m->routes[i]);
        fprintf(out, "} %llu\n", (unsigned long long)n);
    }
}

static double resident_bytes(void) {
    FILE *from = fopen("/proc/self/statm", "r");
    unsigned long all = 0, resident = 0;
    if (from && fscanf(from, "%lu %lu", &all, &resident) != 2) resident = 0; /* NOLINT(cert-err34-c) the kernel's */
    if (from) fclose(from);
    return (double)resident * (double)sysconf(_SC_PAGESIZE);
}

static void write_process(server *s, FILE *out) {
    gauge(out, "connections", "Open connections.", (double)http_connections(s));
    gauge(out, "requests_active", "Requests that are not answered in full.", (double)http_active(s));
    gauge(out, "jobs_waiting", "Requests that wait for a worker thread.",
          (double)(pool_waiting(s->prepare) + pool_waiting(s->workers)));
    gauge(out, "jobs_running", "Requests on worker threads.",
          (double)(pool_running(s->prepare) + pool_running(s->workers)));
    gauge(out, "resident_memory_bytes", "Memory of the process.", resident_bytes());
    gauge(out, "uptime_seconds", "Since the start.", (double)(now_ns() - s->metrics->start_ns) * 1e-9);
}

/* ---- engines */

typedef struct engine_metrics {
    served *model;
    llmcs_engine_stats stats;
} engine_metrics;

typedef enum { COUNTER, GAUGE } kind;
static const struct {
    const char *name;
    kind kind;
    const char *help;
    size_t offset;
    double scale;
} of_engines[] = {
#define STAT(name, kind, help, member, scale) \
    { name, kind, help, offsetof(llmcs_engine_stats, member), scale }
    STAT("engine_requests_submitted_total", COUNTER, "Requests that the engine accepted.", n_submitted, 1),
    STAT("engine_requests_refused_total", COUNTER, "Refused because the queue was full.", n_refused, 1),
    STAT("engine_requests_finished_total", COUNTER, "Ended by EOS, length or a stop string.", n_finished, 1),
    STAT("engine_requests_cancelled_total", COUNTER, "Cancelled: the client left.", n_cancelled, 1),
    STAT("engine_requests_deadline_total", COUNTER, "Ended by their deadline.", n_deadline, 1),
    STAT("engine_requests_failed_total", COUNTER, "Failed.", n_failed, 1),
    STAT("engine_requests_waiting", GAUGE, "Requests in the queue.", n_waiting, 1),
    STAT("engine_requests_running", GAUGE, "Requests that are evaluated.", n_running, 1),
    STAT("engine_steps_total", COUNTER, "Forward passes.", n_steps, 1),
    STAT("engine_rows_total", COUNTER, "Tokens evaluated.", n_rows, 1),
    STAT("engine_prompt_tokens_total", COUNTER, "Tokens of prompts that were started.", n_prompt_tokens, 1),
    STAT("engine_cached_tokens_total", COUNTER, "Of those, found in the prefix cache.", n_cached_tokens, 1),
    STAT("engine_new_tokens_total", COUNTER, "Tokens generated.", n_new_tokens, 1),
    STAT("engine_preempted_total", COUNTER, "Times a request had to free its blocks.", n_preempted, 1),
    STAT("engine_evicted_blocks_total", COUNTER, "Blocks evicted from the prefix cache.", n_evicted_blocks, 1),
    STAT("engine_kv_blocks", GAUGE, "Blocks of keys and values.", n_blocks, 1),
    STAT("engine_kv_blocks_used", GAUGE, "Of those, in use.", n_used_blocks, 1),
    STAT("engine_kv_blocks_cached", GAUGE, "Of those, in the prefix cache.", n_cached_blocks, 1),
    STAT("engine_step_seconds_total", COUNTER, "Time in steps.", step_ns, 1e-9),
    STAT("engine_forward_seconds_total", COUNTER, "Of it, in the network.", forward_ns, 1e-9),
    STAT("engine_sample_seconds_total", COUNTER, "Of it, in sampling.", sample_ns, 1e-9),
#undef STAT
};

static void write_model_sample(FILE *out, const char *name, const served *m, double value) {
    fprintf(out, "llmcs_%s{model=", name);
    metrics_label(out, m->config->name);
    fprintf(out, "} %.15g\n", value);
}

/* Every fourth bucket of the library's: octaves. */
static void write_histogram(FILE *out, const char *name, const served *m, const llmcs_histogram *h) {
    uint64_t n = 0;
    double bound_ms = 0.01;
    for (size_t i = 0; i < LLMCS_HISTOGRAM_BUCKETS; i++) {
        n += h->counts[i];
        if (i % 4 != 3 || i == LLMCS_HISTOGRAM_BUCKETS - 1) continue;
        bound_ms *= 2;
        fprintf(out, "llmcs_%s_bucket{model=", name);
        metrics_label(out, m->config->name);
        fprintf(out, ",le=\"%g\"} %llu\n", bound_ms * 1e-3, (unsigned long long)n);
    }
    fprintf(out, "llmcs_%s_bucket{model=", name);
    metrics_label(out, m->config->name);
    fprintf(out, ",le=\"+Inf\"} %llu\n", (unsigned long long)h->n);
    char member[80];
    snprintf(member, sizeof member, "%s_sum", name);
    write_model_sample(out, member, m, h->sum_ms * 1e-3);
    snprintf(member, sizeof member, "%s_count", name);
    write_model_sample(out, member, m, (double)h->n);
}

static void write_engines(FILE *out, const engine_metrics *engines, size_t n) {
    static const struct {
        const char *name, *help;
        size_t offset;
    } histograms[] = {
        {"queue_seconds", "From submit to the first step.", offsetof(llmcs_engine_stats, waiting_ms)},
        {"first_token_seconds", "From submit to the first token.", offsetof(llmcs_engine_stats, first_token_ms)},
        {"per_token_seconds", "Between tokens of one request.", offsetof(llmcs_engine_stats, per_token_ms)},
    };
    for (size_t k = 0; n && k < sizeof of_engines / sizeof *of_engines; k++) {
        head(out, of_engines[k].name, of_engines[k].kind == COUNTER ? "counter" : "gauge", of_engines[k].help);
        for (size_t i = 0; i < n; i++) {
            uint64_t value;
            memcpy(&value, (const char *)&engines[i].stats + of_engines[k].offset, sizeof value);
            write_model_sample(out, of_engines[k].name, engines[i].model, (double)value * of_engines[k].scale);
        }
    }
    for (size_t k = 0; n && k < sizeof histograms / sizeof *histograms; k++) {
        head(out, histograms[k].name, "histogram", histograms[k].help);
        for (size_t i = 0; i < n; i++)
            write_histogram(out, histograms[k].name, engines[i].model,
                            (const llmcs_histogram *)((const char *)&engines[i].stats + histograms[k].offset));
    }
}

static void write_models(server *s, FILE *out) {
    const size_t n = models_count(s);
    engine_metrics *engines = calloc(n + 1, sizeof *engines);
    served **all = calloc(n + 1, sizeof *all);
    size_t n_engines = 0;
    for (size_t i = 0; engines && all && i < n; i++) {
        all[i] = models_at(s, i);
        engine_metrics *e = &engines[n_engines];
        *e = (engine_metrics){.model = all[i], .stats = {.struct_size = sizeof e->stats}};
        if (all[i]->engine && !llmcs_engine_get_stats(all[i]->engine, &e->stats)) n_engines++;
    }
    head(out, "model_weights_bytes", "gauge", "Memory of a model's weights.");
    for (size_t i = 0; all && engines && i < n; i++)
        write_model_sample(out, "model_weights_bytes", all[i], (double)all[i]->info.weights_bytes);
    head(out, "model_version", "gauge", "1, and one more with each reload, which starts the model's counters anew.");
    for (size_t i = 0; all && engines && i < n; i++) write_model_sample(out, "model_version", all[i], all[i]->version);
    if (engines && all) write_engines(out, engines, n_engines);
    for (size_t i = 0; all && engines && i < n; i++) models_release(all[i]);
    free(all);
    free(engines);
}

char *metrics_text(server *s, size_t *n) {
    char *text = NULL;
    FILE *out = open_memstream(&text, n);
    if (!out) return NULL;
    write_http(s, out);
    write_process(s, out);
    write_models(s, out);
    for (size_t i = 0; i < s->n_apis; i++)
        if (s->apis[i]->write_metrics && (!s->apis[i]->enabled || s->apis[i]->enabled(s)))
            s->apis[i]->write_metrics(s, out);
    if (!fclose(out)) return text;
    free(text);
    return NULL;
}
