/* Sinusoidal positions (Vaswani et al. 2017, section 3.5). */
#ifndef LL_MODELS_SINES_H
#define LL_MODELS_SINES_H

#include <stddef.h>

/* Fills positions [n_positions, n]. In each row the sines of all angles come before the cosines, as in Marian. */
void ll_fill_sines(float *positions, size_t n_positions, size_t n);

#endif
