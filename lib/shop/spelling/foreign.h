/* Texts in languages other than English and Chinese. */
#ifndef SHOP_SPELLING_FOREIGN_H
#define SHOP_SPELLING_FOREIGN_H

#include <stdbool.h>
#include <stddef.h>

/* `text`: UTF-8. True if it has letters of another script (kana, Hangul, Cyrillic, Arabic, ...), or at
 * least two of the small words of another European, Malay, Turkish or Vietnamese text. */
bool shop_is_foreign(const char *text, size_t n);

#endif
