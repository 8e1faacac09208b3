#include "models/load.h"

#include <math.h>
#include <string.h>

/* Most elements read in one go: keeps the progress callback alive and the reads in cache. */
#define PIECE_ELEMENTS ((size_t)1 << 20)

static const ll_tensor *find(const ll_loader *l, const char *name) {
    char full[256];
    int len = ll_format(full, sizeof full, "%s%s", l->scope, name);
    return len > 0 && (size_t)len < sizeof full ? ll_tensors_find(l->tensors, full) : NULL;
}

bool ll_loader_has(const ll_loader *l, const char *name) { return find(l, name) != NULL; }

/* A file to name when a tensor is missing: there may be none at all. */
static const char *some_path(const ll_loader *l) {
    return ll_tensors_count(l->tensors) ? ll_tensors_path(l->tensors, ll_tensors_at(l->tensors, 0)) : "checkpoint";
}

/* The tensor `name` if it has exactly this shape and a type we compute with. */
static llmcs_status find_checked(ll_loader *l, const char *name, int rank, const uint64_t *shape,
                                 const ll_tensor **tensor) {
    const ll_tensor *t = find(l, name);
    if (!t)
        return ll_fail(LLMCS_FORMAT, "%s: tensor \"%s%s\" is missing, config.json needs it", some_path(l), l->scope,
                       name);
    if (t->rank != rank || memcmp(t->shape, shape, (size_t)rank * sizeof *shape) != 0) {
        char found[LL_SHAPE_TEXT_BYTES], expected[LL_SHAPE_TEXT_BYTES];
        return ll_fail(LLMCS_CONFIG, "%s: tensor \"%s\" is %s, config.json needs %s", ll_tensors_path(l->tensors, t),
                       t->name, ll_shape_text(t->shape, t->rank, found), ll_shape_text(shape, rank, expected));
    }
    if (t->dtype == LL_DTYPE_OTHER)
        return ll_fail(LLMCS_UNSUPPORTED, "%s: tensor \"%s\" is of type %s; " LL_DTYPE_NAMES " are run",
                       ll_tensors_path(l->tensors, t), t->name, t->dtype_name);
    if (!l->filling) l->n_parameters += t->n_elements;
    *tensor = t;
    return LLMCS_OK;
}

static llmcs_status tell_progress(ll_loader *l, const ll_tensor *tensor) {
    l->n_read += tensor->n_elements;
    float done = l->n_parameters ? (float)((double)l->n_read / (double)l->n_parameters) : 1.0f;
    if (l->progress && l->progress(l->progress_user, done < 1.0f ? done : 1.0f))
        return ll_fail(LLMCS_CANCELLED, "opening was stopped by the progress callback");
    return LLMCS_OK;
}

static llmcs_status check_finite(const ll_loader *l, const ll_tensor *t, const float *v, uint64_t first, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (!isfinite(v[i]))
            return ll_fail(LLMCS_FORMAT, "%s: tensor \"%s\" element %llu is not a finite number",
                           ll_tensors_path(l->tensors, t), t->name, (unsigned long long)(first + i));
    return LLMCS_OK;
}

/* A whole tensor as float32, in its own order. */
static llmcs_status read_plain(ll_loader *l, const ll_tensor *t, float *out) {
    for (uint64_t first = 0; first < t->n_elements; first += PIECE_ELEMENTS) {
        uint64_t left = t->n_elements - first;
        size_t n = left < PIECE_ELEMENTS ? (size_t)left : PIECE_ELEMENTS;
        LL_TRY(ll_tensors_read_f32(l->tensors, t, first, n, out + first));
        if (l->check_finite) LL_TRY(check_finite(l, t, out + first, first, n));
    }
    return tell_progress(l, t);
}

llmcs_status ll_load_linear_begin(ll_loader *l, ll_linear *linear, size_t n_in, size_t n_out, bool with_bias,
                                  const char *name) {
    if (l->filling) return ll_linear_create(linear, l->allocator, l->kernels, n_in, n_out, with_bias, name);
    l->bytes += ll_linear_bytes(l->kernels, n_in, n_out, with_bias);
    return LLMCS_OK;
}

static uint64_t max_u64(uint64_t a, uint64_t b) { return a > b ? a : b; }

llmcs_status ll_load_weight(ll_loader *l, ll_linear *linear, ll_weight_layout layout, size_t n_in, size_t first_out,
                            size_t n_out, const char *name) {
    const ll_tensor *t = find(l, name);
    if (t && t->out_in) layout = LL_OUT_IN;
    uint64_t shape[2] = {layout == LL_OUT_IN ? n_out : n_in, layout == LL_OUT_IN ? n_in : n_out};
    LL_TRY(find_checked(l, name, 2, shape, &t));
    if (!l->filling) {
        l->staging_bytes = max_u64(l->staging_bytes, ll_linear_load_bytes(t));
        return LLMCS_OK;
    }
    LL_TRY(ll_linear_load(linear, l->allocator, l->tensors, t, layout, first_out, l->check_finite));
    return tell_progress(l, t);
}

