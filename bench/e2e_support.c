/* Shared by the parts of e2e: rows of the report, and the cost of a model by its shape. */
#include <string.h>

#include "e2e.h"
#include "models/stack.h"
#include "runtime/model/model.h"

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

bench_list e2e_list(const bench_list *requested, bench_list usual) { return requested->n ? *requested : usual; }

double e2e_layer_operations(const subject *s) {
    const ll_net *net = s->model->net;
    const ll_layer *layers = net->layers;
    double weights = 0;
    for (size_t i = 0; i < net->n_layers; i++) {
        const ll_linear *const linears[] = {&layers[i].qkv, &layers[i].attn_out, &layers[i].up, &layers[i].down};
        for (size_t j = 0; j < 4; j++) weights += (double)linears[j]->n_in * (double)linears[j]->n_out;
    }
    return 2 * weights;
}

double e2e_step_weights(const subject *s) {
    const bool has_positions = !strcmp(s->info.model_type, "gpt2");
    return (double)s->info.weights_bytes - (has_positions ? 4.0 * s->info.n_ctx * s->info.n_embd : 0);
}

double e2e_context_bytes(const subject *s, double tokens) {
    return tokens * (double)ll_kv_block_bytes(&s->model->net->kv) / LL_KV_BLOCK;
}

double e2e_head_operations(const subject *s) { return 2.0 * s->info.n_embd * s->info.vocab_size; }

double e2e_bytes_of_weight(const llmcs_model_info *i) {
    if (!strcmp(i->weights, "f32")) return 4;
    if (!strcmp(i->weights, "int8")) return 1;
    if (!strcmp(i->weights, "int4")) return 18.0 / 32; /* with its block's scale */
    return 2;
}

bench_arithmetic e2e_arithmetic(const llmcs_model_info *i) { return bench_arithmetic_of(i->weights); }
