/* Texts as code points, and the character classes of sacreBLEU and rouge-score. */
#ifndef SHOP_METRICS_CHARS_H
#define SHOP_METRICS_CHARS_H

#include <stdbool.h>

#include "shop/base/alloc.h"

/* A growing array of code points. */
typedef struct shop_chars {
    const llmcs_allocator *allocator;
    uint32_t *at;
    size_t n, capacity;
} shop_chars;

/* Reserves memory for n code points in total and keeps the existing ones. */
llmcs_status shop_chars_reserve(shop_chars *chars, size_t n);
void shop_chars_free(shop_chars *chars);

/* Sets the content to the text's code points, U+FFFD for each maximal ill-formed part. */
llmcs_status shop_chars_decode(shop_chars *chars, const char *text, size_t bytes);
llmcs_status shop_chars_copy(shop_chars *chars, const uint32_t *from, size_t n);

/* Like Python's str.lower(), except that the Greek final sigma becomes a plain sigma. */
llmcs_status shop_chars_lower(shop_chars *chars);

/* Like Python's str.isspace(). */
bool shop_is_space(uint32_t c);
/* The characters that sacreBLEU's tokenizer "zh" separates. Its ranges above U+20000 are written with \u and four
 * digits, so they mean U+2001 to U+2A6D and U+2F81 to U+2FA1; to give equal scores, these are the same. */
bool shop_is_sacrebleu_zh(uint32_t c);
/* Han characters and kana, each of which counts as a word. */
bool shop_is_cjk(uint32_t c);

#endif
