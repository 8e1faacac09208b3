/*
 * llmcs-bench kernels: products of weights and rows as a pass does them, with its waits, at the shapes of real models,
 * for every row of the dispatch table that runs here (or the one of LLMCS_CPU), and for OpenBLAS. The weights of all
 * layers are passed through in turn, so that no cache makes few rows look better than they are.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "kernels/openblas/openblas.h"
#include "weights/pack.h"
#include "weights/weights.h"

#define MAX_LAYERS 12
#define MAX_WEIGHTS 1e8 /* of the layers */
#define N_KINDS 4
#define MAX_ROWS ((size_t)512)

typedef struct network {
    const bench_shape *shape;
    size_t n_layers;
    ll_linear layers[MAX_LAYERS][N_KINDS], vocabulary;
    const ll_kernels *kernels;
    const ll_openblas *openblas;
    ll_weight_type type;
    float *x, *y; /* [MAX_ROWS, inner]; [MAX_ROWS, the most outputs] */
    void *quantized;
    size_t n_rows;
    int kind; /* which of a layer's matrices; N_KINDS: the vocabulary's; -1: all of the layers */
} network;

/* query, key and value in one; attention's output; the two of the feed-forward part, a gate with the first */
static void dimensions(const bench_shape *s, int kind, size_t *n_in, size_t *n_out) {
    const int queries = bench_query_width(s), keys = bench_key_width(s), up = s->theta > 0 ? 2 * s->inner : s->inner;
    *n_in = (size_t)(kind == 1 ? queries : kind == 3 ? s->inner : s->width);
    *n_out = (size_t)(kind == 0 ? queries + 2 * keys : kind == 2 ? up : kind == N_KINDS ? s->vocabulary : s->width);
}

static int layers_of(const bench_shape *s, const ll_kernels *k) {
    double weights = 0;
    for (int kind = 0; kind < N_KINDS; kind++) {
        size_t n_in, n_out;
        dimensions(s, kind, &n_in, &n_out);
        weights += (double)n_in * (double)n_out;
    }
    int n = s->layers < MAX_LAYERS ? s->layers : MAX_LAYERS;
    while (n > 1 && n * weights > MAX_WEIGHTS) n--;
    return strcmp(k->name, "scalar") ? n : 1; /* plain C takes its time */
}

static bool linear_new(ll_linear *linear, const ll_kernels *k, ll_weight_type type, size_t n_in, size_t n_out,
                       const float *values) {
    const llmcs_allocator a = ll_allocator_default();
    if (ll_linear_create(linear, &a, k, type, n_in, n_out, true, "weights")) return false;
    const ll_rectangle all = {0, 0, n_in, n_out};
    if (type == LL_Q8) ll_linear_measure(linear, LL_IN_OUT, &all, 0, values);
    ll_linear_put(linear, LL_IN_OUT, &all, 0, values);
    memset(linear->bias, 0, n_out * sizeof *linear->bias);
    return true;
}

static void network_free(network *n) {
    const llmcs_allocator a = ll_allocator_default();
    for (size_t i = 0; i < MAX_LAYERS * N_KINDS; i++) ll_linear_free(&n->layers[i / N_KINDS][i % N_KINDS], &a);
    ll_linear_free(&n->vocabulary, &a);
    free(n->x);
    free(n->y);
    free(n->quantized);
    free(n);
}

