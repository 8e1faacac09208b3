/* The steps of ll_attention_project, for its tests and the bench: attention.c is the only caller in the library. */
#ifndef LL_NN_ATTENTION_INTERNAL_H
#define LL_NN_ATTENTION_INTERNAL_H

#include "nn/nn.h"

/* Where heads can be dealt to the threads evenly, each thread stores the keys and values of its own heads and
 * attends to them, and nobody waits; else storing and attending are dealt each for itself, with a wait between. */
bool ll_attention_waits(const ll_exec *exec, const ll_attention *a);
/* Writes this thread's part of the keys and values of all rows into their blocks. */
void ll_attention_store(const ll_exec *exec, const ll_attention *a);
/* out = softmax(scale * q k^T) v for this thread's part (Vaswani et al. 2017, eq. 1). A row without a finite score
 * becomes NaN. */
void ll_attention_attend(const ll_exec *exec, const ll_attention *a);
/* All of it; may wait in between. */
void ll_attention_apply(const ll_exec *exec, const ll_attention *a);
/* True if this thread attends to the same heads of every run, and those are the columns [*begin, *end) of queries, of
 * keys and of values, whole panels of nr: then it can compute them itself, and begin without waiting for the others. */
bool ll_attention_columns(const ll_exec *exec, const ll_attention *a, size_t nr, size_t *begin, size_t *end);

#endif
