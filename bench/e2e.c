/*
 * llmcs-bench e2e: what a customer waits for. Each kind of weights and of keys and values that was asked for: opening
 * (in processes of its own), then prompts, decoding and conversations side by side, or an encoder's texts.
 */
#include "e2e.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bench_row e2e_row(const subject *s, const char *label, const char *name, size_t tokens, size_t batch, double amount,
                  const char *unit) {
    return (bench_row){.label = label,
                       .name = name,
                       .model = s->name,
                       .weights = s->info.weights,
                       .kv_type = s->info.kv_type,
                       .backend = s->info.backend,
                       .cpu = s->info.cpu,
                       .tokens = tokens,
                       .batch = batch,
                       .amount = amount,
                       .unit = unit};
}

bench_list e2e_list(const bench_list *asked, bench_list usual) { return asked->n ? *asked : usual; }

double e2e_layer_operations(const llmcs_model_info *i) {
    const double n = i->n_embd;
    return 2.0 * i->n_layer * (4 * n * n + 2 * n * i->n_inner);
}

double e2e_bytes_of_weight(const llmcs_model_info *i) {
    if (!strcmp(i->weights, "f32")) return 4;
    if (!strcmp(i->weights, "int8")) return 1;
    if (!strcmp(i->weights, "int4")) return 18.0 / 32; /* with its block's scale */
    return 2;
}

bench_arithmetic e2e_arithmetic(const llmcs_model_info *i) { return bench_arithmetic_of(i->weights); }

static int open_and_measure(subject *s, int (*measure)(subject *s)) {
    const llmcs_model_info *i = &s->info;
    s->info.struct_size = sizeof s->info;
    if (llmcs_model_open(s->path, &s->options, &s->model) || llmcs_model_get_info(s->model, &s->info))
        return bench_failed(s->name);
    bench_report_heading(s->b->options,
                         "%s (%s): %.1f million parameters, %.1f MB of weights as %s, keys and values as %s, %s, %s",
                         s->name, i->model_type, (double)i->n_parameters * 1e-6, (double)i->weights_bytes * 1e-6,
                         i->weights, i->kv_type, i->backend, i->cpu);
    s->ids = bench_memory((size_t)i->n_ctx * sizeof *s->ids);
    for (int32_t t = 0; t < i->n_ctx; t++) s->ids[t] = (int32_t)((int64_t)t * 7919 % i->vocab_size);
    return measure(s);
}

static int measure_as(const bench *b, const char *path, int weights, int kv_type, int (*measure)(subject *s)) {
    const bench_options *o = b->options;
    subject s = {.b = b, .name = o->shape ? o->shape->name : o->path, .path = path};
    llmcs_model_options_init(&s.options);
    s.options.n_threads = b->n_threads;
    s.options.backend = o->backend;
    s.options.weights = (llmcs_weights)weights;
    s.options.kv_type = (llmcs_kv_type)kv_type;
    const int code = open_and_measure(&s, measure);
    free(s.ids);
    llmcs_model_free(&s.model);
    return code;
}

int e2e_each(const bench *b, int (*measure)(subject *s)) {
    const bench_options *o = b->options;
    const char *path = o->shape ? bench_shape_folder(o->shape, NULL) : o->path;
    int code = !path;
    for (int w = 0; w < o->weights.n && !code; w++)
        for (int k = 0; k < o->kv_types.n && !code; k++)
            code = measure_as(b, path, o->weights.values[w], o->kv_types.values[k], measure);
    return code;
}

static int measure_all(subject *s) {
    const int code = e2e_opening(s);
    if (code) return code;
    return s->info.heads & LLMCS_HEAD_CAUSAL_LM ? e2e_decoder(s) : e2e_encoder(s);
}

int bench_e2e_main(const bench *b) { return e2e_each(b, measure_all); }
