/* Shared by all parts of the benchmark: error messages, memory, and random numbers. */
#include <stdio.h>
#include <stdlib.h>

#include "bench.h"

int bench_failed(const char *doing) {
    fprintf(stderr, "llmcs-bench: %s: %s\n", doing, llmcs_error_message());
    return 1;
}

void *bench_memory(size_t n_bytes) {
    void *p = NULL;
    if (posix_memalign(&p, 64, n_bytes)) {
        fprintf(stderr, "llmcs-bench: no memory for %zu bytes\n", n_bytes);
        exit(1);
    }
    return p;
}

float *bench_floats(size_t n, float scale) {
    float *x = bench_memory(n * sizeof(float));
    uint32_t state = 1;
    for (size_t i = 0; i < n; i++) {
        state = state * 1664525u + 1013904223u; /* Numerical Recipes' generator */
        x[i] = scale * ((float)(state >> 8) * 0x1p-23f - 1.0f);
    }
    return x;
}