/* NULL: no memory, and said so. */
static network *network_new(const bench *b, const bench_shape *s, ll_weight_type type, const ll_openblas *openblas) {
    const ll_kernels *k = openblas ? &openblas->kernels : b->kernels;
    network *n = bench_memory(sizeof *n);
    const size_t width = (size_t)s->width, inner = (size_t)s->inner, vocabulary = (size_t)s->vocabulary;
    const size_t most = vocabulary > 3 * inner ? vocabulary : 3 * inner;
    float *values = bench_floats(width * most, 0.05f);
    memset(n, 0, sizeof *n);
    n->shape = s;
    n->n_layers = (size_t)layers_of(s, k);
    n->kernels = k;
    n->openblas = openblas;
    n->type = type;
    n->quantized = bench_memory(ll_quantized_bytes(k, inner, MAX_ROWS, (size_t)b->n_threads));
    n->x = bench_floats(MAX_ROWS * inner, 1.0f);
    n->y = bench_floats(MAX_ROWS * most, 1.0f);
    bool ok = true;
    size_t n_in, n_out;
    for (size_t i = 0; i < n->n_layers * N_KINDS && ok; i++) {
        dimensions(s, (int)(i % N_KINDS), &n_in, &n_out);
        ok = linear_new(&n->layers[i / N_KINDS][i % N_KINDS], k, type, n_in, n_out, values);
    }
    if (ok) ok = linear_new(&n->vocabulary, k, type, width, vocabulary, values);
    free(values);
    if (ok) return n;
    bench_failed("weights");
    network_free(n);
    return NULL;
}

static void multiply(ll_team *team, void *arg) {
    const network *n = arg;
    const ll_exec exec = {.team = team, .kernels = n->kernels, .openblas = n->openblas, .quantized = n->quantized};
    if (n->kind == N_KINDS) ll_linear_apply(&exec, &n->vocabulary, n->x, n->n_rows, LL_ACT_NONE, NULL, n->y);
    for (size_t i = 0; i < n->n_layers * N_KINDS && n->kind < N_KINDS; i++) {
        if (n->kind >= 0 && i % N_KINDS != (size_t)n->kind) continue;
        ll_linear_apply(&exec, &n->layers[i / N_KINDS][i % N_KINDS], n->x, n->n_rows, LL_ACT_NONE, NULL, n->y);
        ll_team_wait(team);
    }
}

static double multiply_pass(const bench *b, void *arg) { return bench_run(b, multiply, arg); }

/* Weights of what `kind` says. */
static double weights_of(const network *n, int kind) {
    size_t n_in, n_out;
    double sum = 0;
    for (int i = 0; i < N_KINDS && kind < N_KINDS; i++) {
        dimensions(n->shape, i, &n_in, &n_out);
        if (kind < 0 || kind == i) sum += (double)n->n_layers * (double)n_in * (double)n_out;
    }
    return kind == N_KINDS ? (double)n->shape->width * (double)n->shape->vocabulary : sum;
}

/* As the public options name them. */
static const char *name_of(ll_weight_type type) {
    static const int weights[] = {[LL_F32] = LLMCS_WEIGHTS_F32,
                                  [LL_F16] = LLMCS_WEIGHTS_F16,
                                  [LL_BF16] = LLMCS_WEIGHTS_BF16,
                                  [LL_Q8] = LLMCS_WEIGHTS_INT8,
                                  [LL_Q4] = LLMCS_WEIGHTS_INT4};
    return bench_weights_name(weights[type]);
}

static int measure(const bench *b, network *n, const char *cpu, int kind, size_t n_rows) {
    char label[96];
    size_t n_in, n_out;
    dimensions(n->shape, kind, &n_in, &n_out);
    const char *type = name_of(n->type);
    if (kind < 0)
        snprintf(label, sizeof label, "%s %s, all of %s's layers x %zu", cpu, type, n->shape->name, n_rows);
    else
        snprintf(label, sizeof label, "%s %s, %zu x %zu x %zu", cpu, type, n_in, n_out, n_rows);
    n->kind = kind;
    n->n_rows = n_rows;
    const double weights = weights_of(n, kind), operations = 2 * weights * (double)n_rows;
    const double bytes = weights * (double)ll_output_bytes(n->type, n_in) / (double)n_in;
    const bench_arithmetic arithmetic = bench_arithmetic_of(type);
    const bench_cost cost = {1, bytes, operations, arithmetic};
    const bench_row row = {.label = label,
                           .name = kind < 0 ? "layers" : "product",
                           .model = n->shape->name,
                           .weights = type,
                           .cpu = cpu,
                           .tokens = kind < 0 ? 0 : n_out,
                           .batch = n_rows,
                           .amount = operations,
                           .unit = arithmetic >= BENCH_INT8 ? "GOP/s" : "GFLOP/s",
                           .unit_scale = 1e9};
    return bench_measure(b, &row, multiply_pass, n, &cost);
}