llmcs_status ll_load_bias(ll_loader *l, ll_linear *linear, size_t first_out, size_t n_out, const char *name) {
    const ll_tensor *t;
    LL_TRY(find_checked(l, name, 1, &(uint64_t){n_out}, &t));
    return l->filling ? read_plain(l, t, linear->bias + first_out) : LLMCS_OK;
}

llmcs_status ll_load_linear(ll_loader *l, ll_linear *linear, ll_weight_layout layout, size_t n_in, size_t n_out,
                            const char *name) {
    char weight[128], bias[128];
    ll_format(weight, sizeof weight, "%s.weight", name);
    ll_format(bias, sizeof bias, "%s.bias", name);
    LL_TRY(ll_load_linear_begin(l, linear, n_in, n_out, true, name));
    LL_TRY(ll_load_weight(l, linear, layout, n_in, 0, n_out, weight));
    return ll_load_bias(l, linear, 0, n_out, bias);
}

static llmcs_status load_vector(ll_loader *l, float **vector, size_t n, const char *name) {
    const ll_tensor *t;
    LL_TRY(find_checked(l, name, 1, &(uint64_t){n}, &t));
    if (!l->filling) {
        l->bytes += n * sizeof(float);
        return LLMCS_OK;
    }
    LL_TRY(ll_alloc(l->allocator, n, sizeof(float), name, vector));
    return read_plain(l, t, *vector);
}

llmcs_status ll_load_norm(ll_loader *l, ll_norm *norm, size_t n, float eps, const char *name) {
    char weight[128], bias[128];
    ll_format(weight, sizeof weight, "%s.gamma", name);
    ll_format(bias, sizeof bias, "%s.beta", name);
    if (!ll_loader_has(l, weight)) {
        ll_format(weight, sizeof weight, "%s.weight", name);
        ll_format(bias, sizeof bias, "%s.bias", name);
    }
    norm->n = n;
    norm->eps = eps;
    LL_TRY(load_vector(l, &norm->weight, n, weight));
    return load_vector(l, &norm->bias, n, bias);
}

llmcs_status ll_load_table(ll_loader *l, float **table, size_t n_rows, size_t n, const char *name) {
    const ll_tensor *t;
    uint64_t shape[2] = {n_rows, n};
    LL_TRY(find_checked(l, name, 2, shape, &t));
    if (!l->filling) {
        l->bytes += t->n_elements * sizeof(float);
        return LLMCS_OK;
    }
    size_t n_floats;
    if (!ll_mul(n_rows, n, &n_floats)) return ll_fail(LLMCS_LIMIT, "tensor \"%s\" is too large", t->name);
    LL_TRY(ll_alloc(l->allocator, n_floats, sizeof(float), name, table));
    return read_plain(l, t, *table);
}

void ll_norm_free(ll_norm *norm, const llmcs_allocator *a) {
    ll_free(a, norm->weight);
    ll_free(a, norm->bias);
    *norm = (ll_norm){0};
}

float *ll_carve(float *base, size_t *used, size_t n_floats) {
    float *part = base ? base + *used : NULL;
    *used += ll_round_up(n_floats, 16); /* whole cache lines, so that threads do not share one at an edge */
    return part;
}

/* --------------------------------------------------------------------------------------------- a whole network */

/* The first walk. */
static llmcs_status check(ll_net *net, ll_loader *l) {
    LL_TRY(net->ops->describe(net, l));
    net->n_parameters = l->n_parameters;
    net->weights_bytes = l->bytes;
    return LLMCS_OK;
}

llmcs_status ll_net_plan(ll_net *net, const ll_tensors *tensors, uint64_t *bytes, uint64_t *staging_bytes) {
    ll_loader l = {.tensors = tensors, .kernels = net->kernels};
    LL_TRY(check(net, &l));
    *bytes = l.bytes + (uint64_t)net->config->n_layer * net->ops->layer_bytes + net->ops->net_bytes;
    *staging_bytes = l.staging_bytes;
    return LLMCS_OK;
}

llmcs_status ll_net_load(ll_net *net, const ll_tensors *tensors, bool finite_only, llmcs_progress_fn progress,
                         void *progress_user) {
    ll_loader l = {.tensors = tensors,
                   .allocator = &net->allocator,
                   .kernels = net->kernels,
                   .check_finite = finite_only,
                   .progress = progress,
                   .progress_user = progress_user};
    LL_TRY(check(net, &l));
    size_t n_layers = (size_t)net->config->n_layer; /* as many as there are tensors for, now that they were found */
    LL_TRY(ll_alloc_zero(&net->allocator, n_layers, net->ops->layer_bytes, "layers", &net->layers));
    net->n_layers = n_layers;
    l.filling = true;
    return net->ops->describe(net, &l);
}
