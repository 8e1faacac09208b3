/* llmcs-bench: see bench.h. `llmcs-bench help` or a wrong command prints the usage. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "bench.h"

static int dispatch(bench *b, const char *command) {
    b->section = command;
    if (!strcmp(command, "limits")) return bench_limits_main(b);
    if (!strcmp(command, "kernels")) return bench_kernels_main(b);
    if (!strcmp(command, "e2e")) return bench_e2e_main(b);
    if (!strcmp(command, "encode")) return bench_encode_main(b);
    if (!strcmp(command, "serve")) return bench_serve_main(b);
    if (!strcmp(command, "search")) return bench_search_main(b);
    return bench_tokenizer_main(b);
}

/* One model of the short set. */
static int short_model(bench *b, const char *shape, bench_list batches) {
    bench_options o = *b->options;
    const bench_options *all = b->options;
    o.shape = bench_shape_find(shape);
    o.prompts = (bench_list){2, {128, 512}};
    o.contexts = (bench_list){2, {10, 1000}};
    o.lengths = (bench_list){2, {16, 128}};
    o.batches = batches;
    b->options = &o;
    const int code = dispatch(b, "e2e");
    b->options = all;
    return code;
}

/* What `make bench` runs. */
static int short_set(bench *b) {
    bench_options o = *b->options;
    b->options = &o;
    b->is_short = true;
    o.rows = (bench_list){3, {1, 16, 128}};
    if (!o.weights.values[0]) o.weights = (bench_list){2, {LLMCS_WEIGHTS_F32, LLMCS_WEIGHTS_INT8}};
    int code = dispatch(b, "limits");
    if (!code) code = dispatch(b, "kernels");
    if (!code) code = short_model(b, "gpt2-124m", (bench_list){1, {16}});
    if (!code) code = short_model(b, "bert-base", (bench_list){1, {4}});
    return code;
}

/* Runs the command with one number of threads. */
static int measure_with_threads(const bench_options *o, const ll_kernels *kernels, int n_threads) {
    const ll_log log = {0};
    const llmcs_allocator a = ll_allocator_default();
    bench b = {.options = o, .repeats = o->repeats, .kernels = kernels};
    if (ll_pool_create(&a, n_threads, &log, &b.pool)) return bench_failed("threads");
    b.n_threads = ll_pool_size(b.pool);
    bench_report_heading(o, "kernels %s, %d thread%s, medians of %d", kernels->name, b.n_threads,
                         b.n_threads > 1 ? "s" : "", o->repeats);
    const int code = *o->command ? dispatch(&b, o->command) : short_set(&b);
    ll_pool_free(&b.pool);
    return code;
}

int main(int argc, char **argv) {
    bench_options o;
    if (!bench_options_read(&o, argc, argv)) return 2;
    if (!strcmp(o.command, "open")) return bench_open_main(&o);
    const ll_cpu cpu = ll_cpu_detect();
    const ll_kernels *kernels;
    if (ll_kernels_pick(&cpu, &kernels)) return bench_failed("LLMCS_CPU");
    int code = 0;
    bench_report_begin(&o);
    for (int i = 0; i < o.threads.n && !code; i++) code = measure_with_threads(&o, kernels, o.threads.values[i]);
    bench_report_end(&o);
    bench_limits_free();
    return code;
}
