/* Texts as code points, and the classes of characters that sacreBLEU and rouge-score know. */
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

/* Reserves memory for n code points in all; keeps those that are there. */
llmcs_status shop_chars_reserve(shop_chars *chars, size_t n);
void shop_chars_free(shop_chars *chars);

/* Replaces the content by the text's code points: U+FFFD for each maximal ill-formed part. */
llmcs_status shop_chars_decode(shop_chars *chars, const char *text, size_t bytes);
llmcs_status shop_chars_copy(shop_chars *chars, const uint32_t *from, size_t n);

/* As Python's str.lower(), but for the Greek final sigma, which becomes a plain one. */
llmcs_status shop_chars_lower(shop_chars *chars);

/* As Python's str.isspace(). */
bool shop_is_space(uint32_t c);
/* What sacreBLEU's tokenizer "zh" sets apart. Its ranges for U+20000 and beyond are written with \u and four digits,
 * so they mean U+2001 to U+2A6D and U+2F81 to U+2FA1; equal numbers need the same. */
bool shop_is_sacrebleu_zh(uint32_t c);
/* Han characters and kana: a word each where words are not separated by spaces. */
bool shop_is_cjk(uint32_t c);

#endif
