/* A network of any family: creating and freeing one, its workspace, and its forward pass on a pool of threads. */
#include "families/family.h"
#include "models/model.h"

llmcs_status ll_net_create(const ll_config *config, const llmcs_allocator *a, const ll_kernels *kernels,
                           const struct ll_openblas *openblas, ll_net **net) {
    *net = NULL;
    static const ll_net_ops *const networks[] = {
        [LL_NETWORK_TRANSFORMER] = &ll_transformer_ops, [LL_NETWORK_LSTM] = &ll_lstm_ops};
    const ll_net_ops *ops = networks[config->family->network];
    LL_TRY(ll_alloc_zero(a, 1, ops->net_bytes, "network", net));
    (*net)->ops = ops;
    (*net)->config = config;
    (*net)->allocator = *a;
    (*net)->kernels = kernels;
    (*net)->openblas = openblas;
    (*net)->generates = config->head == LL_HEAD_CAUSAL_LM;
    (*net)->has_source = ll_family_has_source(config->family);
    const bool all_layers = (*net)->generates || (*net)->has_source;
    (*net)->kv = (ll_kv_layout){.n_layer = all_layers ? (size_t)config->n_layer : 1,
                                .n_kv_head = (size_t)config->n_kv_head,
                                .head_dim = (size_t)config->head_dim};
    return LLMCS_OK;
}

llmcs_status ll_net_set_kv_type(ll_net *net, llmcs_kv_type kv_type) {
    const bool narrow = kv_type == LLMCS_KV_F16 || (kv_type == LLMCS_KV_AUTO && ll_is_integer_type(net->weight_type));
    if (net->ops->caches_states && kv_type == LLMCS_KV_F16)
        return ll_fail(LLMCS_UNSUPPORTED, "kv_type f16: the states of model_type %s are float32; leave kv_type out",
                       net->config->model_type);
    net->kv.type = net->generates && narrow && !net->ops->caches_states ? LL_KV_F16 : LL_KV_F32;
    return LLMCS_OK;
}

void ll_net_free(ll_net **net) {
    if (!*net) return;
    llmcs_allocator a = (*net)->allocator;
    ll_slab_free(&(*net)->weights);
    ll_free(&a, (*net)->layers);
    ll_free(&a, *net);
    *net = NULL;
}

typedef struct forward_args {
    const ll_net *net;
    const ll_batch *batch;
    float *workspace;
    atomic_bool stopped;
} forward_args;

static void forward_on_thread(ll_team *team, void *arg) {
    forward_args *p = arg;
    ll_exec exec = {.team = team, .kernels = p->net->kernels, .openblas = p->net->openblas};
    p->net->ops->forward(p->net, &exec, p->batch, p->workspace, &p->stopped);
}

llmcs_status ll_net_forward(const ll_net *net, ll_pool *pool, const ll_batch *batch, float *workspace) {
    forward_args p = {.net = net, .batch = batch, .workspace = workspace};
    atomic_init(&p.stopped, false);
    LL_TRY(ll_pool_run(pool, forward_on_thread, &p));
    return atomic_load(&p.stopped) ? ll_fail(LLMCS_CANCELLED, "the call was cancelled") : LLMCS_OK;
}

ll_forward_size ll_batch_size(const ll_batch *batch, size_t n_threads) {
    ll_forward_size size = {.n_rows = batch->n_rows,
                            .n_segments = batch->n_segments,
                            .n_logit_rows = batch->n_logit_rows,
                            .n_threads = n_threads};
    for (size_t i = 0; i < batch->n_segments; i++) {
        const ll_segment *s = &batch->segments[i];
        size.max_positions = ll_max(size.max_positions, ll_max(s->first_position + s->n_rows, s->n_source));
    }
    return size;
}

bool ll_forward_stopped(const ll_exec *exec, const ll_batch *batch, atomic_bool *stopped) {
    if (exec->team->index == 0 && batch->should_stop && batch->should_stop(batch->user)) atomic_store(stopped, true);
    ll_team_wait(exec->team);
    return atomic_load(stopped);
}

float *ll_carve(float *base, size_t *used, size_t n_floats) {
    float *part = base ? base + *used : NULL;
    *used += ll_round_up(n_floats, 16); /* whole cache lines, so that threads do not share one at an edge */
    return part;
}

size_t ll_quantized_floats(const ll_net *net, size_t n_in, const ll_forward_size *size) {
    if (!net->has_integers) return 0;
    return ll_quantized_bytes(net->kernels, n_in, ll_max(size->n_rows, size->n_logit_rows), size->n_threads) /
           sizeof(float);
}
