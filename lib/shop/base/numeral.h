/* Chinese numerals. */
#ifndef SHOP_BASE_NUMERAL_H
#define SHOP_BASE_NUMERAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SHOP_NUMERAL_CHARS = 8 };

/* One of 〇零一二两三四五六七八九十百千万. */
bool shop_is_numeral(int32_t c);

/* The numeral at the beginning of n code points: how many it takes, at most SHOP_NUMERAL_CHARS; 0: there is none.
 * 三百五 is 350, 三百零五 305. */
size_t shop_read_numeral(const int32_t *c, size_t n, unsigned int *value);

#endif
