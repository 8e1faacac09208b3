/* XXH64 (xxHash, Yann Collet) for checksums and fingerprints; not a cryptographic hash. */
#ifndef LL_BASE_XXH64_H
#define LL_BASE_XXH64_H

#include <stddef.h>
#include <stdint.h>

/* The same hash for the same bytes on every machine. bytes may be NULL if n is 0. Chunks are chained by passing the
 * hash of one as the seed of the next. */
uint64_t ll_xxh64(const void *bytes, size_t n, uint64_t seed);

#endif
