/* Rewrites a reply by rules: politer or shorter, in English and Chinese. */
#ifndef SHOP_ASSIST_REWRITE_H
#define SHOP_ASSIST_REWRITE_H

#include "shop/base/alloc.h"

/* *out: allocated, NUL-terminated, [*n_out] bytes; the text itself if no rule applies. */
llmcs_status shop_rewrite_by_rules(const llmcs_allocator *a, const char *text, size_t n, llmcs_shop_style style,
                                   bool chinese, char **out, size_t *n_out);

#endif
