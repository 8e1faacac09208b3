/* Replaces emoji by words. */
#ifndef SHOP_SPELLING_EMOJI_H
#define SHOP_SPELLING_EMOJI_H

#include "shop/base/alloc.h"

/* Replaces emoji by the words that they stand for, in Chinese if the text has Han characters, and removes those that
 * only show a mood. *out: allocated, NUL-terminated; NULL if there are none, or nothing would be left. */
llmcs_status shop_emoji_to_words(const llmcs_allocator *a, const char *text, size_t n, char **out, size_t *out_bytes);

#endif
