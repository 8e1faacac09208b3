/* Pictures in a text as words. */
#ifndef SHOP_SPELLING_EMOJI_H
#define SHOP_SPELLING_EMOJI_H

#include "shop/base/alloc.h"

/* *out: the text with what its pictures stand for, in Chinese if it has Han characters, and without those that only
 * show a mood; allocated, NUL-terminated. NULL if it has none, or nothing else would be left. */
llmcs_status shop_emoji_to_words(const llmcs_allocator *a, const char *text, size_t n, char **out, size_t *out_bytes);

#endif
