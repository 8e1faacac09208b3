/* Plans, visits and loads a network. The first walk over its description checks and counts, the second one loads. */
#include "base/call.h"
#include "models/model.h"

/* The packed type of most of the large matrices. */
static ll_weight_type main_type(const ll_loader *l) {
    ll_weight_type most = LL_F32;
    for (ll_weight_type t = LL_F32; t < LL_N_WEIGHT_TYPES; t++)
        if (l->bytes_of[t] > l->bytes_of[most]) most = t;
    return most;
}

static size_t n_layers_of(const ll_net *net) {
    return (size_t)net->config->encoder.n_layer + (size_t)net->config->n_layer;
}

/* The first walk over the description. */
static llmcs_status check_and_count(ll_net *net, ll_loader *l) {
    if (net->openblas && l->wanted > LLMCS_WEIGHTS_F32)
        return ll_fail(LLMCS_UNSUPPORTED, "backend openblas supports float32 weights only");
    if (net->openblas) l->wanted = LLMCS_WEIGHTS_F32;
    LL_TRY(net->ops->describe(net, l));
    net->n_parameters = l->n_parameters;
    net->weights_bytes = l->bytes;
    net->weight_type = main_type(l);
    net->has_integers = l->bytes_of[LL_Q8] + l->bytes_of[LL_Q4] > 0;
    return LLMCS_OK;
}

llmcs_status ll_net_plan(ll_net *net, const ll_tensors *tensors, llmcs_weights weights, size_t n_threads,
                         uint64_t *bytes, uint64_t *staging_bytes) {
    ll_loader l = {.tensors = tensors, .kernels = net->kernels, .wanted = weights};
    LL_TRY(check_and_count(net, &l));
    *bytes = l.slab_bytes + n_layers_of(net) * net->ops->layer_bytes + net->ops->net_bytes;
    *staging_bytes = ll_load_jobs_bytes(l.n_jobs, n_threads);
    return LLMCS_OK;
}

llmcs_status ll_net_visit(ll_net *net, const ll_tensors *tensors, void (*visit)(void *user, const ll_tensor *t),
                          void *user) {
    ll_loader l = {
        .tensors = tensors, .kernels = net->kernels, .wanted = LLMCS_WEIGHTS_F32, .visit = visit, .visit_user = user};
    return check_and_count(net, &l);
}

static void free_jobs(ll_loader *l) { ll_free(l->allocator, l->jobs); }

llmcs_status ll_net_load(ll_net *net, const ll_tensors *tensors, ll_pool *pool, const ll_load_options *options) {
    ll_loader l LL_CLEANUP(free_jobs) = {.tensors = tensors,
                                         .allocator = &net->allocator,
                                         .kernels = net->kernels,
                                         .wanted = options->weights,
                                         .check_finite = options->check_finite};
    LL_TRY(check_and_count(net, &l));
    size_t n_layers = n_layers_of(net); /* bounded: the checks have found the tensors of every layer */
    LL_TRY(ll_alloc_zero(&net->allocator, n_layers, net->ops->layer_bytes, "layers", &net->layers));
    net->n_layers = n_layers;
    LL_TRY(ll_slab_create(&net->weights, &net->allocator, l.slab_bytes, "weights"));
    LL_TRY(ll_alloc(&net->allocator, l.n_jobs, sizeof *l.jobs, "load jobs", &l.jobs));
    const llmcs_allocator memory = ll_slab_allocator(&net->weights);
    l.memory = &memory;
    l.filling = true;
    llmcs_status st = net->ops->describe(net, &l);
    if (!st) st = ll_load_jobs(&l, pool, options);
    return st;
}
