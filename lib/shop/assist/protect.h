/* Parts of a text that a rewrite must keep: numbers, links, addresses, codes, quoted text, placeholders. */
#ifndef SHOP_ASSIST_PROTECT_H
#define SHOP_ASSIST_PROTECT_H

#include "shop/base/alloc.h"

/* The next such part at or after `at`: bytes [*begin, *end). False if there is none. */
bool shop_next_protected(const char *text, size_t n, size_t at, size_t *begin, size_t *end);

/* True if the texts have the same parts in the same order, and the same numerals written as words. */
bool shop_keeps_protected(const char *a, size_t n_a, const char *b, size_t n_b);

/* True if the text has such a part, or a numeral written as a word. */
bool shop_has_protected(const char *text, size_t n);

#endif
