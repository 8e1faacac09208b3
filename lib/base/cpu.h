/* Features of this processor, and how many of its cores this process may use. */
#ifndef LL_BASE_CPU_H
#define LL_BASE_CPU_H

#include <stdbool.h>

typedef struct ll_cpu {
    bool avx2_fma_f16c; /* x86: with the OS saving ymm state (XCR0) */
    bool avx512;        /* F BW VL DQ, with zmm state */
    bool avx512_vnni, avx_vnni;
    bool amx_int8;            /* with tile state enabled in XCR0; each process must request it, see below */
    bool neon, dotprod, i8mm; /* AArch64 */
} ll_cpu;

/* CPUID or HWCAP. Not cached: it costs microseconds and is called when a model is opened. */
ll_cpu ll_cpu_detect(void);

/* Requests permission to use AMX tiles, once for the lifetime of the process. Tiles add 8 KiB to every signal frame, so
 * Linux refuses if a thread's alternate signal stack is too small for that. Later calls return at once. */
void ll_cpu_request_tiles(void);
/* True if the permission was requested and granted. */
bool ll_cpu_may_use_tiles(void);

/* Cores this process may use: affinity mask, then the cgroup quota (v2 cpu.max, v1 cfs_quota, of the process's
 * group and every group above it) rounded down; at least 1. A quota that cannot be read is ignored; without an affinity
 * mask (a seccomp filter) the result is 1. */
int ll_cpu_usable(void);

/* The cgroup quota alone, rounded down to cores, at least 1; 0: no quota. `root` is a prefix for /proc and the mount
 * points:
 * "" in production, a folder of sample files in tests. */
int ll_cpu_quota(const char *root);

#endif
