/* XXH64 (xxHash, Yann Collet), seed 0, for checksums of files and hash tables. The same on every machine. */
#ifndef SHOP_BASE_HASH_H
#define SHOP_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

uint64_t shop_xxh64(const void *bytes, size_t n);

#endif
