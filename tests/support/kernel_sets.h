/* The kernel sets that this processor runs, and by name those it does not. */
#ifndef TESTS_SUPPORT_KERNEL_SETS_H
#define TESTS_SUPPORT_KERNEL_SETS_H

#include <stdio.h>
#include <string.h>

#include "kernels/kernels.h"
#include "support/suite.h"

#define MAX_KERNEL_SETS 8

static inline size_t all_kernels(const ll_kernels *sets[MAX_KERNEL_SETS]) {
    const ll_cpu cpu = ll_cpu_detect();
    const size_t n = ll_kernels_list(&cpu, sets, MAX_KERNEL_SETS);
    for (size_t i = 0; i < n; i++) {
        if (sets[i]->prepare) sets[i]->prepare(LL_Q8);
    }
    return n;
}

/* The rows of this build that this processor lacks: no test here has run them. */
static inline void name_kernel_sets_that_cannot_run(void) {
    const ll_kernels *built[MAX_KERNEL_SETS], *here[MAX_KERNEL_SETS];
    const size_t n_built = ll_kernels_list(NULL, built, MAX_KERNEL_SETS), n_here = all_kernels(here);
    char names[128] = "";
    for (size_t i = 0; i < n_built; i++) {
        bool runs = false;
        for (size_t j = 0; j < n_here; j++) runs |= here[j] == built[i];
        const size_t used = strlen(names);
        if (!runs) snprintf(names + used, sizeof names - used, "%s%s", used ? ", " : "", built[i]->name);
    }
    if (*names) suite_skip(names, "this processor does not have these kernel sets");
}

#endif
