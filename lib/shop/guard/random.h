/* Random bytes of the system. libsodium's own functions end the process where there are none; these fail. */
#ifndef SHOP_GUARD_RANDOM_H
#define SHOP_GUARD_RANDOM_H

#include <stddef.h>
#include <stdint.h>

#include "shop/base/status.h"

/* IO if the system has none to give. */
llmcs_status shop_random_bytes(void *out, size_t n);

/* n random bytes as 2 n hex digits and a NUL. n <= 32. */
llmcs_status shop_random_hex(char *out, size_t n);

/* out: 2 n digits and a NUL. */
void shop_hex(const uint8_t *bytes, size_t n, char *out);
/* False unless `hex` is exactly 2 n hex digits. */
int shop_unhex(const char *hex, uint8_t *bytes, size_t n);

/* Makes libsodium ready. Every function that uses it begins with it. */
llmcs_status shop_crypto_ready(void);

#endif
