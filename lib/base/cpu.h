/* What this processor can do, asked once, and how many of its cores this process may use. */
#ifndef LL_BASE_CPU_H
#define LL_BASE_CPU_H

#include <stdbool.h>

typedef struct ll_cpu {
    bool avx2_fma_f16c; /* x86: with the OS saving ymm state (XCR0) */
    bool avx512;        /* F BW VL DQ, with zmm state */
    bool avx512_vnni, avx_vnni;
    bool amx_int8;            /* with the OS saving tiles, which each process has to ask for */
    bool neon, dotprod, i8mm; /* AArch64 */
} ll_cpu;

/* CPUID / HWCAP. No cache, no global: cheap enough to ask at open. */
ll_cpu ll_cpu_detect(void);

/* Tiles (AMX) are 8 KiB of registers more to save when a thread is interrupted, so Linux lets a process use them only
 * after it has asked, for good. It refuses where a thread's alternate signal stack has no room for them. Asked once by
 * the process; later calls know the answer. */
void ll_cpu_ask_for_tiles(void);
/* Whether that was granted; false before it was asked. */
bool ll_cpu_may_use_tiles(void);

/* Cores this process may use: affinity mask, then the cgroup quota (v2 cpu.max, v1 cfs_quota, of the process's
 * group and every group above it) rounded down; at least 1. A quota that cannot be read is no bound; without an
 * affinity mask (a seccomp filter) the answer is 1. */
int ll_cpu_usable(void);

/* The cgroup quota alone, in whole cores, at least 1; 0: no bound. `root` goes before /proc and the mount points:
 * "" in earnest, a folder of sample files in tests. */
int ll_cpu_quota(const char *root);

#endif
