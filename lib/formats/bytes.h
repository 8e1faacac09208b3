/* Little-endian integers at any alignment, on machines of any byte order. Compilers turn each into one load. */
#ifndef LL_FORMATS_BYTES_H
#define LL_FORMATS_BYTES_H

#include <stdint.h>

static inline uint16_t ll_load_u16(const unsigned char *p) { return (uint16_t)(p[0] | p[1] << 8); }

static inline uint32_t ll_load_u32(const unsigned char *p) {
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline uint64_t ll_load_u64(const unsigned char *p) {
    return ll_load_u32(p) | (uint64_t)ll_load_u32(p + 4) << 32;
}

#endif
