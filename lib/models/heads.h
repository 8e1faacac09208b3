/* The output layers, described by ll_head_spec (families/family.h): language model, classifiers of sequences and of
 * tokens, masked LM, and the pooler. */
#ifndef LL_MODELS_HEADS_H
#define LL_MODELS_HEADS_H

#include "models/stack.h"

typedef struct ll_heads {
    const ll_head_spec *spec; /* NULL: none but the pooler */
    ll_linear pooler;         /* n_embd -> n_embd; packed is NULL without one */
    ll_linear dense;          /* n_embd -> width; packed is NULL if there is none or the pooler takes its place */
    ll_norm norm;             /* [width]; n 0: none */
    ll_linear out;            /* width -> vocabulary or labels */
} ll_heads;

typedef struct ll_heads_workspace {
    float *rows;  /* [n_segments or n_logit_rows, n_embd] the stack's output for the rows the head reads */
    float *dense; /* the same, after the dense layer */
} ll_heads_workspace;

/* True if the head's matrix is the token table, see ll_stack.tied. */
bool ll_heads_tied(const ll_config *c);
/* Describe the weights to the loader. prefix: of the stack's tensor names; outer: of names outside the stack. */
llmcs_status ll_heads_describe_pooler(ll_heads *h, const ll_config *c, ll_loader *l, const char *prefix);
llmcs_status ll_heads_describe(ll_heads *h, const ll_config *c, ll_loader *l, const char *prefix, const char *outer);

void ll_heads_lay_out(const ll_heads *h, const ll_config *c, const ll_forward_size *size, float *base, size_t *used,
                      ll_heads_workspace *w);
/* Writes the outputs that the batch requests. x: the stack's result, which may be overwritten. */
void ll_heads_forward(const ll_heads *h, const ll_stack *s, const ll_exec *exec, const ll_batch *batch, float *x,
                      ll_heads_workspace *w);

#endif
