/* Runs the steps of llmcs_model_open that need no weights, to compute the memory that opening takes. */
#ifndef LL_RUNTIME_PLAN_MODEL_H
#define LL_RUNTIME_PLAN_MODEL_H

#include "runtime/model/model.h"

typedef struct ll_byte_counter {
    llmcs_allocator inner;
    uint64_t live_bytes, peak_bytes;
} ll_byte_counter;

typedef struct ll_model_plan {
    ll_byte_counter counter;
    llmcs_allocator counting; /* counts through `counter`; the opened parts keep its address */
    ll_source source;
    ll_config config;
    const ll_kernels *kernels;
    ll_openblas *openblas;
    llmcs_tokenizer *tokenizer;
    ll_tensors *tensors;
    ll_adapters *adapters;
    ll_net *net; /* planned, without weights */
    uint64_t model_bytes, peak_bytes;
} ll_model_plan;

/* options: checked, see ll_model_options_read. On failure nothing is open. *p must not move afterwards. */
llmcs_status ll_model_plan_open(ll_model_plan *p, const char *path, const llmcs_model_options *options);
void ll_model_plan_close(ll_model_plan *p);

/* Threads that a model opened with these options will have. */
size_t ll_model_plan_n_threads(const llmcs_model_options *options);

#endif
