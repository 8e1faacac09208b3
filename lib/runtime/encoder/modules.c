#include "runtime/encoder/modules.h"

#include <math.h>
#include <string.h>

#include "base/call.h"
#include "base/cpu.h"
#include "base/slab.h"
#include "base/xxh64.h"
#include "weights/fingerprint.h"
#include "weights/loader.h"

#define LAYER_NORM_EPS 1e-5f /* torch.nn.LayerNorm's default; the module has no setting for it */

typedef struct ll_sentence_layer {
    ll_slab weights;
    ll_linear dense;
    ll_norm norm;
} ll_sentence_layer;

/* ------------------------------------------------------------------------------------------------ weights */

static llmcs_status describe(const ll_module *module, ll_loader *l, ll_sentence_layer *layer) {
    static const char *const linear = "linear";
    const size_t n_in = (size_t)module->n_in, n_out = (size_t)module->n_out;
    if (module->kind == LL_MODULE_LAYER_NORM) return ll_load_norm(l, &layer->norm, n_in, LAYER_NORM_EPS, "norm");
    if (module->bias) return ll_load_linear(l, &layer->dense, LL_SMALL, LL_OUT_IN, n_in, n_out, linear);
    return ll_load_weights(l, &layer->dense, LL_SMALL, LL_OUT_IN, n_in, n_out, &linear, 1, false);
}

static void close_tensors(ll_tensors **tensors) {
    if (*tensors) ll_tensors_close(tensors);
}

static void free_jobs(ll_loader *l) { ll_free(l->allocator, l->jobs); }

static llmcs_status load_layer(const ll_sentence_load *load, const ll_module *module, ll_pool *pool,
                               const ll_kernels *kernels, ll_sentence_layer *layer, ll_loader *l) {
    const llmcs_allocator *a = load->allocator;
    const ll_load_options options = {.check_finite = (load->options->flags & LLMCS_LOAD_CHECK_FINITE) != 0};
    ll_tensors *tensors LL_CLEANUP(close_tensors) = NULL;
    const ll_source inner = ll_source_in(load->source, module->path);
    LL_TRY(ll_tensors_open(a, &inner, load->options->load_mode, load->log, &tensors));
    l->tensors = tensors;
    l->kernels = kernels;
    l->check_finite = options.check_finite;
    LL_TRY(describe(module, l, layer));
    LL_TRY(ll_slab_create(&layer->weights, a, l->slab_bytes, module->path));
    LL_TRY(ll_alloc(a, l->n_jobs, sizeof *l->jobs, "load jobs", &l->jobs));
    const llmcs_allocator memory = ll_slab_allocator(&layer->weights);
    l->memory = &memory;
    l->filling = true;
    LL_TRY(describe(module, l, layer));
    LL_TRY(ll_load_jobs(l, pool, &options));
    return ll_tensors_check_unchanged(tensors);
}

llmcs_status ll_sentence_net_load(const ll_sentence_load *load, ll_pool *pool, ll_sentence_net *net,
                                  uint64_t *n_parameters, uint64_t *bytes) {
    const ll_sentence *s = &load->config->sentence;
    const ll_cpu cpu = ll_cpu_detect();
    *net = (ll_sentence_net){0};
    *n_parameters = *bytes = 0;
    if (!s->n_modules) return LLMCS_OK;
    LL_TRY(ll_kernels_pick(&cpu, &net->kernels));
    LL_TRY(ll_alloc_zero(load->allocator, s->n_modules, sizeof *net->layers, "modules", &net->layers));
    net->n_layers = s->n_modules;
    for (size_t i = 0; i < s->n_modules; i++) {
        ll_loader l LL_CLEANUP(free_jobs) = {.allocator = load->allocator};
        if (s->modules[i].kind == LL_MODULE_NORMALIZE) continue;
        LL_TRY(load_layer(load, &s->modules[i], pool, net->kernels, &net->layers[i], &l));
        *n_parameters += l.n_parameters;
        *bytes += l.bytes;
    }
    return LLMCS_OK;
}

void ll_sentence_net_free(const llmcs_allocator *a, ll_sentence_net *net) {
    for (size_t i = 0; i < net->n_layers; i++) ll_slab_free(&net->layers[i].weights);
    ll_free(a, net->layers);
    *net = (ll_sentence_net){0};
}

