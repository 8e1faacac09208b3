/* UTF-8, one code point at a time (RFC 3629; Unicode 15, table 3-7). In base because messages need it too. */
#ifndef LL_BASE_UTF8_H
#define LL_BASE_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* Not a code point: what ll_utf8_decode reports for a maximal bad part. */
#define LL_UTF8_BAD UINT32_MAX

/* Reads one code point of s (len >= 1 bytes) and returns how many bytes it took. For bytes that are no UTF-8
 * *cp is LL_UTF8_BAD and the result is the length of the maximal subpart, to be replaced by one U+FFFD. */
static inline size_t ll_utf8_decode(const char *s, size_t len, uint32_t *cp);

/* Writes cp (a scalar value) as 1 to 4 bytes and returns how many. */
size_t ll_utf8_encode(uint32_t cp, char out[4]);

/* How many bytes at the end of s belong to a character that may still become complete: 0 to 3. */
size_t ll_utf8_incomplete_tail(const char *s, size_t len);

/* The same whatever is there: what is inline below are the two shortest forms, by far the most frequent ones. */
size_t ll_utf8_decode_any(const char *s, size_t len, uint32_t *cp);

static inline size_t ll_utf8_decode(const char *s, size_t len, uint32_t *cp) {
    const unsigned char *p = (const unsigned char *)s;
    if (p[0] < 0x80) {
        *cp = p[0];
        return 1;
    }
    if (len < 2 || p[0] < 0xc2 || p[0] > 0xdf || (p[1] & 0xc0) != 0x80) return ll_utf8_decode_any(s, len, cp);
    *cp = (p[0] & 0x1fu) << 6 | (p[1] & 0x3fu);
    return 2;
}

#endif
