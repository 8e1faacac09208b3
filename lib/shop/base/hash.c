/* XXH64 from xxhash.h with everything inlined: imports no symbol and allocates nothing. */
#include "shop/base/hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t shop_xxh64(const void *bytes, size_t n) { return XXH64(bytes ? bytes : "", n, 0); }
