/* Macros that all templates use. Included before the vector operations are defined. */
#ifndef LL_KERNELS_VECTOR_BASE_H
#define LL_KERNELS_VECTOR_BASE_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#define ALWAYS_INLINE inline __attribute__((always_inline))
/* For loops with constant bounds over registers: they must be unrolled at any optimisation level. */
#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 32")
#endif

/* A prefetch is a hint: an address past the end of the weights does no harm. */
static ALWAYS_INLINE void v_prefetch(const void *p) { __builtin_prefetch(p, 0, 3); }
static ALWAYS_INLINE void v_prefetch_to_level_2(const void *p) { __builtin_prefetch(p, 0, 2); }

/* Hides the value of v from the compiler. An array of accumulators cleared with a hidden zero stays in registers; with
 * a known zero it becomes a memset in memory. */
#if defined(__x86_64__)
#define UNKNOWN(v) __asm__("" : "+x"(v))
#else
#define UNKNOWN(v) __asm__("" : "+w"(v))
#endif

#define MAX_TILE_ROWS 6
#define MAX_TILE_VECTORS 16
#define MAX_TILE_SUMS 24

#endif
