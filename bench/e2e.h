/* One model under measurement. */
#ifndef LLMCS_BENCH_E2E_H
#define LLMCS_BENCH_E2E_H

#include "bench.h"

typedef struct subject {
    const bench *b;
    const char *name, *path; /* name: the shape's, or the path */
    llmcs_model_options options;
    llmcs_model *model;
    llmcs_model_info info;
    int32_t *ids; /* [n_ctx] anything inside the vocabulary */
} subject;

/* A row with what the subject says filled in. */
bench_row e2e_row(const subject *s, const char *label, const char *name, size_t tokens, size_t batch, double amount,
                  const char *unit);
/* One option list, or the default where it is empty. */
bench_list e2e_list(const bench_list *requested, bench_list usual);

/* Operations of one token's products with the layers' matrices: 2 for each weight. Those of attention itself are left
 * out: they are float32 whatever the weights are, and 5 % of a prompt of 512. */
double e2e_layer_operations(const subject *s);
double e2e_bytes_of_weight(const llmcs_model_info *i);
bench_arithmetic e2e_arithmetic(const llmcs_model_info *i);
/* Bytes of what one step of a decoder reads whatever the batch: all weights but the position table,
 * which is float32; of the keys and values of so many tokens; operations of one token's logits. */
double e2e_step_weights(const subject *s);
double e2e_context_bytes(const subject *s, double tokens);
double e2e_head_operations(const subject *s);

/* Opens the model of the command line with each kind of weights, of keys and values, and measures it. 0 or a code. */
int e2e_each(const bench *b, int (*measure)(subject *s));

int e2e_opening(const subject *s); /* e2e_open.c */
int e2e_decoder(subject *s);
int e2e_encoder(subject *s);

#endif
