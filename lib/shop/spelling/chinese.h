/* Corrects Chinese typing errors. */
#ifndef SHOP_SPELLING_CHINESE_H
#define SHOP_SPELLING_CHINESE_H

#include "shop/base/alloc.h"

/* Corrects shop terms that were typed with a character of the same sound (退宽 for 退款), and replaces dialect words
 * (冇 by 没有). *out: allocated, NUL-terminated; NULL if nothing changes. */
llmcs_status shop_chinese_correct(const llmcs_allocator *a, const char *text, size_t n, char **out, size_t *out_bytes);

#endif
