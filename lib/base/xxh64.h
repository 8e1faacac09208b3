/* XXH64, a hash for finding damage and telling things apart, not for secrets: Yann Collet, "xxHash fast digest
 * algorithm", version 0.1.1 (xxhash_spec.md, section XXH64). */
#ifndef LL_BASE_XXH64_H
#define LL_BASE_XXH64_H

#include <stddef.h>
#include <stdint.h>

/* The same for the same bytes on every machine. Hashes of parts are chained by taking each as the next one's seed. */
uint64_t ll_xxh64(const void *bytes, size_t n, uint64_t seed);

#endif
