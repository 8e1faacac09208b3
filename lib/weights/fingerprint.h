/*
 * A network's fingerprint: 64 bits over its sizes and weights, so that saved keys and values are not given to another
 * network. Sizes, norms, biases and the position table are hashed whole. Of a matrix, LL_FINGERPRINT_INPUTS weights and
 * the scale of every output are hashed, at other inputs from one group of outputs to the next: training changes every
 * weight of a row that it touches. This guards against mistakes, not against somebody who sets a few weights by hand.
 *
 * Weights are read by ll_linear_code in the order of outputs, so the fingerprint depends neither on the kernel set nor
 * on anything a processor computes.
 */
#ifndef LL_WEIGHTS_FINGERPRINT_H
#define LL_WEIGHTS_FINGERPRINT_H

#include "formats/config.h"
#include "nn/nn.h"

#define LL_FINGERPRINT_INPUTS 8

/* Each returns the hash so far with more in it. */
uint64_t ll_fingerprint_config(uint64_t hash, const ll_config *c);
uint64_t ll_fingerprint_floats(uint64_t hash, const float *x, size_t n);
uint64_t ll_fingerprint_norm(uint64_t hash, const ll_norm *norm);
uint64_t ll_fingerprint_linear(uint64_t hash, const ll_linear *linear);
/* A large table of n_rows, sampled as a matrix is. */
uint64_t ll_fingerprint_table(uint64_t hash, const ll_table *table, size_t n_rows);

#endif
