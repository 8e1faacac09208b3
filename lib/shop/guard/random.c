/* Random bytes by getrandom, and hexadecimal conversion. */
#include "shop/guard/random.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>
#include <sys/random.h>

llmcs_status shop_random_bytes(void *out, size_t n) {
    uint8_t *at = out;
    while (n) {
        const ssize_t got = getrandom(at, n, 0);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return shop_fail(LLMCS_IO, "cannot get random bytes: getrandom failed with errno %d", errno);
        at += got;
        n -= (size_t)got;
    }
    return LLMCS_OK;
}

llmcs_status shop_random_hex(char *out, size_t n) {
    uint8_t bytes[32];
    SHOP_TRY(shop_random_bytes(bytes, n));
    shop_hex(bytes, n, out);
    return LLMCS_OK;
}

void shop_hex(const uint8_t *bytes, size_t n, char *out) {
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < n; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
    out[2 * n] = 0;
}

static int digit_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

int shop_unhex(const char *hex, uint8_t *bytes, size_t n) {
    if (strnlen(hex, 2 * n + 1) != 2 * n) return 0;
    for (size_t i = 0; i < n; i++) {
        const int high = digit_value(hex[2 * i]), low = digit_value(hex[2 * i + 1]);
        if (high < 0 || low < 0) return 0;
        bytes[i] = (uint8_t)(high << 4 | low);
    }
    return 1;
}

llmcs_status shop_crypto_ready(void) {
    uint8_t probe[16];
    /* sodium_init aborts if the system has no random bytes, so that is tested first. */
    SHOP_TRY(shop_random_bytes(probe, sizeof probe));
    return sodium_init() < 0 ? shop_fail(LLMCS_INTERNAL, "libsodium cannot be initialised") : LLMCS_OK;
}
