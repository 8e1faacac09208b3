/* Sinusoidal positions (Vaswani et al. 2017, section 3.5). */
#ifndef LL_MODELS_SINES_H
#define LL_MODELS_SINES_H

#include <stddef.h>

/* positions [n_positions, n], with the sines of all angles before the cosines, as Marian has them. */
void ll_fill_sines(float *positions, size_t n_positions, size_t n);

#endif
