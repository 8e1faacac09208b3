/* Strict: no line breaks, no other alphabet, padding as the standard requires. */
#include "formats/base64.h"

#include <stdint.h>

static int value_of(unsigned char c) {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool ll_base64_decode(const char *text, size_t n, char *out, size_t *n_out) {
    size_t k = 0;
    *n_out = 0;
    if (n % 4) return false;
    for (size_t i = 0; i < n; i += 4) {
        const bool last = i + 4 == n;
        const size_t pad = last && text[i + 3] == '=' ? 1 + (text[i + 2] == '=') : 0;
        uint32_t bits = 0;
        for (size_t c = 0; c < 4; c++) {
            const int v = c >= 4 - pad ? 0 : value_of((unsigned char)text[i + c]);
            if (v < 0) return false;
            bits = bits << 6 | (uint32_t)v;
        }
        for (size_t c = 0; c < 3 - pad; c++) out[k++] = (char)(bits >> (16 - 8 * c) & 0xff);
    }
    *n_out = k;
    return true;
}
