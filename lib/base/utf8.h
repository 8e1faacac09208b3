/* UTF-8, one code point at a time (RFC 3629; Unicode 15, table 3-7). Written by hand because utf8proc reports an error
 * but not the maximal subpart that U+FFFD replaces. */
#ifndef LL_BASE_UTF8_H
#define LL_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Not a code point: ll_utf8_decode returns it for a maximal ill-formed subpart. */
#define LL_UTF8_BAD UINT32_MAX

/* Decodes one code point of s (len >= 1 bytes) and returns its length in bytes. For ill-formed bytes *cp is LL_UTF8_BAD
 * and the result is the length of the maximal subpart, which one U+FFFD replaces. */
static inline size_t ll_utf8_decode(const char *s, size_t len, uint32_t *cp);

/* True if all of s is well-formed. */
bool ll_utf8_valid(const char *s, size_t len);

/* Writes cp (a scalar value) as 1 to 4 bytes and returns how many. */
size_t ll_utf8_encode(uint32_t cp, char out[4]);

/* Number of bytes at the end of s that start a character which more bytes could complete: 0 to 3. */
size_t ll_utf8_incomplete_tail(const char *s, size_t len);

/* The same, not inline: ll_utf8_decode inlines the two shortest forms, by far the most frequent. */
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
