/* A keyed hash for tables whose keys come from a file, so that a file cannot have keys that collide. Written by hand
 * because hash tables in Debian are unkeyed (uthash-dev, libjudy-dev) or abort when an allocation fails
 * (libglib2.0-dev). */
#ifndef LL_TEXT_HASH_H
#define LL_TEXT_HASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* From the kernel's random numbers; without them from clock and addresses. */
uint64_t ll_hash_seed(void);

/* High and low half of a 64 x 64 bit product, folded: every bit of the result depends on every bit of both. */
static inline uint64_t ll_hash_mix(uint64_t a, uint64_t b) {
    __extension__ typedef unsigned __int128 wide;
    wide product = (wide)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

#define LL_HASH_ODD 0x9e3779b97f4a7c15u /* 2^64 divided by the golden ratio */

static inline uint64_t ll_hash_u64(uint64_t seed, uint64_t key) { return ll_hash_mix(key ^ seed, seed | LL_HASH_ODD); }

/* 1 to 7 bytes as a number. With their number it says which they were, although some may count twice. */
static inline uint64_t ll_hash_few(const char *bytes, size_t n) {
    uint32_t first, last;
    if (n < 4) {
        const unsigned char *b = (const unsigned char *)bytes;
        return (uint64_t)b[0] << 16 | (uint64_t)b[n / 2] << 8 | b[n - 1];
    }
    memcpy(&first, bytes, 4);
    memcpy(&last, bytes + n - 4, 4);
    return (uint64_t)first << 32 | last;
}

/* Pieces of 8 bytes, of which the last may overlap the one before. */
static inline uint64_t ll_hash_bytes(uint64_t seed, const char *bytes, size_t n) {
    uint64_t h = seed ^ n, word = 0;
    if (n >= 8) {
        const char *last = bytes + n - 8;
        for (; bytes < last; bytes += 8) {
            memcpy(&word, bytes, 8);
            h = ll_hash_mix(h ^ word, seed | LL_HASH_ODD);
        }
        memcpy(&word, last, 8);
    } else if (n) {
        word = ll_hash_few(bytes, n);
    }
    return ll_hash_mix(h ^ word, seed | LL_HASH_ODD);
}

#endif