llmcs_status ll_sentence_net_plan(const ll_sentence_load *load, size_t n_threads, uint64_t *bytes,
                                  uint64_t *staging_bytes) {
    const ll_sentence *s = &load->config->sentence;
    const ll_cpu cpu = ll_cpu_detect();
    const ll_kernels *kernels;
    *bytes = s->n_modules * sizeof(ll_sentence_layer);
    *staging_bytes = 0;
    LL_TRY(ll_kernels_pick(&cpu, &kernels));
    for (size_t i = 0; i < s->n_modules; i++) {
        ll_tensors *tensors LL_CLEANUP(close_tensors) = NULL;
        const ll_source inner = ll_source_in(load->source, s->modules[i].path);
        ll_sentence_layer layer = {0};
        if (s->modules[i].kind == LL_MODULE_NORMALIZE) continue;
        LL_TRY(ll_tensors_open(load->allocator, &inner, load->options->load_mode, load->log, &tensors));
        ll_loader l = {.tensors = tensors, .kernels = kernels};
        LL_TRY(describe(&s->modules[i], &l, &layer));
        *bytes += l.slab_bytes;
        *staging_bytes = ll_max(*staging_bytes, ll_load_jobs_bytes(l.n_jobs, n_threads));
    }
    return LLMCS_OK;
}

uint64_t ll_sentence_net_fingerprint(uint64_t hash, const ll_sentence_net *net, const ll_config *config) {
    for (size_t i = 0; i < net->n_layers; i++) {
        const ll_module *m = &config->sentence.modules[i];
        const uint32_t what[] = {(uint32_t)m->kind, (uint32_t)m->n_out, (uint32_t)m->activation};
        hash = ll_xxh64(what, sizeof what, hash);
        if (m->kind == LL_MODULE_DENSE) hash = ll_fingerprint_linear(hash, &net->layers[i].dense);
        if (m->kind == LL_MODULE_LAYER_NORM) hash = ll_fingerprint_norm(hash, &net->layers[i].norm);
    }
    return hash;
}

/* ------------------------------------------------------------------------------------------- forward pass */

float ll_torch_activate(ll_torch_activation activation, float x) {
    const double d = (double)x;
    switch (activation) {
        case LL_TORCH_TANH:
            return (float)tanh(d);
        case LL_TORCH_RELU:
            return x > 0.0f ? x : 0.0f;
        case LL_TORCH_GELU:
            return (float)(0.5 * d * (1.0 + erf(d * 0.70710678118654752440)));
        case LL_TORCH_SILU:
            return (float)(d / (1.0 + exp(-d)));
        case LL_TORCH_SIGMOID:
            return (float)(1.0 / (1.0 + exp(-d)));
        case LL_TORCH_IDENTITY:
        case LL_TORCH_UNKNOWN:
            break;
    }
    return x;
}

void ll_scale_to_length_one(float *vector, size_t n) {
    double sum = 0.0;
    for (size_t d = 0; d < n; d++) sum += (double)vector[d] * (double)vector[d];
    double length = sqrt(sum);
    if (length <= 0.0) return;
    for (size_t d = 0; d < n; d++) vector[d] = (float)((double)vector[d] / length);
}

size_t ll_sentence_net_floats(const ll_config *config) {
    size_t widest = (size_t)config->sentence.n_pooled;
    for (size_t i = 0; i < config->sentence.n_modules; i++)
        widest = ll_max(widest, (size_t)config->sentence.modules[i].n_out);
    return LL_SENTENCE_ROWS * ll_round_up(widest, 16);
}

void ll_sentence_net_apply(const ll_sentence_net *net, const ll_config *config, size_t n_rows, float **x,
                           float **other) {
    ll_team alone = {.size = 1};
    const ll_exec exec = {.team = &alone, .kernels = net->kernels};
    for (size_t i = 0; i < net->n_layers; i++) {
        const ll_module *m = &config->sentence.modules[i];
        const size_t n_in = (size_t)m->n_in, n_out = (size_t)m->n_out;
        float *in = *x, *out = *other;
        if (m->kind == LL_MODULE_NORMALIZE) {
            for (size_t row = 0; row < n_rows; row++) ll_scale_to_length_one(in + row * n_in, n_in);
            continue;
        }
        if (m->kind == LL_MODULE_LAYER_NORM) {
            ll_norm_apply(&exec, &net->layers[i].norm, in, n_rows, in);
            continue;
        }
        ll_linear_apply(&exec, &net->layers[i].dense, in, n_rows, LL_ACT_NONE, NULL, out);
        for (size_t k = 0; m->activation != LL_TORCH_IDENTITY && k < n_rows * n_out; k++)
            out[k] = ll_torch_activate(m->activation, out[k]);
        *x = out;
        *other = in;
    }
}