/* each: every matrix by itself, too */
static int measure_shape(const bench *b, const bench_shape *s, ll_weight_type type, bool each, const char *cpu,
                         const ll_openblas *openblas) {
    static const bench_list usual = {4, {1, 4, 16, 128}};
    const bench_list *rows = b->options->rows.n ? &b->options->rows : &usual;
    network *n = network_new(b, s, type, openblas);
    if (!n) return 1;
    int code = 0;
    for (int r = 0; r < rows->n && !code; r++) {
        code = measure(b, n, cpu, -1, (size_t)rows->values[r]);
        for (int kind = 0; each && kind <= N_KINDS && !code; kind++)
            code = measure(b, n, cpu, kind, (size_t)rows->values[r]);
    }
    network_free(n);
    return code;
}

/* BERT-base's layers are those of GPT-2 124M. */
static int measure_type(const bench *b, ll_weight_type type, const char *cpu, const ll_openblas *openblas) {
    static const char *const usual[] = {"gpt2-124m", "gpt2-355m", "minilm-l6"};
    if (b->options->shape) return measure_shape(b, b->options->shape, type, true, cpu, openblas);
    const size_t n = b->is_short ? 1 : sizeof usual / sizeof *usual;
    int code = 0;
    for (size_t i = 0; i < n && !code; i++)
        code = measure_shape(b, bench_shape_find(usual[i]), type, !b->is_short && !i, cpu, openblas);
    return code;
}

/* Whether `type` was requested: by name, or all are. OpenBLAS knows float32 only. */
static bool is_wanted(const bench_list *weights, ll_weight_type type, bool is_openblas) {
    bool wanted = false;
    for (int i = 0; i < weights->n; i++)
        wanted |= !weights->values[i] || !strcmp(bench_weights_name(weights->values[i]), name_of(type));
    return wanted && (type == LL_F32 || !is_openblas);
}

static int measure_types(const bench *b, const char *cpu, const ll_openblas *openblas) {
    int code = 0;
    bench_report_heading(b->options, "products: outputs of a matrix x rows, %s, %d thread%s", cpu, b->n_threads,
                         b->n_threads > 1 ? "s" : "");
    for (int t = 0; t < LL_N_WEIGHT_TYPES && !code; t++)
        if (is_wanted(&b->options->weights, (ll_weight_type)t, openblas))
            code = measure_type(b, (ll_weight_type)t, cpu, openblas);
    return code;
}

static int measure_openblas(const bench *b) {
    const llmcs_allocator a = ll_allocator_default();
    ll_openblas *openblas;
    if (ll_openblas_open(&a, b->kernels, &openblas) || ll_openblas_reserve(openblas, &a, (size_t)b->n_threads)) {
        ll_openblas_close(&a, &openblas);
        bench_report_heading(b->options, "openblas: not measured: %s", llmcs_error_message());
        return 0;
    }
    const int code = measure_types(b, "openblas", openblas);
    ll_openblas_close(&a, &openblas);
    return code;
}

int bench_kernels_main(const bench *b) {
    const ll_kernels *sets[16] = {b->kernels};
    const char *forced = getenv("LLMCS_CPU");
    const ll_cpu cpu = ll_cpu_detect();
    const size_t n = b->is_short || (forced && *forced) ? 1 : ll_kernels_list(&cpu, sets, sizeof sets / sizeof *sets);
    int code = 0;
    for (size_t i = 0; i < n && !code; i++) {
        bench one = *b;
        one.kernels = sets[i];
        code = measure_types(&one, sets[i]->name, NULL);
        if (!code) code = bench_kernels_parts(&one);
    }
    return code || b->is_short ? code : measure_openblas(b);
}
