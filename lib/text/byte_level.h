/* GPT-2's byte level: the alphabet with a visible character for every byte, and the split of text into words (Radford
 * et al. 2019; the regular expression of OpenAI's encoder.py). */
#ifndef LL_TEXT_BYTE_LEVEL_H
#define LL_TEXT_BYTE_LEVEL_H

#include "text/unicode.h"

/* The character that stands for a byte: printable Latin-1 for itself, the other 68 from U+0100 up. */
uint32_t ll_byte_to_char(unsigned char byte);

/* The byte a character stands for; -1: none. */
int ll_char_to_byte(uint32_t cp);

/* The bytes that a token of the alphabet stands for, at most len of them; SIZE_MAX if a character of the token is not
 * of the alphabet. out may be NULL. */
size_t ll_bytes_of_token(const char *token, size_t len, char *out);

/* Length of the first match of
 *   's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
 * in text (valid UTF-8, n >= 1). It always matches at the beginning. */
size_t ll_byte_level_word(const ll_unicode *u, const char *text, size_t n);

#endif
