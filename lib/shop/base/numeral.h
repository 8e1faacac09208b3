/* Numbers in texts: digits and Chinese numerals. */
#ifndef SHOP_BASE_NUMERAL_H
#define SHOP_BASE_NUMERAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SHOP_NUMERAL_CHARS = 8 };

/* One of 〇零一二两三四五六七八九十百千万. */
bool shop_is_numeral(int32_t c);

/* Reads the numeral that starts at c[0]. Returns its length in code points, at most SHOP_NUMERAL_CHARS; 0 if there is
 * none. 三百五 is 350, 三百零五 is 305. A larger number than an unsigned int holds becomes UINT_MAX. */
size_t shop_read_numeral(const int32_t *c, size_t n, unsigned int *value);

/* Reads the number in digits or Chinese numerals at the start of a UTF-8 text. Returns its length in bytes; 0 if there
 * is none. *value is limited like that of a numeral. */
size_t shop_read_number(const char *text, size_t n, unsigned int *value);

#endif
