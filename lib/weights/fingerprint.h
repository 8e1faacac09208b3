/*
 * A network's fingerprint: 64 bits over its sizes and weights, so that saved keys and values are not restored into
 * another network. Sizes, norms, biases and the position table are hashed completely. Of a matrix,
 * LL_FINGERPRINT_INPUTS weights and the scale of every output are hashed, at inputs that vary between groups of
 * outputs: training changes every weight of a row that it touches. This guards against mistakes, not against
 * manipulation.
 *
 * Weights are read by ll_linear_code in the order of outputs, so the fingerprint does not depend on the kernel set.
 */
#ifndef LL_WEIGHTS_FINGERPRINT_H
#define LL_WEIGHTS_FINGERPRINT_H

#include "formats/config.h"
#include "nn/nn.h"

#define LL_FINGERPRINT_INPUTS 8

/* Each adds data to `hash` and returns the new hash. */
uint64_t ll_fingerprint_config(uint64_t hash, const ll_config *c);
uint64_t ll_fingerprint_floats(uint64_t hash, const float *x, size_t n);
uint64_t ll_fingerprint_norm(uint64_t hash, const ll_norm *norm);
uint64_t ll_fingerprint_linear(uint64_t hash, const ll_linear *linear);
/* A large table of n_rows, sampled as a matrix is. */
uint64_t ll_fingerprint_table(uint64_t hash, const ll_table *table, size_t n_rows);

#endif
