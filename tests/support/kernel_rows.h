/* The rows of kernels that this processor runs, and by name those it does not. */
#ifndef TESTS_SUPPORT_KERNEL_ROWS_H
#define TESTS_SUPPORT_KERNEL_ROWS_H

#include <stdio.h>
#include <string.h>

#include "kernels/kernels.h"
#include "support/suite.h"

#define MAX_ROWS_OF_KERNELS 8

static inline size_t all_kernels(const ll_kernels *rows[MAX_ROWS_OF_KERNELS]) {
    const ll_cpu cpu = ll_cpu_detect();
    const size_t n = ll_kernels_list(&cpu, rows, MAX_ROWS_OF_KERNELS);
    for (size_t i = 0; i < n; i++) {
        if (rows[i]->prepare) rows[i]->prepare(LL_Q8);
    }
    return n;
}

/* The rows of this build that this processor lacks: no test here has run them. */
static inline void name_rows_that_cannot_run(void) {
    const ll_kernels *built[MAX_ROWS_OF_KERNELS], *here[MAX_ROWS_OF_KERNELS];
    const size_t n_built = ll_kernels_list(NULL, built, MAX_ROWS_OF_KERNELS), n_here = all_kernels(here);
    char names[128] = "";
    for (size_t i = 0; i < n_built; i++) {
        bool runs = false;
        for (size_t j = 0; j < n_here; j++) runs |= here[j] == built[i];
        const size_t used = strlen(names);
        if (!runs) snprintf(names + used, sizeof names - used, "%s%s", used ? ", " : "", built[i]->name);
    }
    if (*names) suite_skip(names, "this processor does not have these rows of kernels");
}

#endif
