/* The steps of ll_attention_project, for its tests and the bench: attention.c is the only caller in the library. */
#ifndef LL_NN_ATTENTION_INTERNAL_H
#define LL_NN_ATTENTION_INTERNAL_H

#include "nn/nn.h"

/* False if heads can be divided evenly: each thread then stores the keys and values of its own heads and attends to
 * them, without a barrier. True: heads are divided for storing and tiles for attending, with a barrier in between. */
bool ll_attention_waits(const ll_exec *exec, const ll_attention *a);
/* out = softmax(scale * q k^T) v for this thread's share (Vaswani et al. 2017, eq. 1). A row without a finite score
 * becomes NaN. */
void ll_attention_attend(const ll_exec *exec, const ll_attention *a);
/* True if this thread's heads are the same in every segment, and their columns of queries, keys and values, in one
 * linear of panels of nr, are whole panels. Then it computes those columns itself, and attention starts without a wait.
 */
bool ll_attention_columns(const ll_exec *exec, const ll_attention *a, size_t nr, ll_outputs columns[3]);

#endif
