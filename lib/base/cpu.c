/* Processor features by CPUID or HWCAP, and Linux's permission to use AMX. Written by hand because Debian 12's
 * libcpuinfo-dev (2022) does not know AMX. */
#include "base/cpu.h"

#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#include <stdint.h>

/* Bits: Intel SDM vol. 2A, CPUID; vol. 1, 13.3 (XCR0). */
#define XCR0_YMM 0x06u      /* SSE and AVX state */
#define XCR0_ZMM 0xe6u      /* and opmask, upper halves, zmm16..31 */
#define XCR0_TILES 0x60000u /* tile configuration and data */

static bool bit(uint32_t word, int n) { return word >> n & 1; }

/* Which register state the operating system saves; only with CPUID.1:ECX.OSXSAVE. */
static uint32_t read_xcr0(void) {
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
}

ll_cpu ll_cpu_detect(void) {
    ll_cpu cpu = {0};
    uint32_t a, b, c, d, ecx1;
    if (!__get_cpuid(1, &a, &b, &ecx1, &d) || !bit(ecx1, 27)) return cpu; /* no OSXSAVE */
    uint32_t xcr0 = read_xcr0();
    if ((xcr0 & XCR0_YMM) != XCR0_YMM || !__get_cpuid_count(7, 0, &a, &b, &c, &d)) return cpu;
    uint32_t last_subleaf = a, ebx7 = b, ecx7 = c, edx7 = d, eax71 = 0;
    if (last_subleaf >= 1 && __get_cpuid_count(7, 1, &a, &b, &c, &d)) eax71 = a;

    cpu.avx2_fma_f16c = bit(ecx1, 28) && bit(ecx1, 12) && bit(ecx1, 29) && bit(ebx7, 5);
    cpu.avx_vnni = cpu.avx2_fma_f16c && bit(eax71, 4);
    cpu.avx512 = cpu.avx2_fma_f16c && (xcr0 & XCR0_ZMM) == XCR0_ZMM && bit(ebx7, 16) && bit(ebx7, 17) &&
                 bit(ebx7, 30) && bit(ebx7, 31);
    cpu.avx512_vnni = cpu.avx512 && bit(ecx7, 11);
    cpu.amx_int8 = (xcr0 & XCR0_TILES) == XCR0_TILES && bit(edx7, 24) && bit(edx7, 25);
    return cpu;
}

#elif defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>

/* Linux, Documentation/arch/arm64/elf_hwcaps.rst; named here because older headers lack I8MM. */
#define CAP_ASIMD (1ul << 1)
#define CAP_ASIMDDP (1ul << 20)
#define CAP2_I8MM (1ul << 13)

ll_cpu ll_cpu_detect(void) {
    unsigned long cap = getauxval(AT_HWCAP), cap2 = getauxval(AT_HWCAP2);
    ll_cpu cpu = {0};
    cpu.neon = (cap & CAP_ASIMD) != 0;
    cpu.dotprod = (cap & CAP_ASIMDDP) != 0;
    cpu.i8mm = (cap2 & CAP2_I8MM) != 0;
    return cpu;
}

#else
ll_cpu ll_cpu_detect(void) { return (ll_cpu){0}; }
#endif

#if defined(__x86_64__) && defined(__linux__)
#include <errno.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Linux, Documentation/arch/x86/xstate.rst. */
#define REQUEST_STATE 0x1023 /* ARCH_REQ_XCOMP_PERM */
#define TILE_DATA 18         /* XFEATURE_XTILE_DATA */

static atomic_int tiles; /* 0: not requested, 1: granted, -1: refused */

void ll_cpu_request_tiles(void) {
    const int error = errno;
    if (!atomic_load(&tiles)) atomic_store(&tiles, syscall(SYS_arch_prctl, REQUEST_STATE, TILE_DATA) ? -1 : 1);
    errno = error;
}
bool ll_cpu_may_use_tiles(void) { return atomic_load_explicit(&tiles, memory_order_relaxed) > 0; }

#else
void ll_cpu_request_tiles(void) {}
bool ll_cpu_may_use_tiles(void) { return false; }
#endif
