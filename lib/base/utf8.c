/* UTF-8 sequences that utf8.h does not decode inline. */
#include "base/utf8.h"

/* Length of the sequence that b starts, and the range of its second byte (later ones are 80..BF); 0: b starts none.
 * Unicode, table 3-7. */
static int decode_lead_byte(unsigned char b, unsigned char *low, unsigned char *high) {
    *low = 0x80;
    *high = 0xbf;
    if (b >= 0xc2 && b <= 0xdf) return 2;
    if (b >= 0xe0 && b <= 0xef) {
        if (b == 0xe0) *low = 0xa0;
        if (b == 0xed) *high = 0x9f;
        return 3;
    }
    if (b >= 0xf0 && b <= 0xf4) {
        if (b == 0xf0) *low = 0x90;
        if (b == 0xf4) *high = 0x8f;
        return 4;
    }
    return 0;
}

size_t ll_utf8_decode_any(const char *s, size_t len, uint32_t *cp) {
    const unsigned char *p = (const unsigned char *)s;
    if (p[0] < 0x80) {
        *cp = p[0];
        return 1;
    }
    unsigned char low, high;
    int n = decode_lead_byte(p[0], &low, &high);
    *cp = LL_UTF8_BAD;
    if (n == 0) return 1;
    uint32_t c = p[0] & (0x7fu >> n);
    for (size_t i = 1; i < (size_t)n; i++) {
        if (i >= len || p[i] < low || p[i] > high) return i;
        c = c << 6 | (p[i] & 0x3fu);
        low = 0x80;
        high = 0xbf;
    }
    *cp = c;
    return (size_t)n;
}

size_t ll_utf8_encode(uint32_t cp, char out[4]) {
    if (cp < 0x80) {
        out[0] = (char)cp;
        return 1;
    }
    if (cp < 0x800) {
        out[0] = (char)(0xc0 | cp >> 6);
        out[1] = (char)(0x80 | (cp & 0x3f));
        return 2;
    }
    if (cp < 0x10000) {
        out[0] = (char)(0xe0 | cp >> 12);
        out[1] = (char)(0x80 | (cp >> 6 & 0x3f));
        out[2] = (char)(0x80 | (cp & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | cp >> 18);
    out[1] = (char)(0x80 | (cp >> 12 & 0x3f));
    out[2] = (char)(0x80 | (cp >> 6 & 0x3f));
    out[3] = (char)(0x80 | (cp & 0x3f));
    return 4;
}

size_t ll_utf8_incomplete_tail(const char *s, size_t len) {
    size_t back = len < 3 ? len : 3;
    for (size_t i = back; i > 0; i--) {
        unsigned char low, high;
        int n = decode_lead_byte((unsigned char)s[len - i], &low, &high);
        if (n == 0) continue;
        uint32_t cp;
        size_t used = ll_utf8_decode(s + len - i, i, &cp);
        if (cp == LL_UTF8_BAD && used == i && (size_t)n > i) return i;
    }
    return 0;
}

bool ll_utf8_valid(const char *s, size_t len) {
    uint32_t cp = 0;
    for (size_t i = 0; i < len && cp != LL_UTF8_BAD;) i += ll_utf8_decode(s + i, len - i, &cp);
    return cp != LL_UTF8_BAD;
}
