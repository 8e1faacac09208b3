/*
 * llmcs-bench e2e: end-to-end times. For each requested type of weights and KV cache, measures opening (in separate
 * processes), then prompts, decoding and concurrent conversations, or the texts of an encoder.
 */
#include "e2e.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
