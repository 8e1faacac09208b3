/* XXH64 by its author's own header, all of it inline: no symbol is imported and nothing is allocated. */
#include "shop/base/hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t shop_xxh64(const void *bytes, size_t n) { return XXH64(bytes ? bytes : "", n, 0); }
