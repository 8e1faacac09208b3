/*
 * A network's fingerprint: 64 bits over its sizes and weights, so that keys and values kept outside the process are not
 * given to another network. Small things go in whole: sizes, norms, biases, the position table. Of a matrix every
 * output gives LL_FINGERPRINT_INPUTS of its weights, spread over the inputs and others from one group of outputs to
 * the next, and what they are scaled by: training changes every weight of a row that it touches. It is a check against
 * mistakes, not against somebody who sets a few weights by hand.
 *
 * What goes in is read through ll_linear_code and comes in the order of outputs, so it does not depend on how a row of
 * kernels packs its panels, nor on anything a processor computes.
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
/* A large table [n_rows, n], sampled as a matrix is. */
uint64_t ll_fingerprint_table(uint64_t hash, const float *table, size_t n_rows, size_t n);

#endif
