/* Pools the hidden states of a text's tokens to one vector (sentence_transformers/models/Pooling.py). */
#ifndef LL_RUNTIME_ENCODER_POOLING_H
#define LL_RUNTIME_ENCODER_POOLING_H

#include <stddef.h>
#include <stdint.h>

/* vector [n_modes, n]: one part per mode in `modes` (LL_POOL_*). hidden: [n_tokens, n]. The first n_prompt tokens count
 * only for the first-token mode. Without tokens, sums are 0 and maxima -1e9, as in sentence-transformers. */
void ll_pool_tokens(uint32_t modes, const float *hidden, size_t n_tokens, size_t n_prompt, size_t n, float *vector);

#endif
