/*
 * Corrects misspelt English words of a question.
 *
 * Known words are frequent English ones (english_words.h), those of the shop's entries and products, and short forms
 * ("u", "dont"). An unknown word becomes the known one that the customer most probably meant: the more frequent, and
 * the fewer and likelier the slips between them (letters transposed, doubled, left out, a vowel for another); or two or
 * more known words that lack their spaces. What has digits, other letters than a to z, or a capital in the middle of a
 * sentence stays as it is: numbers, codes, addresses, names. Emoji become words (emoji.h).
 */
#ifndef SHOP_SPELLING_SPELLING_H
#define SHOP_SPELLING_SPELLING_H

#include "shop/store/store.h"

llmcs_status shop_spelling_create(llmcs_shop *shop);
void shop_spelling_free(llmcs_shop *shop);

/* *out: the text with words corrected, allocated, NUL-terminated; NULL if there is nothing to correct. Reads the
 * store, so not inside a write of the same thread. */
llmcs_status shop_spelling_correct(llmcs_shop *shop, const char *text, size_t n, char **out, size_t *out_bytes);

#endif
