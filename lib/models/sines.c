#include "models/sines.h"

#include <math.h>

/* Computed in double and rounded, as in MarianSinusoidalPositionalEmbedding. An odd width has one sine more. */
void ll_fill_sines(float *positions, size_t n_positions, size_t n) {
    const size_t n_sines = n - n / 2;
    for (size_t i = 0; i < n_positions * n; i++) {
        const size_t k = i % n < n_sines ? i % n : i % n - n_sines;
        const size_t position = i / n;
        const double angle = (double)position / pow(10000.0, 2.0 * (double)k / (double)n);
        positions[i] = (float)(i % n < n_sines ? sin(angle) : cos(angle));
    }
}
