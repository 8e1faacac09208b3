/* Decodes and encodes UTF-8 as the core does. */
#ifndef SHOP_BASE_UTF8_H
#define SHOP_BASE_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* Decodes the first character of s[0..n), n > 0, and returns its length in bytes. A maximal ill-formed part (Unicode
 * 15, table 3-7) decodes to U+FFFD. */
size_t shop_utf8_decode(const unsigned char *s, size_t n, uint32_t *code);

/* Writes 1 to 4 bytes and returns their number. code must be a Unicode scalar value. */
size_t shop_utf8_encode(uint32_t code, char *out);

#endif
