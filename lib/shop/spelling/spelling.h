/*
 * Corrects misspelt English words of a question.
 *
 * Known words are frequent English words (english_words.h), those of the shop's entries and products, and short forms
 * ("u", "dont"). An unknown word is replaced by the known word that the customer most probably meant: likelier if it is
 * frequent and differs by few and common typing errors (letters transposed, doubled or left out, a wrong vowel); or it
 * is split into known words. Words with digits, letters other than a to z, or a capital inside a sentence are kept:
 * numbers, codes, addresses, names. Emoji become words (emoji.h).
 */
#ifndef SHOP_SPELLING_SPELLING_H
#define SHOP_SPELLING_SPELLING_H

#include "shop/store/store.h"

llmcs_status shop_spelling_create(llmcs_shop *shop);
void shop_spelling_free(llmcs_shop *shop);

/* Corrects a text. *out: allocated, NUL-terminated; NULL if there is nothing to correct. Reads the store: do not call
 * it inside a write. */
llmcs_status shop_spelling_correct(llmcs_shop *shop, const char *text, size_t n, char **out, size_t *out_bytes);

#endif
