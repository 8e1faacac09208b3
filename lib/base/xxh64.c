/* XXH64 by its author's own header, all of it inline: no symbol is imported and nothing is allocated. */
#include "base/xxh64.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t ll_xxh64(const void *bytes, size_t n, uint64_t seed) { return XXH64(bytes ? bytes : "", n, seed); }
