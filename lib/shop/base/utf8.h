/* Decodes and encodes UTF-8 as the core does. */
#ifndef SHOP_BASE_UTF8_H
#define SHOP_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Decodes the first character of s[0..n), n > 0, and returns its length in bytes. A maximal ill-formed part (Unicode
 * 15, table 3-7) decodes to U+FFFD. */
size_t shop_utf8_decode(const unsigned char *s, size_t n, uint32_t *code);

/* ASCII letters in lower case; every other byte is unchanged. */
static inline char shop_lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c; }

/* True for a Chinese character (a unified ideograph or 〇). */
static inline bool shop_is_han(uint32_t c) {
    return (c >= 0x4e00 && c <= 0x9fff) || (c >= 0x3400 && c <= 0x4dbf) || (c >= 0x20000 && c <= 0x323af) ||
           c == 0x3007;
}

/* True for Han characters, kana and Hangul: writing in which words are not told apart by spaces alone. */
static inline bool shop_is_east_asian(uint32_t c) {
    return shop_is_han(c) || (c >= 0x3041 && c <= 0x30ff) || (c >= 0xac00 && c <= 0xd7a3) || c == 0x3005;
}

/* True if the text has a Chinese character. */
bool shop_has_han(const char *text, size_t n);

/* Writes 1 to 4 bytes and returns their number. code must be a Unicode scalar value. */
size_t shop_utf8_encode(uint32_t code, char *out);

#endif
