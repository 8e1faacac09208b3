/* Chinese as customers type it. */
#ifndef SHOP_SPELLING_CHINESE_H
#define SHOP_SPELLING_CHINESE_H

#include "shop/base/alloc.h"

/* *out: the text with the terms of a shop that were typed with a character of the same sound (退宽 for 退款), and with
 * the words that dialects write otherwise (冇 for 没有); allocated, NUL-terminated. NULL if nothing changes. */
llmcs_status shop_chinese_correct(const llmcs_allocator *a, const char *text, size_t n, char **out, size_t *out_bytes);

#endif
