/* Random bytes from the system. These functions return an error where libsodium's would abort. */
#ifndef SHOP_GUARD_RANDOM_H
#define SHOP_GUARD_RANDOM_H

#include <stddef.h>
#include <stdint.h>

#include "shop/base/status.h"

/* IO if the system cannot provide them. */
llmcs_status shop_random_bytes(void *out, size_t n);

/* n random bytes as 2 n hex digits and a NUL. n <= 32. */
llmcs_status shop_random_hex(char *out, size_t n);

/* out: 2 n digits and a NUL. */
void shop_hex(const uint8_t *bytes, size_t n, char *out);
/* False unless `hex` is exactly 2 n hex digits. */
int shop_unhex(const char *hex, uint8_t *bytes, size_t n);

/* Initialises libsodium. Call it before any function of libsodium. */
llmcs_status shop_crypto_ready(void);

#endif
