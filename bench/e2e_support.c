/* What the parts of e2e share: rows of the report, and the cost of a model by its shape. */
#include <string.h>

#include "e2e.h"

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
