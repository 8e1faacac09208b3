/*
 * Counter-based random numbers: Philox4x32-10 (Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as
 * 1, 2, 3", SC11). No state is carried from token to token, so a sequence gets the same numbers whatever else is in its
 * batch, however many threads there are, and wherever a call is resumed.
 */
#ifndef LL_GENERATE_RANDOM_H
#define LL_GENERATE_RANDOM_H

#include <stdint.h>

/* Random number `draw` for token `step` of sequence `sequence`: in [0, 1), a multiple of 2^-53. */
double ll_uniform(uint64_t seed, uint32_t sequence, uint32_t step, uint64_t draw);

#endif
