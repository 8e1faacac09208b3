/* Detects texts in languages other than English and Chinese. */
#ifndef SHOP_SPELLING_FOREIGN_H
#define SHOP_SPELLING_FOREIGN_H

#include <stdbool.h>
#include <stddef.h>

/* True if the UTF-8 text has letters of another script (kana, Hangul, Cyrillic, Arabic, ...), or at least two small
 * words of another European language, Malay, Turkish or Vietnamese. */
bool shop_is_foreign(const char *text, size_t n);

#endif
