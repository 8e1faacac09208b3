/* Checked arithmetic on sizes from a file or a caller: false if the result overflows. */
#ifndef LL_BASE_SIZE_H
#define LL_BASE_SIZE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline bool ll_mul(size_t a, size_t b, size_t *out) { return !__builtin_mul_overflow(a, b, out); }
static inline bool ll_add(size_t a, size_t b, size_t *out) { return !__builtin_add_overflow(a, b, out); }
static inline bool ll_mul_u64(uint64_t a, uint64_t b, uint64_t *out) { return !__builtin_mul_overflow(a, b, out); }
static inline bool ll_add_u64(uint64_t a, uint64_t b, uint64_t *out) { return !__builtin_add_overflow(a, b, out); }

static inline size_t ll_min(size_t a, size_t b) { return a < b ? a : b; }
static inline size_t ll_max(size_t a, size_t b) { return a > b ? a : b; }

/* n rounded up to a multiple of `unit`; n must be at least `unit` below SIZE_MAX. */
static inline size_t ll_round_up(size_t n, size_t unit) { return (n + unit - 1) / unit * unit; }

#endif
