/* Loops that keep the arithmetic units of one core as busy as they get, one for each kind of instruction. */
#ifndef LLMCS_BENCH_LOOPS_H
#define LLMCS_BENCH_LOOPS_H

#include "base/cpu.h"
#include "bench.h"

typedef struct bench_loop {
    const char *name;    /* "AVX-512 multiply-add" */
    unsigned arithmetic; /* those of bench_arithmetic that it is */
    double operations;   /* multiplications and additions of one round */
    void (*run)(size_t n_rounds);
    bool (*runs_on)(const ll_cpu *cpu);
    const char *used_by; /* kernel sets, their names with spaces between */
} bench_loop;

/* All loops of this build, the best of each arithmetic first. */
extern const bench_loop bench_loops[];
extern const size_t bench_n_loops;

/* The loop that the kernel set is held against, of those that run here; NULL: none. */
const bench_loop *bench_loop_of(const char *row, bench_arithmetic arithmetic);

#endif
