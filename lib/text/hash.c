/* The seed of the keyed hash. */
#include "text/hash.h"

#include <sys/random.h>

#include "base/clock.h"

uint64_t ll_hash_seed(void) {
    uint64_t seed;
    if (getrandom(&seed, sizeof seed, GRND_NONBLOCK) == (ssize_t)sizeof seed) return seed;
    return ll_hash_mix(ll_now_ns() ^ (uint64_t)(uintptr_t)&seed, LL_HASH_ODD);
}
