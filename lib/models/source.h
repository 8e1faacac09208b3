/*
 * The source of an encoder-decoder. It is encoded once; the keys and values of the encoder's output for every decoder
 * layer, which all sequences attend to, are stored in blocks with the layout of the decoder's own KV cache.
 */
#ifndef LL_MODELS_SOURCE_H
#define LL_MODELS_SOURCE_H

#include "models/stack.h"

typedef struct ll_source_workspace {
    ll_stack_workspace stack; /* the encoder's */
    float *kv;                /* [n_rows, ll_stack_kv_width] keys and values for one layer of the decoder */
    float *blocks;            /* keys and values within one layer of the encoder, which all its layers use in turn */
    ll_segment *segments;     /* [n_segments] the batch's, with those blocks as kv_blocks */
    void **block_table;
} ll_source_workspace;

/* Layout of the keys and values of one encoder layer. */
ll_kv_layout ll_source_layout(const ll_config *c);

void ll_source_lay_out(const ll_net *net, const ll_stack *encoder, const ll_stack *decoder, const ll_forward_size *size,
                       float *base, size_t *used, ll_source_workspace *w);
/* Encodes the batch's segments and stores keys and values for the decoder in their source_blocks; or evaluates the
 * batch's parts of that. batch->hidden, unless NULL, gets the encoder's output. */
void ll_source_forward(const ll_stack *encoder, const ll_stack *decoder, const ll_exec *exec, const ll_batch *batch,
                       ll_source_workspace *w, atomic_bool *stopped);

/* x = x + cross(norm(x)) of layer i of the decoder, of each segment to its own source. `norm` may be applied in place.
 */
void ll_source_attend(const ll_stack *s, const ll_exec *exec, const ll_batch *batch, size_t i, const ll_norm *norm,
                      ll_stack_workspace *w);

#endif
