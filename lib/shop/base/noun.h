/* English nouns in singular and plural. */
#ifndef SHOP_BASE_NOUN_H
#define SHOP_BASE_NOUN_H

#include <stdbool.h>
#include <stddef.h>

/* True if two words in lower case are equal or one is the plural of the other: mug, mugs; shelf, shelves; city, cities.
 * Words of one or two letters have no plural. */
bool shop_same_noun(const char *a, size_t n, const char *b, size_t m);

#endif
