/* Decodes and encodes UTF-8 as the core does. */
#include "shop/base/utf8.h"

size_t shop_utf8_decode(const unsigned char *s, size_t n, uint32_t *code) {
    enum { REPLACEMENT = 0xfffd };
    *code = s[0];
    if (s[0] < 0x80) return 1;
    *code = REPLACEMENT;
    if (s[0] < 0xc2 || s[0] > 0xf4) return 1;
    const size_t need = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
    /* Bounds of the second byte that exclude overlong forms, surrogates and code points above U+10FFFF. */
    const unsigned low = s[0] == 0xe0 ? 0xa0 : s[0] == 0xf0 ? 0x90 : 0x80;
    const unsigned high = s[0] == 0xed ? 0x9f : s[0] == 0xf4 ? 0x8f : 0xbf;
    uint32_t value = s[0] & (0x7fu >> need);
    for (size_t i = 1; i < need; i++) {
        const bool good = i < n && (i == 1 ? s[1] >= low && s[1] <= high : (s[i] & 0xc0) == 0x80);
        if (!good) return i;
        value = value << 6 | (s[i] & 0x3fu);
    }
    *code = value;
    return need;
}

bool shop_has_han(const char *text, size_t n) {
    for (size_t i = 0; i < n;) {
        uint32_t c;
        i += shop_utf8_decode((const unsigned char *)text + i, n - i, &c);
        if (shop_is_han(c)) return true;
    }
    return false;
}

size_t shop_utf8_encode(uint32_t code, char *out) {
    unsigned char *o = (unsigned char *)out;
    if (code < 0x80) {
        o[0] = (unsigned char)code;
        return 1;
    }
    const size_t n = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = n - 1; i > 0; i--) {
        o[i] = (unsigned char)(0x80 | (code & 0x3f));
        code >>= 6;
    }
    o[0] = (unsigned char)(lead[n] | code);
    return n;
}
