/* Which kernel set a model uses: the best one its processor runs, or the one that LLMCS_CPU names. */
#include <stdlib.h>
#include <string.h>

#include "kernels/kernel_sets.h"

typedef struct entry {
    const ll_kernels *set;
    bool (*runs_on)(const ll_cpu *cpu);
} entry;

static bool always(const ll_cpu *cpu) {
    (void)cpu;
    return true;
}

#if defined(__x86_64__)
static bool has_avx2(const ll_cpu *cpu) { return cpu->avx2_fma_f16c; }
static bool has_avxvnni(const ll_cpu *cpu) { return cpu->avx_vnni; }
static bool has_avx512(const ll_cpu *cpu) { return cpu->avx512; }
static bool has_avx512vnni(const ll_cpu *cpu) { return cpu->avx512_vnni; }
static bool has_amx(const ll_cpu *cpu) { return cpu->avx512_vnni && cpu->amx_int8; }
#elif defined(__aarch64__)
static bool has_neon(const ll_cpu *cpu) { return cpu->neon; }
static bool has_dotprod(const ll_cpu *cpu) { return cpu->neon && cpu->dotprod; }
static bool has_i8mm(const ll_cpu *cpu) { return cpu->neon && cpu->i8mm; }
#endif

/* Best first. */
static const entry entries[] = {
#if defined(__x86_64__)
    {&ll_kernels_amx, has_amx},       {&ll_kernels_avx512vnni, has_avx512vnni},
    {&ll_kernels_avx512, has_avx512}, {&ll_kernels_avxvnni, has_avxvnni},
    {&ll_kernels_avx2, has_avx2},
#elif defined(__aarch64__)
    {&ll_kernels_i8mm, has_i8mm},
    {&ll_kernels_dotprod, has_dotprod},
    {&ll_kernels_neon, has_neon},
#endif
    {&ll_kernels_scalar, always},
};

#define N_ENTRIES (sizeof entries / sizeof *entries)

size_t ll_kernels_list(const ll_cpu *cpu, const ll_kernels **sets, size_t max) {
    size_t n = 0;
    for (size_t i = 0; i < N_ENTRIES && n < max; i++) {
        if (!cpu || entries[i].runs_on(cpu)) sets[n++] = entries[i].set;
    }
    return n;
}

/* "avx2, scalar" */
static void join_names(const ll_kernels *const *sets, size_t n, char *out, size_t size) {
    size_t used = 0;
    for (size_t i = 0; i < n && used < size; i++) {
        used += (size_t)ll_format(out + used, size - used, "%s%s", i ? ", " : "", sets[i]->name);
    }
}

llmcs_status ll_kernels_pick(const ll_cpu *cpu, const ll_kernels **out) {
    const ll_kernels *sets[N_ENTRIES];
    size_t n = ll_kernels_list(cpu, sets, N_ENTRIES);
    const char *forced = secure_getenv("LLMCS_CPU");
    *out = sets[0];
    if (!forced || !*forced) return LLMCS_OK;
    for (size_t i = 0; i < n; i++) {
        if (strcmp(sets[i]->name, forced) == 0) {
            *out = sets[i];
            return LLMCS_OK;
        }
    }
    char names[96] = "";
    join_names(sets, n, names, sizeof names);
    *out = NULL;
    return ll_fail(LLMCS_UNSUPPORTED,
                   "environment variable LLMCS_CPU: \"%.40s\" is not a kernel set of this processor (%s)", forced,
                   names);
}
