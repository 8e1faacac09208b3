#include "base/xxh64.h"

/* The specification's five primes. */
#define P1 0x9e3779b185ebca87u
#define P2 0xc2b2ae3d27d4eb4fu
#define P3 0x165667b19e3779f9u
#define P4 0x85ebca77c2b2ae63u
#define P5 0x27d4eb2f165667c5u

/* Little endian at any alignment; compilers make one load of it. */
static inline uint64_t load32(const unsigned char *p) {
    return (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 | (uint64_t)p[3] << 24;
}
static inline uint64_t load64(const unsigned char *p) {
    return (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 | (uint64_t)p[3] << 24 | (uint64_t)p[4] << 32 |
           (uint64_t)p[5] << 40 | (uint64_t)p[6] << 48 | (uint64_t)p[7] << 56;
}

static inline uint64_t turn(uint64_t x, int n) { return x << n | x >> (64 - n); }
static inline uint64_t take_in(uint64_t sum, uint64_t lane) { return turn(sum + lane * P2, 31) * P1; }
static inline uint64_t merge(uint64_t hash, uint64_t sum) { return (hash ^ take_in(0, sum)) * P1 + P4; }

/* Steps 1 to 3 for 32 bytes and more: four sums of every fourth lane, made one. Goes as far as whole stripes do. */
static uint64_t stripes(const unsigned char **at, const unsigned char *end, uint64_t seed) {
    uint64_t a = seed + P1 + P2, b = seed + P2, c = seed, d = seed - P1;
    const unsigned char *p = *at;
    for (; end - p >= 32; p += 32) {
        a = take_in(a, load64(p));
        b = take_in(b, load64(p + 8));
        c = take_in(c, load64(p + 16));
        d = take_in(d, load64(p + 24));
    }
    *at = p;
    return merge(merge(merge(merge(turn(a, 1) + turn(b, 7) + turn(c, 12) + turn(d, 18), a), b), c), d);
}

uint64_t ll_xxh64(const void *bytes, size_t n, uint64_t seed) {
    const unsigned char *p = bytes, *end = n ? p + n : p;
    uint64_t hash = (n >= 32 ? stripes(&p, end, seed) : seed + P5) + n;
    for (; end - p >= 8; p += 8) hash = turn(hash ^ take_in(0, load64(p)), 27) * P1 + P4;
    if (end - p >= 4) {
        hash = turn(hash ^ load32(p) * P1, 23) * P2 + P3;
        p += 4;
    }
    for (; p < end; p++) hash = turn(hash ^ *p * P5, 11) * P1;
    hash = (hash ^ hash >> 33) * P2;
    hash = (hash ^ hash >> 29) * P3;
    return hash ^ hash >> 32;
}
